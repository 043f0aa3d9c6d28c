SELECT COUNT(*) AS n FROM patients
WHERE region LIKE 'South%' AND sex NOT IN ('I', 'U') AND board NOT LIKE '%London%' AND practice LIKE 'A8%' AND year_of_birth NOT BETWEEN 1950 AND 1960
---
from (patients where patients.region in ('South East', 'South West') and not (patients.sex in ('I', 'U')) and not (patients.board in (5 values)) and patients.practice begins 'A8' and not (patients.year_of_birth >= 1950 and patients.year_of_birth <= 1960))
ask n = persons
answer n
