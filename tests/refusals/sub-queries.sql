-- Sub-queries, joins, CTEs: shapes that are not offered, and names that are wrong.
SELECT COUNT(*) FROM patients p RIGHT JOIN events e ON e.person = p.person ; statement-not-offered
SELECT COUNT(*) FROM patients p FULL JOIN events e ON e.person = p.person ; statement-not-offered
SELECT COUNT(*) FROM patients p FULL OUTER JOIN events e USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients p OUTER JOIN events e USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients p, events e WHERE e.person = p.person ; statement-not-offered
SELECT COUNT(*) FROM (patients p JOIN events e USING (person)) ; statement-not-offered
SELECT COUNT(*) FROM patients p LEFT JOIN events e ON e.person = p.person AND p.sex = 'F' ; statement-not-offered
SELECT COUNT(*) FROM patients p LEFT JOIN events e ON e.person = p.person AND e.date > p.registered_on ; statement-not-offered
SELECT COUNT(*) FROM patients p LEFT JOIN events e USING (person) JOIN measurements m ON m.person = e.person ; statement-not-offered
SELECT COUNT(*) FROM patients p JOIN patients p ON p.person = p.person ; statement-not-offered
SELECT COUNT(*) FROM events JOIN events USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients JOIN events USING (person) WHERE date > DATE '2020-01-01' AND q.code = 'x' ; table-not-in-policy
SELECT COUNT(*) FROM events JOIN prescriptions USING (person) WHERE date > DATE '2020-01-01' ; statement-not-offered
SELECT COUNT(*) FROM events a JOIN measurements b USING (person) JOIN prescriptions c USING (person) ; too-large
SELECT COUNT(*) FROM patients p JOIN nothing n USING (person) ; table-not-in-policy
SELECT COUNT(*) FROM patients p JOIN event e USING (person) ; table-not-in-policy
WITH RECURSIVE a AS (SELECT person FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS MATERIALIZED (SELECT person FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a(x) AS (SELECT person FROM events) SELECT COUNT(*) FROM a ; function-not-offered
WITH a AS (SELECT person FROM events), a AS (SELECT person FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person FROM b), b AS (SELECT person FROM events) SELECT COUNT(*) FROM a ; table-not-in-policy
WITH a AS (SELECT person FROM a) SELECT COUNT(*) FROM a ; table-not-in-policy
WITH a AS (SELECT person, person FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, date, date FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, year(date) FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, MIN(date) AS person FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, date AS "a b" FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, code, COUNT(*) AS n FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, COUNT(*) AS n FROM events GROUP BY person HAVING date > DATE '2020-01-01') SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, COUNT(*) AS n FROM events GROUP BY person, n) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT DISTINCT person, COUNT(*) AS n FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT DISTINCT ON (person) person, date FROM events) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, MEDIAN(value) AS m FROM measurements GROUP BY person) SELECT AVG(m) FROM a ; statistic-not-offered
WITH a AS (SELECT person, STDDEV(value) AS m FROM measurements GROUP BY person) SELECT AVG(m) FROM a ; statistic-not-offered
WITH a AS (SELECT person, MIN(code) AS c FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, SUM(code) AS c FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, ANY_VALUE(code) AS c FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, FIRST(code) AS c FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, COUNT(DISTINCT person) AS c FROM events GROUP BY person) SELECT COUNT(*) FROM a ; statement-not-offered
WITH a AS (SELECT person, ARG_MAX(value) AS c FROM measurements GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, MAX(SUM(value)) AS c FROM measurements GROUP BY person) SELECT COUNT(*) FROM a ; statistic-not-offered
WITH a AS (SELECT person, COUNT(*) AS n FROM events GROUP BY person) SELECT m, COUNT(*) FROM a GROUP BY m ; column-not-in-policy
WITH a AS (SELECT person, COUNT(*) AS n FROM events GROUP BY person) SELECT COUNT(*) FROM a WHERE date > DATE '2020-01-01' ; column-not-in-policy
SELECT COUNT(*) FROM patients p WHERE p.sex = 'F' OR EXISTS (SELECT 1 FROM events e WHERE e.person = p.person) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE CASE WHEN EXISTS (SELECT 1 FROM events e WHERE e.person = p.person) THEN TRUE ELSE FALSE END ; statement-not-offered
SELECT PROPORTION(EXISTS (SELECT 1 FROM events e WHERE e.person = p.person)) FROM patients p ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT COUNT(*) FROM events e WHERE e.person = p.person) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person LIMIT 1) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person GROUP BY e.code HAVING COUNT(*) > 3) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e WHERE e.person = p.person AND EXISTS (SELECT 1 FROM events f WHERE f.person = e.person AND f.date > p.registered_on)) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE p.person IN (SELECT code FROM events) ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE p.person IN (SELECT person, code FROM events) ; statement-not-offered
SELECT COUNT(*) FROM patients p LEFT JOIN events e USING (person) WHERE e.person IN (SELECT person FROM prescriptions) ; statement-not-offered
SELECT COUNT(*) FROM events e WHERE e.code NOT IN (SELECT f.code FROM events f WHERE f.person = e.person) ; statement-not-offered
SELECT COUNT(*) FROM events e WHERE e.code IN (SELECT r.bnf_code FROM prescriptions r WHERE r.person = e.person) ; invalid-request
SELECT COUNT(*) FROM events e JOIN prescriptions r ON r.person = e.person AND r.bnf_code = e.code ; invalid-request
SELECT COUNT(*) FROM patients p WHERE (SELECT q.sex FROM patients q WHERE q.person = p.person) = 'F' ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE (SELECT COUNT(*) + 1 FROM events e WHERE e.person = p.person) > 3 ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE (SELECT COUNT(*) FROM events e WHERE e.person = p.person AND e.date > p.registered_on) > 3 ; statement-not-offered
SELECT COUNT(*) FROM patients p WHERE sex = ALL (SELECT sex FROM patients) ; statement-not-offered
SELECT COUNT(*) FROM (FROM events) ; sql-not-understood
SELECT COUNT(*) FROM (SELECT person FROM) ; sql-not-understood
SELECT COUNT(*) FROM (VALUES (1)) t ; statement-not-offered
SELECT COUNT(*) FROM patients p LEFT JOIN LATERAL (SELECT 1 FROM events e WHERE e.person = p.person) USING (person) ; statement-not-offered
SELECT p.*, COUNT(*) FROM patients p JOIN events e USING (person) GROUP BY ALL ; statement-not-offered
