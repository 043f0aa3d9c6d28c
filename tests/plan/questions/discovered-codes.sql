SELECT code, COUNT(DISTINCT person) AS persons FROM events WHERE date >= DATE '2025-01-01' GROUP BY code ORDER BY persons DESC LIMIT 20
---
from (events where events.date >= 20089)
key code = events.code: discovered code
ask persons = persons
order persons desc
limit 20
answer code, persons
