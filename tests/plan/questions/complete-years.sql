SELECT region, AVG(date_sub('year', registered_on, COALESCE(left_on, '2026-12-31'))) AS years,
  MEDIAN(date_diff('day', registered_on, died_on)) AS days
FROM patients
WHERE registered_on + INTERVAL 30 DAY < DATE '2025-01-01' AND DATE '2024-12-31' - registered_on > 365
GROUP BY region
---
from (patients where (patients.registered_on + 30) < 20089 and (20088 - patients.registered_on) > 365)
key region = patients.region: category of 7
ask years = avg of years(patients.registered_on, case(not (patients.left_on is null): patients.left_on; else 20818)): integer -27..107
ask days = quantile 0.5 of (patients.died_on - patients.registered_on): integer -9861..39081 or null
answer region, years, days
