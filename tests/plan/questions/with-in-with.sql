WITH a AS (SELECT * FROM events WHERE date >= DATE '2024-01-01'),
  b AS (SELECT person AS pid, COUNT(*) AS n FROM a GROUP BY pid)
SELECT sex, SUM(b.n) AS n, SUM(b.n) * 1000 / (COUNT(*) + 0.5) AS per_1000 FROM patients p INNER JOIN b ON p.person = b.pid GROUP BY sex
---
from patients join b[ | n = count(): integer 1..2000] of (events where events.date >= 19723)
key sex = patients.sex: category of 4
ask n = sum of b.n: integer 1..2000
ask persons_1 = persons
figure per_1000 = ((n * 1000) / (persons_1 + 0.5))
answer sex, n, per_1000
