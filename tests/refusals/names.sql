-- Tables, columns, keys, code lists.
SELECT COUNT(*) FROM patient ; table-not-in-policy
SELECT COUNT(*) FROM secret ; table-not-in-policy
SELECT COUNT(*) FROM gp.patients ; table-not-in-policy
SELECT COUNT(*) FROM a.b.patients ; table-not-in-policy
SELECT COUNT(*) FROM main.persons ; table-not-in-policy
SELECT COUNT(*) FROM information_schema.tables ; table-not-in-policy
SELECT COUNT(*) FROM duckdb_settings ; table-not-in-policy
SELECT COUNT(*) FROM 'patients' ; table-not-in-policy
SELECT COUNT(*) FROM 'records.csv' ; table-not-in-policy
SELECT COUNT(*) FROM "records.csv" ; table-not-in-policy
SELECT COUNT(*) FROM patients p WHERE patients.sex = 'F' ; table-not-in-policy
SELECT COUNT(*) FROM patients WHERE q.sex = 'F' ; table-not-in-policy
SELECT regoin, COUNT(*) FROM patients GROUP BY regoin ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE gender = 'F' ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE nhs_number = 9434765919 ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE code = '73211009' ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE rowid = 1 ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE "F" = sex ; column-not-in-policy
SELECT COUNT(*) AS n FROM patients WHERE n > 10 ; column-not-in-policy
SELECT registered_on, COUNT(*) FROM patients GROUP BY registered_on ; statement-not-offered
SELECT died_on, COUNT(*) FROM patients GROUP BY 1 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE person = 7 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabets') ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice IN codelist('') ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice IN codelist(diabetes) ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabetes', 'copd') ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice IN codelist() ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex IN codelist('diabetes') ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice = codelist('diabetes') ; function-not-offered
SELECT codelist('diabetes') FROM patients ; function-not-offered
