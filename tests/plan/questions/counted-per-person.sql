SELECT clamp(n, 0, 10) AS visits, COUNT(*) AS persons
FROM (SELECT person, COUNT(*) AS n FROM events WHERE date >= DATE '2023-01-01' GROUP BY person) AS v
GROUP BY clamp(n, 0, 10)
---
from v[ | n = count(): integer 1..2000] of (events where events.date >= 19358)
key visits = clamp(v.n, 0, 10): integer 1..10
ask persons = persons
answer visits, persons
