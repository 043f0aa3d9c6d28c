-- Clauses and shapes that the language does not have.
SELECT DISTINCT region FROM patients ; statement-not-offered
SELECT * FROM patients ; statement-not-offered
SELECT p.* FROM patients p ; statement-not-offered
SELECT region, * FROM patients GROUP BY region ; statement-not-offered
SELECT person FROM patients ; statement-not-offered
SELECT person, COUNT(*) FROM patients GROUP BY person ; statement-not-offered
SELECT region FROM patients GROUP BY region ; statement-not-offered
SELECT 'x', COUNT(*) FROM patients ; statement-not-offered
SELECT 1 FROM patients ; statement-not-offered
SELECT NULL, COUNT(*) FROM patients ; statement-not-offered
SELECT COUNT(*) ; statement-not-offered
SELECT region, COUNT(*) FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients GROUP BY region ; statement-not-offered
SELECT region, sex, COUNT(*) FROM patients GROUP BY sex ; statement-not-offered
SELECT region, region AS r, COUNT(*) FROM patients GROUP BY region ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region, region ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY 1, region ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY 3 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY 0 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY 1.0 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY 2 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY ; sql-not-understood
SELECT region AS n, COUNT(*) AS n FROM patients GROUP BY region ; statement-not-offered
SELECT region AS N, COUNT(*) AS n FROM patients GROUP BY region ; statement-not-offered
SELECT COUNT(*) AS suppressed FROM patients ; statement-not-offered
SELECT region AS n_low, COUNT(*) AS n FROM patients GROUP BY region ; statement-not-offered
SELECT COUNT(*) AS n, COUNT(*) AS n_high FROM patients ; statement-not-offered
SELECT COUNT(*) AS "how many" FROM patients ; statement-not-offered
SELECT COUNT(*) AS "=1+1" FROM patients ; statement-not-offered
SELECT COUNT(*) AS 'n' FROM patients ; sql-not-understood
SELECT COUNT(*) AS macro FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients OFFSET 1 ; statement-not-offered
SELECT TOP 5 COUNT(*) FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients FETCH FIRST ROW ONLY ; statement-not-offered
SELECT COUNT(*) FROM patients FOR UPDATE ; statement-not-offered
SELECT COUNT(*) INTO x FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients TABLESAMPLE 10% ; statement-not-offered
SELECT COUNT(*) FROM patients USING SAMPLE 10 ; statement-not-offered
SELECT COUNT(*) FROM patients QUALIFY ROW_NUMBER() OVER () = 1 ; statement-not-offered
SELECT COUNT(*) FROM patients WINDOW w AS (ORDER BY region) ; statement-not-offered
SELECT COUNT(*) OVER (PARTITION BY region) FROM patients ; statement-not-offered
SELECT ROW_NUMBER() OVER () FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients UNION SELECT COUNT(*) FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients EXCEPT SELECT 1 ; statement-not-offered
SELECT COUNT(*) FROM patients PIVOT (COUNT(*) FOR sex IN ('F')) ; statement-not-offered
SELECT COUNT(*) FROM (patients) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = (SELECT MAX(sex) FROM patients) ; not-person-separable
SELECT COUNT(*) FROM patients WHERE sex = ANY (SELECT sex FROM patients) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = ALL ('F') ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE WHERE sex = 'F' ; sql-not-understood
SELECT COUNT(*) FROM patients AT (VERSION => 1) ; function-not-offered
SELECT COUNT(*) FROM patients p(a, b) ; function-not-offered
SELECT region, COUNT(*) FROM patients GRUP BY region ; sql-not-understood
SELECT region COUNT(*) FROM patients GROUP BY region ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE ; sql-not-understood
SELECT COUNT(* FROM patients ; sql-not-understood
SELECT COUNT(*)) FROM patients ; sql-not-understood
SELECT COUNT(*] FROM patients ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'F ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE "sex = 'F' ; sql-not-understood
SELECT COUNT(*) FROM patients /* not closed ; sql-not-understood
SELECT board, sex, year_of_birth, COUNT(*) FROM patients GROUP BY board, sex, year_of_birth ; keys-too-many
SELECT ethnicity, region, sex, imd_decile, board, COUNT(*) FROM patients GROUP BY 1, 2, 3, 4, 5 ; keys-too-many
