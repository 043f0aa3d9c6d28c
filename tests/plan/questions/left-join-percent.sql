SELECT p.region, 100.0 * COUNT(c.person) / COUNT(*) AS pct
FROM patients p LEFT JOIN (SELECT DISTINCT person FROM events WHERE code IN codelist('copd')) c ON c.person = p.person
GROUP BY p.region
HAVING COUNT(*) >= 1000 AND pct < 50
ORDER BY pct DESC
LIMIT 3
---
from patients left join c_2[matched = 1] over c[ | ] of (events where events.code in (9 values))
key region = patients.region: category of 7
ask rows_1 = rows of c_2.matched: integer 1..1 or null
ask persons_1 = persons
figure pct = ((100.0 * rows_1) / persons_1)
having persons_1 >= 1000 and ((100.0 * rows_1) / persons_1) < 50
order pct desc
limit 3
answer region, pct
