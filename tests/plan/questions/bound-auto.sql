SELECT kind, COUNT(*, bound => auto) AS n, SUM(value, bound => auto) FILTER (WHERE value > 3) AS s, COUNT(value, bound => 3) AS three
FROM measurements GROUP BY kind HAVING COUNT(*, bound => auto) > 20
---
from measurements
key kind = measurements.kind: category of 5
ask n = rows bound auto
ask s = sum of case(measurements.value > 30: measurements.value; else null): decimal 0..4000 x 0.1 or null bound auto
ask three = rows of measurements.value: decimal 0..4000 x 0.1 or null bound 3
having n > 20
answer kind, n, s, three
