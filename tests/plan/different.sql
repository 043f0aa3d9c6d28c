-- Different questions have different digests, however alike. One pair a line: A ; B.
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(*) AS m FROM people
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(*) AS n, COUNT(*) AS m FROM people
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT COUNT(*) AS n, shape FROM people GROUP BY shape
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY shape
SELECT shape, age, COUNT(*) AS n FROM people GROUP BY 1, 2 ; SELECT age, shape, COUNT(*) AS n FROM people GROUP BY 1, 2
age > 5 ; age >= 5
age = 5 ; TRUE
age <> 5 ; NOT age = 5 OR age IS NULL
age = 5 OR age <> 5 ; TRUE
age IS NOT NULL ; TRUE
age IN (1, 2) ; age IN (1, 3)
age NOT IN (1, 2) ; NOT age IN (1, 2) OR age IS NULL
height > 1.5 ; height > 1.6
seen_on > '2020-01-03' ; seen_on > '2020-01-04'
colour = 'red' ; colour = 'green'
colour <> 'red' ; colour <> 'red' OR colour IS NULL
age = 1 AND shape = 'flat' ; age = 1 OR shape = 'flat'
age = 1 AND (shape = 'flat' OR colour = 'red') ; (age = 1 AND shape = 'flat') OR colour = 'red'
NOT (age = 1 AND shape = 'flat') ; age <> 1 AND shape <> 'flat'
place = 'A1' ; place = 'a1'
place NOT IN ('A1') ; place NOT IN ('A1', 'B2')
age = 99 ; TRUE
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(*) AS n FROM visits
SELECT COUNT(*) AS n FROM visits ; SELECT COUNT(DISTINCT person) AS n FROM visits
SELECT COUNT(age) AS n FROM visits ; SELECT COUNT(*) AS n FROM visits
SELECT COUNT(age) AS n FROM visits ; SELECT COUNT(height) AS n FROM visits
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person)
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) ; SELECT COUNT(*) AS n FROM visits
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) ; SELECT COUNT(DISTINCT p.person) AS n FROM people p JOIN visits v USING (person)
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person)
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.age > 5
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age < p.age
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age >= p.age
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE NOT v.age > p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE NOT v.age > p.age OR v.age IS NULL
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person AND v.age > 5 ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person WHERE v.age > 5
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person AND v.age > 5 ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person
SELECT COUNT(v.age) AS n FROM people p LEFT JOIN visits v USING (person) ; SELECT COUNT(p.age) AS n FROM people p LEFT JOIN visits v USING (person)
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person) WHERE v.person IS NULL ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person) WHERE v.person IS NOT NULL
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person) WHERE v.age IS NULL ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person) WHERE v.person IS NULL
SELECT COUNT(*) AS n FROM visits v LEFT JOIN people p USING (person) ; SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND p.age > 5)
SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND NOT v.age > 5)
SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) ; SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) AND p.age > 5
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age = 1 AND v.shape = 'flat') ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age = 1) AND EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.shape = 'flat')
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age = 1) ; SELECT COUNT(*) AS n FROM people p WHERE p.person IN (SELECT person FROM visits WHERE age = 1 OR age IS NULL)
SELECT COUNT(*) AS n FROM visits p WHERE EXISTS (SELECT 1 FROM people v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person)
SELECT COUNT(*) AS n FROM people WHERE person IN (SELECT person FROM visits) ; SELECT COUNT(*) AS n FROM people
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT person FROM visits) t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT person, shape FROM visits) t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, colour FROM visits) t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape, age FROM visits) t
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, COUNT(age) AS k FROM visits GROUP BY person) t WHERE k > 2
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE k >= 2
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(DISTINCT age) AS k FROM visits GROUP BY person) t WHERE k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, COUNT(age) AS k FROM visits GROUP BY person) t WHERE k > 2
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS k FROM visits GROUP BY person) t WHERE k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS k FROM visits GROUP BY person) t WHERE k > 2
SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS a, MAX(age) AS b FROM visits GROUP BY person) t WHERE a = 1 AND b = 3 ; SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS a, MAX(age) AS b FROM visits GROUP BY person) t WHERE a = 3 AND b = 1
SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS b, MAX(age) AS a FROM visits GROUP BY person) t WHERE a = 1 ; SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS a, MAX(age) AS b FROM visits GROUP BY person) t WHERE a = 1
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS k FROM visits WHERE shape = 'flat' GROUP BY person) t WHERE k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS k FROM visits GROUP BY person) t WHERE k > 2
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS k FROM visits WHERE age > 2 GROUP BY person) t ; SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS k FROM visits GROUP BY person HAVING MIN(age) > 2) t
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) FILTER (WHERE shape = 'flat') AS k FROM visits GROUP BY person) t ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS k FROM visits WHERE shape = 'flat' GROUP BY person) t
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age > 5) AS k FROM visits GROUP BY person) t WHERE k ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_AND(age > 5) AS k FROM visits GROUP BY person) t WHERE k
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age > 5) AS k FROM visits GROUP BY person) t WHERE NOT k ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age <= 5) AS k FROM visits GROUP BY person) t WHERE k
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age > 5) AS k FROM visits GROUP BY person) t WHERE k IS NULL ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age > 5 AND age IS NOT NULL) AS k FROM visits GROUP BY person) t WHERE k IS NULL
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age >= 0) AS k FROM visits GROUP BY person) t WHERE k IS NULL ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age IS NOT NULL) AS k FROM visits GROUP BY person) t WHERE k IS NULL
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age = 99) AS k FROM visits GROUP BY person) t WHERE k IS NULL ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(FALSE) AS k FROM visits GROUP BY person) t WHERE k IS NULL
SELECT COUNT(*) AS n FROM (SELECT person, ARG_MIN(shape, seen_on) AS s FROM visits GROUP BY person) t WHERE s = 'flat' ; SELECT COUNT(*) AS n FROM (SELECT person, ARG_MAX(shape, seen_on) AS s FROM visits GROUP BY person) t WHERE s = 'flat'
SELECT COUNT(*) AS n FROM (SELECT person, ARG_MIN(shape, seen_on) AS s FROM visits GROUP BY person) t WHERE s = 'flat' ; SELECT COUNT(*) AS n FROM (SELECT person, ARG_MIN(shape, age) AS s FROM visits GROUP BY person) t WHERE s = 'flat'
SELECT AVG(age) AS m FROM visits ; SELECT MEAN_OF_PERSONS(age) AS m FROM visits
SELECT AVG(age) AS m FROM visits ; SELECT SUM(age) AS m FROM visits
SELECT AVG(age) AS m FROM visits ; SELECT AVG(a) AS m FROM (SELECT person, AVG(age) AS a FROM visits GROUP BY person) t
SELECT VARIANCE(age) AS m FROM visits ; SELECT STDDEV(age) AS m FROM visits
SELECT QUANTILE(age, 0.5) AS m FROM visits ; SELECT QUANTILE(age, 0.25) AS m FROM visits
SELECT MEDIAN(age) AS m FROM visits ; SELECT AVG(age) AS m FROM visits
SELECT SUM(age) AS m FROM visits WHERE shape = 'flat' ; SELECT SUM(age) FILTER (WHERE shape = 'flat') AS m, COUNT(*) AS n FROM visits
SELECT SUM(age) FILTER (WHERE shape = 'flat') AS m FROM visits ; SELECT SUM(CASE WHEN shape = 'flat' THEN age ELSE 0 END) AS m FROM visits
SELECT AVG(age) FILTER (WHERE shape = 'flat') AS m FROM visits ; SELECT AVG(CASE WHEN shape = 'flat' THEN age ELSE 0 END) AS m FROM visits
SELECT PROPORTION(age > 5) AS m FROM people ; SELECT PROPORTION(age <= 5) AS m FROM people
SELECT PROPORTION(NOT age > 5) AS m FROM people ; SELECT PROPORTION(age > 5 OR age IS NULL) AS m FROM people
SELECT COUNT(age, bound => 2) AS n FROM visits ; SELECT COUNT(age) AS n FROM visits
SELECT SUM(age, bound => 2) AS n FROM visits ; SELECT SUM(age, bound => 3) AS n FROM visits
SELECT AVG(COALESCE(age, 0)) AS m FROM people ; SELECT AVG(age) AS m FROM people
SELECT AVG(COALESCE(age, 0)) AS m FROM people ; SELECT AVG(COALESCE(age, 1)) AS m FROM people
SELECT AVG(NULLIF(age, 0)) AS m FROM people ; SELECT AVG(age) AS m FROM people
SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 THEN 0 ELSE 1 END) AS m FROM people
SELECT AVG(CASE WHEN age <= 5 THEN 0 ELSE 1 END) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(CASE WHEN age > 5 THEN 1 WHEN shape = 'flat' THEN 0 END) AS m FROM people ; SELECT AVG(CASE WHEN shape = 'flat' THEN 0 WHEN age > 5 THEN 1 END) AS m FROM people
SELECT AVG(CASE WHEN age > 5 THEN 1 END) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(age - 1) AS m FROM people ; SELECT AVG(1 - age) AS m FROM people
SELECT AVG(age + 1) AS m FROM people ; SELECT AVG(age + 2) AS m FROM people
SELECT AVG(age // 2) AS m FROM people ; SELECT AVG(age // 3) AS m FROM people
SELECT AVG(least(age, 5)) AS m FROM people ; SELECT AVG(greatest(age, 5)) AS m FROM people
SELECT AVG(least(age, 5)) AS m FROM people ; SELECT AVG(clamp(age, 0, 5)) AS m FROM people
SELECT AVG(clamp(age, 2, 5)) AS m FROM people ; SELECT AVG(clamp(age, 2, 6)) AS m FROM people
SELECT year(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT month(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT date_trunc('month', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT date_trunc('quarter', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT band(age, 5) AS b, COUNT(*) AS n FROM people GROUP BY b ; SELECT band(age, 4) AS b, COUNT(*) AS n FROM people GROUP BY b
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on > p.seen_on + 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.seen_on > v.seen_on + 3
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on - p.seen_on > 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.seen_on - v.seen_on > 3
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE date_diff('day', p.seen_on, v.seen_on) > 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE date_diff('day', v.seen_on, p.seen_on) > 3
SELECT COUNT(*) AS n FROM people WHERE colour LIKE 'r%' ; SELECT COUNT(*) AS n FROM people WHERE colour LIKE 'g%'
SELECT COUNT(*) AS n FROM people WHERE place LIKE 'A%' ; SELECT COUNT(*) AS n FROM people WHERE place LIKE 'A1%'
SELECT COUNT(*) AS n FROM people WHERE place LIKE 'A1%' ; SELECT COUNT(*) AS n FROM people WHERE place = 'A1'
SELECT COUNT(*) AS n FROM people WHERE place NOT LIKE 'A%' ; SELECT COUNT(*) AS n FROM people WHERE place NOT LIKE 'A%' OR place IS NULL
SELECT COUNT(*) AS n FROM people WHERE place IN codelist('here') ; SELECT COUNT(*) AS n FROM people WHERE place IN codelist('there')
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY shape, colour ; SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (shape, colour)
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (shape, colour) ; SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY CUBE (shape, colour)
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (shape, colour) ; SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (colour, shape)
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape HAVING n > 10
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape HAVING n > 10 ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape HAVING n > 11
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n DESC
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n DESC LIMIT 1 ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n DESC LIMIT 2
SELECT shape, 100.0 * COUNT(age) / COUNT(*) AS p FROM people GROUP BY shape ; SELECT shape, 100.0 * COUNT(*) / COUNT(age) AS p FROM people GROUP BY shape
SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) WHERE a.age = 1 AND b.age = 2 ; SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) WHERE a.age = 1 AND a.age = 2
SELECT a.shape, COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) WHERE a.age = 1 AND b.age = 2 GROUP BY a.shape ; SELECT b.shape, COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) WHERE a.age = 1 AND b.age = 2 GROUP BY b.shape
SELECT COUNT(*) AS n FROM visits a JOIN visits b USING (person) WHERE a.seen_on < b.seen_on AND a.shape = 'flat' ; SELECT COUNT(*) AS n FROM visits a JOIN visits b USING (person) WHERE a.seen_on < b.seen_on AND b.shape = 'flat'
SELECT COUNT(*) AS n FROM visits a JOIN visits b USING (person) ; SELECT COUNT(*) AS n FROM visits
SELECT least(band(age, 3), band(age, 3)) AS k, COUNT(*) AS n FROM people GROUP BY 1 ; SELECT band(age, 3) AS k, COUNT(*) AS n FROM people GROUP BY 1
