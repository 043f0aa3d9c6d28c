SELECT kind, COUNT(*) AS n, COUNT(value) AS known, COUNT(DISTINCT person) AS persons, SUM(value, bound => 3) AS total, AVG(value) AS mean,
  VAR(value) AS v, STDDEV(value) AS s, MEDIAN(value) AS mid, QUANTILE_CONT(value, 0.05) AS low, PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY value) AS high
FROM measurements GROUP BY kind
---
from measurements
key kind = measurements.kind: category of 5
ask n = rows
ask known = rows of measurements.value: decimal 0..4000 x 0.1 or null
ask persons = persons
ask total = sum of measurements.value: decimal 0..4000 x 0.1 or null bound 3
ask mean = avg of measurements.value: decimal 0..4000 x 0.1 or null
ask v = var of measurements.value: decimal 0..4000 x 0.1 or null
ask s = stddev of measurements.value: decimal 0..4000 x 0.1 or null
ask mid = quantile 0.5 of measurements.value: decimal 0..4000 x 0.1 or null
ask low = quantile 0.05 of measurements.value: decimal 0..4000 x 0.1 or null
ask high = quantile 0.95 of measurements.value: decimal 0..4000 x 0.1 or null
answer kind, n, known, persons, total, mean, v, s, mid, low, high
