SELECT COUNT(*) AS n FROM patients p
WHERE EXISTS (
  SELECT 1 FROM events e WHERE e.person = p.person AND e.code IN codelist('asthma') AND EXISTS (
    SELECT 1 FROM prescriptions r WHERE r.person = p.person AND r.date BETWEEN e.date AND e.date + INTERVAL '90' DAY))
---
from (patients having ((events where events.code in (14 values)) having prescriptions with prescriptions.date >= events.date and prescriptions.date <= (events.date + 90)))
ask n = persons
answer n
