SELECT COUNT(*) AS n FROM patients p LEFT JOIN events e ON e.person = p.person AND e.code IN codelist('epilepsy') WHERE e.person IS NULL
---
from (patients left join (events where events.code in (7 values)) where events.date is null)
ask n = rows
answer n
