SELECT date_trunc('month', date) AS month, quarter(date) AS quarter, COUNT(*) AS events
FROM events
WHERE EXTRACT(year FROM date) = 2024 AND isodow(date) < 6 AND date_part('month', date) IN (1, 2, 3) AND day(date) <> 29
GROUP BY date_trunc('month', date), quarter(date)
---
from (events where year(events.date) = 2024 and weekday(events.date) < 6 and month(events.date) in (1, 2, 3) and day(events.date) <> 29)
key month = month of events.date: date 10957..20788
key quarter = quarter(events.date): integer 1..4
ask events = rows
answer month, quarter, events
