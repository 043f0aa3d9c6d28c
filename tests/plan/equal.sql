-- Equal questions have one digest. One pair a line, of questions or of conditions on the small catalogue: A ; B.
SELECT COUNT(*) AS n FROM people ; SELECT count( * ) as n from PEOPLE p
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(DISTINCT person) AS n FROM people
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(person) n FROM people WHERE TRUE
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(1) AS n FROM people AS x -- comment
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT q.shape, COUNT(*) AS n FROM people q GROUP BY 1
SELECT shape, age, COUNT(*) AS n FROM people GROUP BY shape, age ; SELECT shape, age, COUNT(*) AS n FROM people GROUP BY 2, SHAPE
SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY s ; SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY people.shape
age > 5 ; age >= 6
age < 5 ; age <= 4
5 < age ; age > 5
age = 5 ; 5 = age
age <> 5 ; age != 5
age == 5 ; age = 5.0
height > 1.5 ; height >= 1.6
height < 1.50 ; height <= 1.4
seen_on > '2020-01-03' ; seen_on >= DATE '2020-01-04'
seen_on = '2020-01-03' ; DATE '2020-01-03' = seen_on
age BETWEEN 2 AND 4 ; age >= 2 AND age <= 4
age BETWEEN 2 AND 4 ; age > 1 AND 5 > age
age BETWEEN 2 AND 2 ; age = 2
age BETWEEN 2 AND 3 ; age IN (3, 2)
age NOT BETWEEN 2 AND 4 ; age < 2 OR age > 4
NOT age BETWEEN 2 AND 4 ; age <= 1 OR 5 <= age
seen_on BETWEEN '2020-01-02' AND '2020-01-04' ; NOT (seen_on < '2020-01-02' OR seen_on > '2020-01-04')
age IN (5) ; age = 5
age IN (1, 2, 1) ; age IN (2, 1)
age NOT IN (5) ; age <> 5
age NOT IN (1, 2) ; age <> 1 AND age <> 2
age IN (1, 2) ; age = 2 OR age = 1
colour IN ('red') ; colour = 'red'
colour IN ('red', 'blue') ; colour NOT IN ('green')
colour <> 'green' ; colour = 'blue' OR colour = 'red'
colour IN ('red', 'green', 'blue') ; colour IS NOT NULL
shape IN ('round', 'flat') ; TRUE
shape = 'round' ; NOT shape = 'flat'
shape IS NULL ; FALSE
shape IS NOT NULL ; TRUE
age = 1 AND shape = 'flat' ; shape = 'flat' AND age = 1
age = 1 OR shape = 'flat' ; shape = 'flat' OR age = 1
(age = 1 AND shape = 'flat') AND colour = 'red' ; age = 1 AND (shape = 'flat' AND colour = 'red')
(age = 1 OR shape = 'flat') OR colour = 'red' ; colour = 'red' OR (shape = 'flat' OR age = 1)
((age = 1)) ; age = 1
NOT NOT age = 1 ; age = 1
NOT (NOT (age > 1)) ; age >= 2
NOT age = 1 ; age <> 1
NOT age > 1 ; age <= 1
NOT (age = 1 AND shape = 'flat') ; age <> 1 OR shape <> 'flat'
NOT (age = 1 OR shape = 'flat') ; shape = 'round' AND age <> 1
NOT (age IS NULL OR colour IS NULL) ; colour IS NOT NULL AND age IS NOT NULL
age = 1 AND age = 1 ; age = 1
age = 1 OR age = 1 ; age = 1
age > 1 AND age > 3 ; age > 3
age > 1 OR age > 3 ; age > 1
age = 1 AND TRUE ; age = 1
age = 1 OR FALSE ; age = 1
age = 1 AND FALSE ; FALSE
age = 1 OR TRUE ; TRUE
age = 1 AND age = 2 ; FALSE
age < 3 AND age > 5 ; FALSE
age BETWEEN 4 AND 2 ; FALSE
age = 99 ; FALSE
age > -5 ; age IS NOT NULL
age <= 9 ; age IS NOT NULL
age IN (1, 99) ; age = 1
age IS NULL OR age IS NOT NULL ; TRUE
age IS NULL AND age = 1 ; FALSE
age < 3 OR age >= 3 ; age IS NOT NULL
NOT age IS NULL ; age IS NOT NULL
place IN ('A1', 'B2') ; place IN codelist('here')
place IN codelist('there') ; place = 'C3'
place NOT IN codelist('here') ; place <> 'A1' AND place <> 'B2'
place IN (codelist('here'), 'C3') ; place IN codelist('here') OR place IN codelist('there')
place = 'A1' AND place <> 'B2' ; place = 'A1'
place <> 'A1' OR place = 'A1' ; place IS NOT NULL
age = 1 AND (shape = 'flat' OR colour = 'red') ; (colour = 'red' OR shape = 'flat') AND 1 = age
(age = 1 OR age = 2) AND shape = 'flat' ; shape = 'flat' AND age BETWEEN 1 AND 2
(age > 2 AND shape = 'flat') AND age < 5 ; age IN (3, 4) AND shape = 'flat'
SELECT COUNT(*) AS n FROM visits ; SELECT count(1) AS n FROM visits AS v
SELECT COUNT(*) AS n FROM people p JOIN visits v ON v.person = p.person ; SELECT COUNT(*) AS n FROM people a INNER JOIN visits b ON a.person = b.person
SELECT COUNT(*) AS n FROM people p JOIN visits v ON v.person = p.person ; SELECT COUNT(*) AS n FROM people JOIN visits USING (person)
SELECT COUNT(*) AS n FROM people p JOIN visits v ON v.person = p.person ; SELECT COUNT(*) AS n FROM visits v JOIN people p ON v.person = p.person
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 ; SELECT COUNT(*) AS n FROM people p JOIN visits v ON v.person = p.person AND v.age > 5
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 ; SELECT COUNT(*) AS n FROM people p JOIN (SELECT * FROM visits WHERE age >= 6) v ON v.person = p.person
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 ; WITH late AS (SELECT person FROM visits WHERE age > 5) SELECT COUNT(*) AS n FROM people JOIN late ON late.person = people.person
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 AND p.shape = 'flat' ; SELECT COUNT(*) AS n FROM (SELECT person FROM people WHERE shape = 'flat') p JOIN (SELECT person FROM visits WHERE age > 5) v USING (person)
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > 5 AND p.shape = 'flat' ; SELECT COUNT(*) AS n FROM people p JOIN visits v ON v.person = p.person AND p.shape = 'flat' AND v.age > 5
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age = p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v ON p.person = v.person AND p.age = v.age
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.age > p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.age < v.age
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE NOT v.age > p.age ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.age >= v.age
SELECT COUNT(*) AS n FROM people WHERE age = 3 ; SELECT COUNT(*) AS n FROM (SELECT person, age FROM people) t WHERE t.age = 3
SELECT COUNT(*) AS n FROM people WHERE age = 3 ; SELECT COUNT(*) AS n FROM (SELECT person FROM people WHERE age = 3) t
SELECT COUNT(*) AS n FROM people WHERE age = 3 ; WITH t AS (SELECT * FROM people) SELECT COUNT(*) AS n FROM t WHERE age = 3
SELECT COUNT(*) AS n FROM people WHERE age = 3 ; WITH t AS (SELECT * FROM people), u AS (SELECT * FROM t WHERE age = 3) SELECT COUNT(*) AS n FROM u
SELECT COUNT(*) AS n FROM people WHERE age = 3 ; WITH t AS (SELECT person, age AS a FROM people) SELECT COUNT(*) AS n FROM t WHERE a = 3
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT shape, COUNT(*) AS n FROM (SELECT person, shape FROM people) t GROUP BY t.shape
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; WITH p AS (SELECT person, shape, age FROM people) SELECT shape, COUNT(DISTINCT person) AS n FROM p GROUP BY 1
SELECT COUNT(DISTINCT person) AS n FROM visits ; WITH v AS (SELECT person FROM visits) SELECT COUNT(DISTINCT v.person) AS n FROM v
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT person FROM visits GROUP BY person) t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person FROM visits) t ; WITH t AS (SELECT person FROM visits GROUP BY 1) SELECT COUNT(DISTINCT person) AS n FROM t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT person, shape FROM visits GROUP BY person, shape) t
SELECT COUNT(*) AS n FROM (SELECT DISTINCT person, shape, age FROM visits) t ; SELECT COUNT(*) AS n FROM (SELECT person, age, shape FROM visits GROUP BY shape, age, person) t
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE t.k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person FROM visits GROUP BY person HAVING COUNT(*) > 2) t
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE t.k > 2 ; SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person HAVING k >= 3) t
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) AS k FROM visits GROUP BY person) t WHERE t.k > 2 ; WITH t AS (SELECT person, COUNT(1) AS many, MAX(age) AS a FROM visits GROUP BY person) SELECT COUNT(*) AS n FROM t WHERE 2 < many
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS a FROM visits WHERE shape = 'flat' GROUP BY person HAVING MAX(age) BETWEEN 2 AND 4) t ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS a FROM visits WHERE shape <> 'round' GROUP BY person) u WHERE a >= 2 AND a < 5
SELECT COUNT(*) AS n FROM (SELECT person, MIN(age) AS a, MAX(age) AS b FROM visits GROUP BY person) t WHERE a = 1 AND b = 3 ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS x, MIN(age) AS y FROM visits GROUP BY person) t WHERE x = 3 AND y = 1
SELECT AVG(a) AS m FROM (SELECT person, MAX(age) AS a FROM visits GROUP BY person) t ; WITH w AS (SELECT person, MIN(age) AS z, MAX(age) AS y FROM visits GROUP BY person) SELECT AVG(w.y) AS m FROM w
SELECT SUM(k) AS m FROM (SELECT person, COUNT(age) AS k FROM visits GROUP BY person) t ; SELECT SUM(q.c) AS m FROM (SELECT person, COUNT(age) AS c FROM visits AS v GROUP BY v.person) AS q
SELECT COUNT(*) AS n FROM (SELECT person, COUNT(*) FILTER (WHERE age > 5) AS k FROM visits GROUP BY person) t WHERE k = 0 ; SELECT COUNT(*) AS n FROM (SELECT person, COUNT(CASE WHEN age >= 6 THEN 1 END) AS k FROM visits GROUP BY person) t WHERE k = 0
SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) FILTER (WHERE shape = 'flat') AS k FROM visits GROUP BY person) t WHERE k = 1 ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(CASE WHEN shape = 'flat' THEN age END) AS k FROM visits GROUP BY person) t WHERE k = 1
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age > 5) AS k FROM visits GROUP BY person) t WHERE k ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age >= 6) AS k FROM visits GROUP BY person) t WHERE t.k
SELECT COUNT(*) AS n FROM (SELECT person, ARG_MIN(shape, seen_on) AS s FROM visits GROUP BY person) t WHERE s = 'flat' ; SELECT COUNT(*) AS n FROM (SELECT person, MIN_BY(shape, seen_on) AS f FROM visits GROUP BY person) t WHERE NOT f = 'round'
SELECT COUNT(*) AS n FROM (SELECT person, ARG_MAX(age, seen_on) AS s FROM visits GROUP BY person) t WHERE s IN (2) ; SELECT COUNT(*) AS n FROM (SELECT person, MAX_BY(age, seen_on) AS s FROM visits GROUP BY person HAVING MAX_BY(age, seen_on) = 2) t
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT * FROM visits WHERE p.person = visits.person)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people p WHERE p.person IN (SELECT person FROM visits)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) ; SELECT COUNT(*) AS n FROM people WHERE person IN (SELECT v.person FROM visits v WHERE v.age >= 6)
SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people WHERE person NOT IN (SELECT person FROM visits)
SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) ; SELECT COUNT(*) AS n FROM people WHERE person NOT IN (SELECT person FROM visits WHERE NOT age <= 5)
SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM people WHERE NOT person IN (SELECT person FROM visits)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > p.age) ; SELECT COUNT(*) AS n FROM people q WHERE EXISTS (SELECT 1 FROM visits w WHERE q.age < w.age AND w.person = q.person)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5 AND v.shape = 'flat') ; SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM (SELECT * FROM visits WHERE shape = 'flat') v WHERE v.person = p.person AND v.age > 5)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age > 5) AND p.shape = 'flat' ; SELECT COUNT(*) AS n FROM people p WHERE p.shape = 'flat' AND EXISTS (SELECT 1 FROM visits v WHERE v.age > 5 AND v.person = p.person)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age = 1) AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person AND v.age = 2) ; SELECT COUNT(*) AS n FROM people p WHERE NOT EXISTS (SELECT 1 FROM visits b WHERE b.person = p.person AND b.age = 2) AND EXISTS (SELECT 1 FROM visits a WHERE a.person = p.person AND a.age = 1)
SELECT COUNT(*) AS n FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person) ; SELECT COUNT(*) AS n FROM (SELECT person FROM people p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = p.person)) t
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) JOIN (SELECT person, MAX(age) AS a FROM visits GROUP BY person) m USING (person) WHERE m.a > 3 ; SELECT COUNT(*) AS n FROM (SELECT person, MAX(age) AS a FROM visits GROUP BY person) m JOIN people p USING (person) JOIN visits v USING (person) WHERE m.a > 3
SELECT COUNT(*) AS n FROM people p JOIN (SELECT person, MAX(age) AS a FROM visits GROUP BY person) m USING (person) WHERE m.a > 3 ; SELECT COUNT(*) AS n FROM people p JOIN (SELECT person, MAX(age) AS a FROM visits GROUP BY person HAVING MAX(age) >= 4) m ON p.person = m.person
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person AND v.age > 5 ; SELECT COUNT(*) AS n FROM people p LEFT JOIN (SELECT * FROM visits WHERE age > 5) v ON v.person = p.person
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v ON v.person = p.person ; SELECT COUNT(*) AS n FROM people a LEFT OUTER JOIN visits b USING (person)
SELECT COUNT(v.age) AS n FROM people p LEFT JOIN visits v ON v.person = p.person WHERE p.shape = 'flat' ; SELECT COUNT(v.age) AS n FROM (SELECT * FROM people WHERE shape = 'flat') p LEFT JOIN visits v ON v.person = p.person
SELECT COUNT(*) AS n FROM people p LEFT JOIN visits v USING (person) WHERE v.person IS NULL ; SELECT COUNT(*) AS n FROM people q LEFT JOIN visits w ON q.person = w.person WHERE w.person IS NULL
SELECT shape, AVG(age) AS m FROM people GROUP BY shape ; SELECT p.shape, MEAN(p.age) AS m FROM people p GROUP BY p.shape
SELECT MEDIAN(age) AS m FROM people ; SELECT QUANTILE(age, 0.5) AS m FROM people
SELECT QUANTILE(age, 0.5) AS m FROM people ; SELECT QUANTILE(age, 0.50) AS m FROM people
SELECT QUANTILE_CONT(age, 0.9) AS m FROM people ; SELECT QUANTILE(age, 0.90) AS m FROM people
SELECT VARIANCE(age) AS m FROM people ; SELECT VAR_POP(age) AS m FROM people
SELECT STDDEV(age) AS m FROM people ; SELECT STDDEV_POP(age) AS m FROM people
SELECT PROPORTION(age > 5) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people
SELECT PROPORTION(age > 5) AS m FROM people ; SELECT PROPORTION(age >= 6) AS m FROM people
SELECT COUNT(*) FILTER (WHERE age > 5) AS m FROM visits ; SELECT COUNT(CASE WHEN age > 5 THEN 1 END) AS m FROM visits
SELECT SUM(age) FILTER (WHERE shape = 'flat') AS m FROM visits ; SELECT SUM(CASE WHEN shape = 'flat' THEN age END) AS m FROM visits
SELECT SUM(age) FILTER (WHERE shape = 'flat' AND height > 1.5) AS m FROM visits ; SELECT SUM(CASE WHEN height >= 1.6 AND NOT shape = 'round' THEN age END) AS m FROM visits
SELECT AVG(COALESCE(age, 0)) AS m FROM people ; SELECT AVG(CASE WHEN age IS NOT NULL THEN age ELSE 0 END) AS m FROM people
SELECT AVG(COALESCE(age, 0)) AS m FROM people ; SELECT AVG(CASE WHEN age IS NULL THEN 0 ELSE age END) AS m FROM people
SELECT AVG(NULLIF(age, 0)) AS m FROM people ; SELECT AVG(CASE WHEN age = 0 THEN NULL ELSE age END) AS m FROM people
SELECT AVG(NULLIF(age, 0)) AS m FROM people ; SELECT AVG(CASE WHEN 0 = age THEN NULL ELSE age END) AS m FROM people
SELECT AVG(IF(age > 5, 1, 0)) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(IIF(age > 5, 1, 0)) AS m FROM people ; SELECT AVG(CASE WHEN age >= 6 THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(CASE shape WHEN 'flat' THEN 1 ELSE 0 END) AS m FROM people ; SELECT AVG(CASE WHEN shape = 'flat' THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(CASE WHEN age > 5 THEN 1 ELSE 0 END) AS m FROM people ; SELECT AVG(CASE WHEN age > 5 AND TRUE THEN 1 ELSE 0 END) AS m FROM people
SELECT AVG(age + 1) AS m FROM people ; SELECT AVG(1 + age) AS m FROM people
SELECT AVG(age * 2) AS m FROM people ; SELECT AVG(2 * age) AS m FROM people
SELECT AVG(age + height) AS m FROM people ; SELECT AVG(height + age) AS m FROM people
SELECT AVG(clamp(age, 2, 5)) AS m FROM people ; SELECT AVG(CLAMP(people.age, 2, 5)) AS m FROM people
SELECT AVG(least(age, 5)) AS m FROM people ; SELECT AVG(least(5, age)) AS m FROM people
SELECT AVG(least(age, 5)) AS m FROM people ; SELECT AVG(least(age, 5, age)) AS m FROM people
SELECT AVG(greatest(age, 5)) AS m FROM people ; SELECT AVG(greatest(5, age, 5)) AS m FROM people
SELECT year(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT EXTRACT(year FROM seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT year(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT date_part('year', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY 1
SELECT month(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT EXTRACT(MONTH FROM p.seen_on) AS y, COUNT(*) AS n FROM people p GROUP BY month(seen_on)
SELECT day(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT date_part('day', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT quarter(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT EXTRACT(quarter FROM seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT isodow(seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT EXTRACT(isodow FROM seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y
SELECT date_trunc('month', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY y ; SELECT DATE_TRUNC('MONTH', seen_on) AS y, COUNT(*) AS n FROM people GROUP BY 1
SELECT band(age, 5) AS b, COUNT(*) AS n FROM people GROUP BY b ; SELECT band(age, 5) AS b, COUNT(*) AS n FROM people GROUP BY band(age, 5)
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on - p.seen_on > 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on - p.seen_on >= 4
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on - p.seen_on > 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE date_diff('day', p.seen_on, v.seen_on) > 3
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on > p.seen_on + 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on > p.seen_on + INTERVAL 3 DAY
SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE v.seen_on > p.seen_on + 3 ; SELECT COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.seen_on + 3 < v.seen_on
SELECT COUNT(*) AS n FROM people WHERE age + 1 > 5 ; SELECT COUNT(*) AS n FROM people WHERE 1 + age >= 6
SELECT COUNT(*) AS n FROM people WHERE abs(age - 5) < 3 ; SELECT COUNT(*) AS n FROM people WHERE abs(age - 5) <= 2
SELECT COUNT(*) AS n FROM people WHERE age BETWEEN 3 AND 5 OR colour = 'red' ; SELECT COUNT(*) AS n FROM people WHERE colour = 'red' OR age IN (5, 4, 3)
SELECT COUNT(*) AS n FROM people WHERE colour LIKE 'r%' ; SELECT COUNT(*) AS n FROM people WHERE colour = 'red'
SELECT COUNT(*) AS n FROM people WHERE colour LIKE '%e%' ; SELECT COUNT(*) AS n FROM people WHERE colour IN ('red', 'green', 'blue')
SELECT COUNT(*) AS n FROM people WHERE colour NOT LIKE '%n' ; SELECT COUNT(*) AS n FROM people WHERE colour <> 'green'
SELECT COUNT(*) AS n FROM people WHERE place LIKE 'A%' AND TRUE ; SELECT COUNT(*) AS n FROM people WHERE NOT place NOT LIKE 'A%'
SELECT COUNT(*) AS n FROM people WHERE COALESCE(age, 0) = 0 ; SELECT COUNT(*) AS n FROM people WHERE CASE WHEN age IS NOT NULL THEN age ELSE 0 END = 0
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (shape, colour) ; SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY GROUPING SETS ((shape, colour), (shape), ())
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY CUBE (shape, colour) ; SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY GROUPING SETS ((shape, colour), (shape), (colour), ())
SELECT shape, colour, COUNT(*) AS n FROM people GROUP BY ROLLUP (1, 2) ; SELECT p.shape, p.colour, COUNT(*) AS n FROM people p GROUP BY ROLLUP (p.shape, p.colour)
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape HAVING COUNT(*) > 10 ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape HAVING n > 10
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n DESC LIMIT 1 ; SELECT shape, COUNT(*) AS n FROM people p GROUP BY 1 ORDER BY 2 DESC LIMIT 1
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY n ; SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ORDER BY COUNT(*) ASC
SELECT shape, 100.0 * COUNT(age) / COUNT(*) AS p FROM people GROUP BY shape ; SELECT q.shape, 100.0 * COUNT(q.age) / COUNT(*) AS p FROM people AS q GROUP BY q.shape
SELECT a.shape, COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) WHERE a.age = 1 AND b.age = 2 GROUP BY a.shape ; SELECT y.shape, COUNT(DISTINCT y.person) AS n FROM visits x JOIN visits y ON x.person = y.person WHERE x.age = 2 AND y.age = 1 GROUP BY y.shape
SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b ON b.person = a.person AND b.seen_on > a.seen_on ; SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b ON b.person = a.person AND b.seen_on < a.seen_on
SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b ON b.person = a.person WHERE a.age = 1 AND b.age = 2 ; SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b ON b.person = a.person WHERE a.age = 2 AND b.age = 1
SELECT COUNT(*) AS n FROM people p WHERE (SELECT COUNT(*) FROM visits v WHERE v.person = p.person) > 2 ; SELECT COUNT(*) AS n FROM people p WHERE (SELECT COUNT(*) FROM visits w WHERE p.person = w.person) >= 3
SELECT COUNT(*) AS n FROM people p WHERE (SELECT MAX(v.age) FROM visits v WHERE v.person = p.person AND v.shape = 'flat') > 2 ; SELECT COUNT(*) AS n FROM people p WHERE (SELECT MAX(age) FROM visits v WHERE shape <> 'round' AND v.person = p.person) >= 3
SELECT AVG(x) AS m FROM (SELECT person, age + 1 AS x FROM people) t ; SELECT AVG(age + 1) AS m FROM people
SELECT AVG(x + 1) AS m FROM (SELECT person, age AS x FROM people) t ; SELECT AVG(1 + age) AS m FROM people
SELECT AVG(x) AS m FROM (SELECT person, MAX(age) - MIN(age) AS x FROM visits GROUP BY person) t ; SELECT AVG(b - a) AS m FROM (SELECT person, MIN(age) AS a, MAX(age) AS b FROM visits GROUP BY person) t
SELECT COUNT(*) AS n FROM visits WHERE seen_on >= DATE '2020-01-02' AND seen_on < DATE '2020-01-05' ; SELECT COUNT(*) AS n FROM visits WHERE seen_on BETWEEN DATE '2020-01-02' AND DATE '2020-01-04'
SELECT COUNT(*) AS n FROM visits WHERE seen_on IN ('2020-01-02', '2020-01-03') ; SELECT COUNT(*) AS n FROM visits WHERE seen_on BETWEEN DATE '2020-01-02' AND DATE '2020-01-03'
SELECT SUM(age) AS s, COUNT(*) AS n FROM visits GROUP BY () ; SELECT SUM(age) AS s, COUNT(*) AS n FROM visits
SELECT COUNT(*) AS n FROM (SELECT person, shape FROM visits WHERE age > 5) v JOIN people p USING (person) WHERE v.shape = 'flat' ; SELECT COUNT(*) AS n FROM people JOIN visits USING (person) WHERE visits.age > 5 AND visits.shape = 'flat'
SELECT v.shape, COUNT(*) AS n FROM people p JOIN visits v USING (person) WHERE p.age > 5 GROUP BY v.shape ; WITH old AS (SELECT person FROM people WHERE NOT age <= 5) SELECT v.shape, COUNT(*) AS n FROM visits v JOIN old ON old.person = v.person GROUP BY 1
WITH v AS (SELECT person, age FROM visits WHERE shape = 'flat') SELECT AVG(age) AS m FROM v WHERE age > 5 ; SELECT AVG(visits.age) AS m FROM visits WHERE visits.age >= 6 AND visits.shape = 'flat'
SELECT colour, COUNT(*) AS n FROM people WHERE colour IS NOT NULL AND age = 1 GROUP BY colour ; SELECT colour, COUNT(*) AS n FROM people WHERE age IN (1) AND NOT colour IS NULL GROUP BY 1
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_AND(NOT age > 5) AS k FROM visits GROUP BY person) t WHERE k ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_AND(age <= 5) AS k FROM visits GROUP BY person) t WHERE k
SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(age IN (3)) AS k FROM visits GROUP BY person) t WHERE NOT k ; SELECT COUNT(*) AS n FROM (SELECT person, BOOL_OR(3 = age) AS k FROM visits GROUP BY person) t WHERE k = FALSE
SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) JOIN visits c USING (person) WHERE a.age = 1 AND b.age = 2 AND c.age = 3 ; SELECT COUNT(DISTINCT a.person) AS n FROM visits a JOIN visits b USING (person) JOIN visits c USING (person) WHERE a.age = 3 AND b.age = 1 AND c.age = 2
SELECT COUNT(*) AS n FROM people p JOIN (SELECT person, MAX(age) AS m FROM visits GROUP BY person) a USING (person) JOIN (SELECT person, MAX(age) AS m FROM visits GROUP BY person) b USING (person) WHERE a.m = 1 AND b.m = 2 ; SELECT COUNT(*) AS n FROM people p JOIN (SELECT person, MAX(age) AS m FROM visits GROUP BY person) a USING (person) JOIN (SELECT person, MAX(age) AS m FROM visits GROUP BY person) b USING (person) WHERE a.m = 2 AND b.m = 1
SELECT COUNT(b.d) AS n FROM people a JOIN (SELECT DISTINCT person, CASE WHEN seen_on IS NOT NULL AND TRUE THEN seen_on ELSE DATE '2020-01-05' END AS d FROM people) b ON a.person = b.person ; SELECT COUNT(y.e) AS n FROM people x JOIN (SELECT DISTINCT person, CASE WHEN seen_on IS NOT NULL AND TRUE THEN seen_on ELSE DATE '2020-01-05' END AS e FROM people) y ON x.person = y.person
SELECT AVG(b.d) AS n FROM people a JOIN (SELECT DISTINCT person, least(band(age, 3), band(age, 3)) AS d FROM people) b ON a.person = b.person ; SELECT AVG(y.e) AS n FROM people x JOIN (SELECT DISTINCT person, least(band(age, 3), band(age, 3)) AS e FROM people) y ON x.person = y.person
