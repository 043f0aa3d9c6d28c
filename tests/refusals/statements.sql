-- What only reads is a single SELECT. One case a line: SQL ; reason. \uXXXX stands for the character.
INSERT INTO patients VALUES (1) ; statement-not-offered
UPDATE patients SET sex = 'F' ; statement-not-offered
DELETE FROM patients ; statement-not-offered
DROP TABLE patients ; statement-not-offered
CREATE TABLE t AS SELECT * FROM patients ; statement-not-offered
ALTER TABLE patients ADD COLUMN x INT ; statement-not-offered
TRUNCATE patients ; statement-not-offered
COPY patients TO 'out.csv' ; statement-not-offered
COPY (SELECT * FROM patients) TO '/tmp/out' ; statement-not-offered
EXPORT DATABASE 'x' ; statement-not-offered
ATTACH 'other.duckdb' ; statement-not-offered
DETACH x ; statement-not-offered
PRAGMA database_list ; statement-not-offered
SET threads = 1 ; statement-not-offered
RESET threads ; statement-not-offered
LOAD httpfs ; statement-not-offered
INSTALL httpfs ; statement-not-offered
CALL pragma_version() ; statement-not-offered
EXPLAIN SELECT COUNT(*) FROM patients ; statement-not-offered
EXPLAIN ANALYZE SELECT COUNT(*) FROM patients ; statement-not-offered
DESCRIBE patients ; statement-not-offered
SUMMARIZE patients ; statement-not-offered
SHOW TABLES ; statement-not-offered
USE other ; statement-not-offered
VACUUM ; statement-not-offered
CHECKPOINT ; statement-not-offered
BEGIN TRANSACTION ; statement-not-offered
PREPARE q AS SELECT 1 ; statement-not-offered
EXECUTE q ; statement-not-offered
VALUES (1) ; statement-not-offered
TABLE patients ; statement-not-offered
WITH a AS (INSERT INTO patients VALUES (1)) SELECT COUNT(*) FROM a ; statement-not-offered
WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT COUNT(*) FROM r ; statement-not-offered
SELECT COUNT(*) FROM patients; SELECT COUNT(*) FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients; DROP TABLE patients ; statement-not-offered
DROP TABLE patients; SELECT COUNT(*) FROM patients ; statement-not-offered
FROM patients ; sql-not-understood
FROM patients SELECT COUNT(*) ; sql-not-understood
(SELECT COUNT(*) FROM patients) ; sql-not-understood
SELCT COUNT(*) FROM patients ; sql-not-understood
hello ; sql-not-understood
; ; sql-not-understood
-- ; sql-not-understood
