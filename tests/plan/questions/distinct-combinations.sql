WITH kinds AS (SELECT DISTINCT person, kind, year(date) AS y FROM measurements)
SELECT kind, y, COUNT(*) AS persons FROM kinds GROUP BY kind, y
---
from kinds[kind = measurements.kind, y = year(measurements.date) | ] of measurements
key kind = kinds.kind: category of 5
key y = kinds.y: integer 2000..2026
ask persons = rows
answer kind, y, persons
