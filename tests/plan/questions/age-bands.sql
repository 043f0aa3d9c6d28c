SELECT band(age_at(DATE '2024-01-01'), 10) AS age_from, sex, COUNT(*) AS n
FROM patients
WHERE died_on IS NULL
GROUP BY 1, 2
ORDER BY age_from, sex
---
from (patients where patients.died_on is null)
key age_from = band((year(19723) - patients.year_of_birth), 10): integer -10..120 by 10
key sex = patients.sex: category of 4
ask n = persons
order age_from, sex
answer age_from, sex, n
