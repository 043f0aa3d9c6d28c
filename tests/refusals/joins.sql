-- Joins of every kind; without ON they keep a parser busy for longer than anybody waits.
SELECT COUNT(*) FROM patients JOIN events ; statement-not-offered
SELECT 1 FROM t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t JOIN t ; statement-not-offered
SELECT 1 FROM t LEFT JOIN t LEFT JOIN t LEFT JOIN t LEFT JOIN t LEFT JOIN t LEFT JOIN t LEFT JOIN t LEFT JOIN t ; statement-not-offered
SELECT COUNT(*) FROM patients CROSS JOIN events ; statement-not-offered
SELECT COUNT(*) FROM patients NATURAL JOIN events ; statement-not-offered
SELECT COUNT(*) FROM patients POSITIONAL JOIN events ; statement-not-offered
SELECT COUNT(*) FROM patients ASOF JOIN events ON person ; statement-not-offered
SELECT COUNT(*) FROM patients SEMI JOIN events USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients ANTI JOIN events USING (person) ; statement-not-offered
SELECT COUNT(*) FROM patients, events ; statement-not-offered
SELECT COUNT(*) FROM patients, LATERAL (SELECT 1) ; statement-not-offered
SELECT COUNT(*) FROM patients CROSS APPLY f ; statement-not-offered
SELECT COUNT(*) FROM patients, UNNEST([1, 2]) ; statement-not-offered
