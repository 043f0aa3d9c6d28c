SELECT region, COUNT(*) AS n
FROM patients p
WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person AND e.code IN codelist('copd') AND e.date > p.registered_on)
  AND NOT EXISTS (SELECT * FROM prescriptions r WHERE p.person = r.person AND r.bnf_code LIKE '0301%')
GROUP BY region
---
from ((patients having (events where events.code in (9 values)) with events.date > patients.registered_on) without (prescriptions where prescriptions.bnf_code begins '0301'))
key region = patients.region: category of 7
ask n = persons
answer region, n
