SELECT region, COUNT(*) AS n, AVG(imd_decile) AS d
FROM patients
WHERE TRUE AND (sex = 'F' OR NOT (year_of_birth < 1950 OR ethnicity IS NULL))
GROUP BY region
HAVING (n > 100 OR AVG(imd_decile) <= 5.5) AND NOT d BETWEEN 1 AND 2
---
from (patients where true and (patients.sex = 'F' or not ((patients.year_of_birth < 1950 or patients.ethnicity is null))))
key region = patients.region: category of 7
ask n = persons
ask d = avg of patients.imd_decile: integer 1..10 or null
having (n > 100 or d <= 5.5) and not (d >= 1 and d <= 2)
answer region, n, d
