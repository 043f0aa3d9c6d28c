-- Characters that look like others, that end texts early, or that are none. \uXXXX stands for the character.
SELECT COUNT(*) FROM p\u0430tients ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE s\u0435x = 'F' ; sql-not-understood
SELECT\u00a0COUNT(*) FROM patients ; sql-not-understood
SELECT COUNT(*)\u2003FROM patients ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE year_of_birth = \uff11\uff19\uff15\uff10 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = \u2018F\u2019 ; sql-not-understood
SELECT COUNT(*) FROM "p\u0430tients" ; sql-not-understood
SELECT COUNT(*) FROM patients\u0000 ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'F\u0000' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'F\ud800' ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'F' /* \udfff */ ; sql-not-understood
SELECT COUNT(*) FROM patients \u0001 ; sql-not-understood
\ufeffSELECT COUNT(*) FROM patients ; sql-not-understood
SELECT COUNT(*) FROM patients \u202e ; sql-not-understood
SELECT COUNT(*) FROM `patients` ; sql-not-understood
SELECT COUNT(*) FROM [patients] ; function-not-offered
SELECT COUNT(*) FROM patients # comment ; function-not-offered
SELECT COUNT(*) FROM patients \u005c ; sql-not-understood
SELECT COUNT(*) FROM patients WHERE sex = 'caf\u00e9' ; invalid-request
