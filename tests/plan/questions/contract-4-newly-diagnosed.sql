WITH dm AS (SELECT person, MIN(date) AS first_on FROM events WHERE code IN codelist('diabetes') GROUP BY person)
SELECT region, COUNT(*) AS newly_diagnosed FROM patients p JOIN dm ON dm.person = p.person WHERE dm.first_on BETWEEN DATE '2023-01-01' AND DATE '2023-12-31' GROUP BY region ORDER BY newly_diagnosed DESC
---
from (patients join dm[ | first_on = min(events.date): date 10957..20818] of (events where events.code in (10 values)) where dm.first_on >= 19358 and dm.first_on <= 19722)
key region = patients.region: category of 7
ask newly_diagnosed = persons
order newly_diagnosed desc
answer region, newly_diagnosed
