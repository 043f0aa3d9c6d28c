SELECT CASE sex WHEN 'F' THEN 'women' WHEN 'M' THEN 'men' END AS who, COUNT(*) AS n FROM patients GROUP BY 1
---
from patients
key who = case(patients.sex = 'F': 'women'; patients.sex = 'M': 'men'; else null): category of 2 or null
ask n = persons
answer who, n
