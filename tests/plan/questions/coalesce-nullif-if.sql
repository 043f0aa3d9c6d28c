SELECT COALESCE(ethnicity, 'Unknown') AS ethnicity, AVG(COALESCE(imd_decile, 0)) AS a, AVG(NULLIF(imd_decile, 10)) AS b,
  SUM(IF(sex = 'F', 1, 0)) AS women, COUNT(died_on) AS died
FROM patients
GROUP BY COALESCE(ethnicity, 'Unknown')
---
from patients
key ethnicity = case(not (patients.ethnicity is null): patients.ethnicity; else 'Unknown'): category of 7
ask a = avg of case(not (patients.imd_decile is null): patients.imd_decile; else 0): integer 0..10
ask b = avg of case(patients.imd_decile = 10: null; else patients.imd_decile): integer 1..10 or null
ask women = sum of case(patients.sex = 'F': 1; else 0): integer 0..1
ask died = rows of patients.died_on: date 10957..20818 or null
answer ethnicity, a, b, women, died
