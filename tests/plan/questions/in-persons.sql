SELECT sex, COUNT(*) AS n FROM patients
WHERE person IN (SELECT person FROM events WHERE code IN codelist('chd'))
  AND person NOT IN (SELECT e.person FROM events e GROUP BY e.person HAVING COUNT(*) > 500)
GROUP BY sex
---
from ((patients having (events where events.code in (11 values))) without (persons[ | count = count(): integer 1..2000] of events as events_2 where persons.count > 500))
key sex = patients.sex: category of 4
ask n = persons
answer sex, n
