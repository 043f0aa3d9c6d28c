SELECT imd_decile, COUNT(DISTINCT p.person) AS n FROM patients p JOIN events e ON e.person = p.person WHERE e.code IN codelist('diabetes') GROUP BY imd_decile
---
from (patients join events where events.code in (10 values))
key imd_decile = patients.imd_decile: integer 1..10 or null
ask n = persons
answer imd_decile, n
