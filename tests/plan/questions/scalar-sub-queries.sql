SELECT region, COUNT(*) AS n, AVG((SELECT COUNT(*) FROM events e WHERE e.person = p.person AND e.code IN codelist('asthma'))) AS events
FROM patients p
WHERE (SELECT MAX(m.value) FROM measurements m WHERE m.person = p.person AND m.kind = 'systolic') >= 140
GROUP BY region
---
from (patients left join value[ | count = count(): integer 1..2000] of (events where events.code in (14 values)) left join value_2[ | max = max(measurements.value): decimal 0..4000 x 0.1 or null] of (measurements where measurements.kind = 'systolic') where value_2.max >= 1400)
key region = patients.region: category of 7
ask n = persons
ask events = avg of case(not (value.count is null): value.count; else 0): integer 0..2000
answer region, n, events
