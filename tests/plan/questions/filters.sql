SELECT sex, COUNT(*) FILTER (WHERE died_on IS NOT NULL) AS died, AVG(imd_decile) FILTER (WHERE region = 'London') AS london,
  COUNT(DISTINCT person) FILTER (WHERE left_on IS NULL) AS registered
FROM patients GROUP BY sex
---
from patients
key sex = patients.sex: category of 4
ask died = rows of case(not (patients.died_on is null): 1; else null): integer 1..1 or null
ask london = avg of case(patients.region = 'London': patients.imd_decile; else null): integer 1..10 or null
ask registered = rows of case(patients.left_on is null: 1; else null): integer 1..1 or null
answer sex, died, london, registered
