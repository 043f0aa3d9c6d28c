SELECT ethnicity, region, sex, COUNT(*) AS n FROM patients GROUP BY ethnicity, CUBE(region, sex)
---
from patients
key ethnicity = patients.ethnicity: category of 6 or null
key region = patients.region: category of 7
key sex = patients.sex: category of 4
ask n = persons
sets ((0, 1, 2), (0, 1), (0, 2), (0,))
answer ethnicity, region, sex, n
