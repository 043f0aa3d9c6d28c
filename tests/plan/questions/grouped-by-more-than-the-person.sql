SELECT y, AVG(n) AS a, MEAN_OF_PERSONS(n) AS b
FROM (SELECT person, year(date) AS y, COUNT(*) AS n FROM events GROUP BY person, year(date)) t
GROUP BY y
---
from t[key_1 = year(events.date) | n = count(): integer 1..2000] of events
key y = t.key_1: integer 2000..2026
ask a = avg of t.n: integer 1..2000
ask b = mean_of_persons of t.n: integer 1..2000
answer y, a, b
