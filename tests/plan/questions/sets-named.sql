SELECT region, sex, imd_decile, COUNT(*) AS n FROM patients GROUP BY GROUPING SETS ((region, sex, imd_decile), (region, sex), (imd_decile), ())
---
from patients
key region = patients.region: category of 7
key sex = patients.sex: category of 4
key imd_decile = patients.imd_decile: integer 1..10 or null
ask n = persons
sets ((0, 1, 2), (0, 1), (2,), ())
answer region, sex, imd_decile, n
