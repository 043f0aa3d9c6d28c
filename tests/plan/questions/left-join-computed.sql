SELECT p.sex, AVG(COALESCE(x.twice, 0)) AS twice, AVG(COALESCE(x.n, 0)) AS n
FROM patients p LEFT JOIN (SELECT person, COUNT(*) AS n, 2 * COUNT(*) AS twice FROM events GROUP BY person) x USING (person)
GROUP BY p.sex
---
from patients left join x_2[n = x.n, twice = (2 * x.n), matched = 1] over x[ | n = count(): integer 1..2000] of events
key sex = patients.sex: category of 4
ask twice = avg of case(not (x_2.twice is null): x_2.twice; else 0): integer 0..4000
ask n = avg of case(not (x_2.n is null): x_2.n; else 0): integer 0..2000
answer sex, twice, n
