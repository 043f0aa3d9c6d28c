SELECT region, sex, COUNT(*) AS n, SUM(imd_decile) / COUNT(*) AS mean FROM patients GROUP BY ROLLUP(region, sex)
---
from patients
key region = patients.region: category of 7
key sex = patients.sex: category of 4
ask n = persons
ask sum_1 = sum of patients.imd_decile: integer 1..10 or null
figure mean = (sum_1 / n)
sets ((0, 1), (0,), ())
answer region, sex, n, mean
