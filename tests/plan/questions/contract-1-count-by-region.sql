SELECT region, COUNT(*) AS n FROM patients GROUP BY region
---
from patients
key region = patients.region: category of 7
ask n = persons
answer region, n
