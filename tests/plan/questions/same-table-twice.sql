SELECT COUNT(DISTINCT a.person) AS n
FROM events a JOIN events b ON b.person = a.person AND b.date > a.date AND b.code = a.code
WHERE a.code IN codelist('depression')
---
from ((events join events as events_2 where events_2.date > events.date and events_2.code = events.code) where events.code in (8 values))
ask n = persons
answer n
