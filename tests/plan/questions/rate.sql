SELECT region, RATE_PER_1000(f.died, f.days) AS rate
FROM patients JOIN (
  SELECT person, IF(died_on IS NULL, 0, 1) AS died, date_diff('day', registered_on, COALESCE(died_on, DATE '2026-12-31')) AS days
  FROM patients) f USING (person)
GROUP BY region ORDER BY rate DESC
---
from patients join patients as patients_2
key region = patients.region: category of 7
ask sum_1 = sum of case(patients_2.died_on is null: 0; else 1): integer 0..1
ask sum_2 = sum of (case(not (patients_2.died_on is null): patients_2.died_on; else 20818) - patients_2.registered_on): integer -9861..39081
figure rate = ((365250 * sum_1) / sum_2)
order rate desc
answer region, rate
