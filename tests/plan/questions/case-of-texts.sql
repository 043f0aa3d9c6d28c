SELECT CASE WHEN imd_decile <= 3 THEN 'most deprived' WHEN imd_decile >= 8 THEN 'least deprived' ELSE 'between' END AS place,
  COUNT(*) AS n, STDDEV(year_of_birth) AS spread
FROM patients
GROUP BY place
---
from patients
key place = case(patients.imd_decile <= 3: 'most deprived'; patients.imd_decile >= 8: 'least deprived'; else 'between'): category of 3
ask n = persons
ask spread = stddev of patients.year_of_birth: integer 1900..2026
answer place, n, spread
