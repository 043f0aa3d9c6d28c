SELECT first_year, COUNT(*) AS n
FROM (SELECT person, year(MIN(date)) AS first_year FROM events WHERE code IN codelist('dementia') GROUP BY person)
GROUP BY first_year
---
from grouped[ | min = min(events.date): date 10957..20818] of (events where events.code in (8 values))
key first_year = year(grouped.min): integer 2000..2026
ask n = persons
answer first_year, n
