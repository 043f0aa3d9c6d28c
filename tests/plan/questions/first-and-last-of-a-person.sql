WITH bmi AS (
  SELECT person, ARG_MIN(value, date) AS earliest, ARG_MAX(value, date) AS latest, AVG(value) AS mean, COUNT(*) AS n,
    MAX(date) - MIN(date) AS days, BOOL_OR(value >= 30) AS ever, BOOL_AND(value >= 30) AS always,
    COUNT(*) FILTER (WHERE value >= 40) AS high, COUNT(DISTINCT year(date)) AS years, SUM(value) AS total
  FROM measurements WHERE kind = 'bmi' GROUP BY person HAVING n >= 2 AND MAX(date) > DATE '2020-01-01')
SELECT sex, AVG(b.latest - b.earliest) AS change, PROPORTION(b.ever AND NOT b.always) AS moved, SUM(high) AS high, QUANTILE(days, 0.90) AS long
FROM patients JOIN bmi b USING (person)
WHERE b.mean > 20 AND b.years >= 2 AND b.total < 100000.5
GROUP BY sex
---
from (patients join (b[ | earliest = first(measurements.value, measurements.date): decimal 0..4000 x 0.1 or null, latest = last(measurements.value, measurements.date): decimal 0..4000 x 0.1 or null, mean = mean(measurements.value): decimal 0..4000 x 0.1 or null, n = count(): integer 1..2000, max = max(measurements.date): date 10957..20818, min = min(measurements.date): date 10957..20818, ever = any([measurements.value >= 300]): boolean or null, always = all([measurements.value >= 300]): boolean or null, high = count_values(case(measurements.value >= 400: 1; else null)): integer 0..2000, years = count_distinct(year(measurements.date)): integer 0..2000, total = sum(measurements.value): decimal 0..8000000 x 0.1 or null] of (measurements where measurements.kind = 'bmi') where b.n >= 2 and b.max > 18262) where b.mean > 200 and b.years >= 2 and b.total < 1000005)
key sex = patients.sex: category of 4
ask change = avg of (b.latest - b.earliest): decimal -4000..4000 x 0.1 or null
ask moved = avg of case(holds b.ever and not (holds b.always): 1; else 0): integer 0..1
ask high = sum of b.high: integer 0..2000
ask long = quantile 0.9 of (b.max - b.min): integer -9861..9861
answer sex, change, moved, high, long
