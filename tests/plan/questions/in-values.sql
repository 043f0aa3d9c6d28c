SELECT COUNT(*) AS n FROM events e WHERE e.code IN (SELECT f.code FROM events f WHERE f.person = e.person AND f.date < e.date)
---
from (events having events as events_2 with events_2.date < events.date and events.code = events_2.code)
ask n = rows
answer n
