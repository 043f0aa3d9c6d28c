-- Conditions: values in the column's own form.
SELECT COUNT(*) FROM patients WHERE sex ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE 1 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE NULL ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE 1 = 1 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = region ; invalid-request
SELECT COUNT(*) FROM patients WHERE 1900 < year_of_birth < 2000 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = NULL ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE NULL <> sex ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex IN ('F', NULL) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex IS 'F' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex IS TRUE ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex IS DISTINCT FROM 'F' ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex ISNULL ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = TRUE ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex > 'F' ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE practice < 'B' ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex BETWEEN 'F' AND 'M' ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = 'Femal' ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = 'f' ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = '' ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = F ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE sex = "F" ; column-not-in-policy
SELECT COUNT(*) FROM patients WHERE sex = 1 ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = DATE '2020-01-01' ; invalid-request
SELECT COUNT(*) FROM patients WHERE region IN ('London', 'Londn') ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = '1950' ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = 1950.5 ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = 2147483648 ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth > -2147483648 ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = 9223372036854775808 ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = 99999999999999999999999999999999999999999999999999999999999999999999999999999999 ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth = 1e3 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = 1_950 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = 0x79E ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = .5 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = 1950. ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = DATE '1950-01-01' ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth IN (1950, '1951') ; invalid-request
SELECT COUNT(*) FROM patients WHERE year_of_birth IN () ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth IN 1950 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex IN 'F' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE 1950 BETWEEN year_of_birth AND 2000 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth BETWEEN 1950 AND sex ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth BETWEEN SYMMETRIC 2000 AND 1950 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on = 2020 ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '2020' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '2020-02-30' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '20200101' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '2020-W01-1' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '2020-01-01 00:00:00' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '10000-01-01' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = '0000-01-01' ; invalid-request
SELECT COUNT(*) FROM patients WHERE registered_on = TIMESTAMP '2020-01-01' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE registered_on = DATE 2020 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE registered_on = DATE ('2020-01-01') ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice = 'a code that is much longer than forty characters' ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice = '' ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice = ' A81001' ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice = 'd\u00e9j\u00e0' ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice = 81001 ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = 'F' 'M' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = E'F' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = x'46' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = U&'\0046' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex = $$F$$ ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE (sex, region) = ('F', 'London') ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE (sex, region) IN (('F', 'London')) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = 'F' AND ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex NOT = 'F' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'F' XOR region = 'London' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex := 'F' ; statement-not-offered
