-- What mixes people: each row below the top is one person's, and every question inside is of the same person.
SELECT COUNT(*) FROM patients p JOIN events e ON e.date = p.died_on ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON e.person <> p.person ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON e.person = p.person OR e.date = p.died_on ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON e.person = e.person ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON NOT e.person = p.person ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON TRUE ; not-person-separable
SELECT COUNT(*) FROM patients p LEFT JOIN events e ON e.code = '1' ; not-person-separable
SELECT COUNT(*) FROM events JOIN prescriptions USING (date) ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN patients q USING (sex) ; not-person-separable
SELECT COUNT(*) FROM events JOIN prescriptions USING (person, date) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE EXISTS (SELECT 1 FROM events) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE EXISTS (SELECT 1 FROM events WHERE code = 'x') ; not-person-separable
SELECT COUNT(*) FROM patients WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.code = 'x') ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.date > p.registered_on) ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM patients q WHERE q.sex = p.sex) ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.person = p.person)) ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person AND EXISTS (SELECT 1 FROM events f WHERE f.code = e.code)) ; not-person-separable
SELECT COUNT(*) FROM events WHERE code IN (SELECT code FROM events) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE sex IN (SELECT sex FROM patients) ; not-person-separable
SELECT COUNT(*) FROM events e WHERE e.code IN (SELECT f.code FROM events f WHERE f.date < e.date) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE year_of_birth > (SELECT AVG(year_of_birth) FROM patients) ; not-person-separable
SELECT (SELECT COUNT(*) FROM patients) FROM patients ; not-person-separable
SELECT region, AVG((SELECT COUNT(*) FROM events)) FROM patients GROUP BY region ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE p.year_of_birth = (SELECT MAX(q.year_of_birth) FROM patients q WHERE q.region = p.region) ; not-person-separable
SELECT COUNT(*) FROM (SELECT code, COUNT(*) AS n FROM events GROUP BY code) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person, code, COUNT(*) AS n FROM events GROUP BY code) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT MAX(date) AS d FROM events) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person, MAX(date) AS d FROM events) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT date FROM events) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT DISTINCT code FROM events) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM events GROUP BY person) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person FROM events LIMIT 10) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person, date FROM events ORDER BY date) t ; not-person-separable
WITH t AS (SELECT person FROM events ORDER BY date LIMIT 1) SELECT COUNT(*) FROM t ; not-person-separable
WITH t AS (SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex) SELECT COUNT(*) FROM patients JOIN t USING (sex) ; not-person-separable
SELECT COUNT(DISTINCT code) FROM events ; statistic-not-offered
SELECT COUNT(DISTINCT region) FROM patients ; statistic-not-offered
SELECT COUNT(DISTINCT e.code) FROM patients p JOIN events e USING (person) ; statistic-not-offered
SELECT SUM(DISTINCT value) FROM measurements ; statistic-not-offered
SELECT MIN(date) FROM events ; statistic-not-offered
SELECT ARG_MAX(value, date) FROM measurements ; statistic-not-offered
SELECT BOOL_OR(value > 3) FROM measurements ; statistic-not-offered
SELECT sex, ROW_NUMBER() OVER (PARTITION BY person ORDER BY date) FROM events ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, RANK() OVER (ORDER BY date) AS r FROM events) t WHERE r = 1 ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, SUM(value) OVER (PARTITION BY person) AS s FROM measurements) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events UNION ALL SELECT person FROM prescriptions) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events INTERSECT SELECT person FROM prescriptions) t ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE p.person = 7 ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE p.person IN (1, 2) ; statement-not-offered
SELECT COUNT(*) FROM patients p JOIN events e ON e.person = p.person WHERE e.person = p.person OR p.sex = 'F' ; statement-not-offered
SELECT AVG(person) FROM patients ; statement-not-offered
SELECT p.person, COUNT(*) FROM patients p JOIN events e USING (person) GROUP BY p.person ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events ORDER BY date LIMIT 1) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person FROM events ORDER BY date) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person FROM events OFFSET 5) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events FETCH FIRST 5 ROWS ONLY) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events USING SAMPLE 10) t ; statement-not-offered
SELECT COUNT(*) FROM events TABLESAMPLE (10) ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, ROW_NUMBER() OVER (ORDER BY date) AS r FROM events) t WHERE r = 1 ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, ROW_NUMBER() OVER (PARTITION BY code ORDER BY date) AS r FROM events) t WHERE r = 1 ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, LAG(date) OVER (ORDER BY date) AS r FROM events) t WHERE r IS NULL ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, SUM(1) OVER () AS r FROM events) t WHERE r > 5 ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events QUALIFY ROW_NUMBER() OVER (ORDER BY date) = 1) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT DISTINCT ON (code) person FROM events) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events UNION SELECT person FROM prescriptions) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person FROM events EXCEPT SELECT person FROM prescriptions) t ; statement-not-offered
SELECT COUNT(DISTINCT date) FROM events ; statistic-not-offered
SELECT COUNT(*) FROM (SELECT person, COUNT(*) AS n FROM events GROUP BY ROLLUP (person)) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, code, COUNT(*) AS n FROM events GROUP BY GROUPING SETS ((person), (code))) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM events) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person FROM events GROUP BY person, code HAVING COUNT(*) > (SELECT COUNT(*) FROM events)) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT MIN(person) AS person FROM events GROUP BY code) t ; not-person-separable
SELECT COUNT(*) FROM (SELECT person + 1 AS person FROM events) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT 7 AS person FROM events) t ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE person > 100 ; statement-not-offered
SELECT COUNT(*) FROM patients p JOIN events e ON e.person = p.person + 1 ; not-person-separable
SELECT COUNT(*) FROM patients p JOIN events e ON e.person > p.person ; not-person-separable
SELECT COUNT(*) FROM patients p CROSS JOIN events e ; statement-not-offered
SELECT COUNT(*) FROM patients p NATURAL JOIN events e ; statement-not-offered
SELECT COUNT(*) FROM patients p, events e ; statement-not-offered
SELECT COUNT(*) FROM patients p FULL JOIN events e USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients p JOIN LATERAL (SELECT person FROM events) e ON TRUE ; statement-not-offered
SELECT COUNT(*) FROM patients p ASOF JOIN events e ON p.registered_on >= e.date ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth = (SELECT MAX(year_of_birth) FROM patients) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE year_of_birth >= ALL (SELECT year_of_birth FROM patients) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth = ANY (SELECT year_of_birth FROM patients) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE (sex, region) IN (SELECT sex, region FROM patients) ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE person IN (SELECT person + 1 FROM events) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE person + 1 IN (SELECT person FROM events) ; not-person-separable
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person + 1) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person OR e.code = 'x') ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE rowid < 10 ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE random() < 0.5 ; function-not-offered
WITH RECURSIVE r AS (SELECT person FROM events UNION ALL SELECT person FROM r) SELECT COUNT(*) FROM r ; statement-not-offered
SELECT MAX(date) FROM events ; statistic-not-offered
SELECT COUNT(*) FILTER (WHERE EXISTS (SELECT 1 FROM events)) FROM patients ; statement-not-offered
SELECT SUM((SELECT COUNT(*) FROM events)) FROM patients ; not-person-separable
SELECT COUNT(*) FROM (PIVOT events ON code USING COUNT(*)) t ; statement-not-offered
SELECT COUNT(*) FROM (SELECT person, LISTAGG(code) AS l FROM events GROUP BY person) t ; statistic-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region, person ; statement-not-offered
SELECT COUNT(*) FROM patients p JOIN (SELECT code FROM events) e ON TRUE ; not-person-separable
SELECT COUNT(*) FROM patients p LEFT JOIN events e ON e.person IS NOT NULL ; not-person-separable
SELECT COUNT(*) FROM patients p SEMI JOIN events e ON e.code = 'x' ; statement-not-offered
