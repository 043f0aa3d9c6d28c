-- Statistics, functions and arithmetic. The first block is the probe list of attacks on errors: what raises for one row only.
SELECT COUNT(*) FROM patients WHERE CASE WHEN sex = 'F' THEN CAST(ethnicity AS INT) ELSE 1 END = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE CAST(practice AS INTEGER) = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice::INT = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE TRY_CAST(practice AS INT) = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE strptime(practice, '%Y') > registered_on ; function-not-offered
SELECT COUNT(*) FROM patients WHERE CAST(practice AS DATE) = '2020-01-01' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE CAST(year_of_birth AS DECIMAL(4, 3)) = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE CAST(practice AS UUID) = 'a' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE CAST(practice AS JSON) = 'a' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE error(practice) ; function-not-offered
SELECT error(ethnicity), COUNT(*) FROM patients GROUP BY 1 ; function-not-offered
SELECT CAST(SUM(year_of_birth) AS TINYINT) FROM patients ; function-not-offered
SELECT COUNT(*) FROM patients WHERE 1 // (year_of_birth - 1950) = 0 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE 1 % (year_of_birth - 1950) = 0 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE 1 / (year_of_birth - 1950) = 0 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE repeat(practice, 2000000000) = 'x' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE 1 << year_of_birth = 0 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE make_date(year_of_birth, 13, 1) = '2020-01-01' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE chr(-1) = 'x' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on + INTERVAL '1000000' YEAR > left_on ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sqrt(-1) = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sqrt(1950 - year_of_birth) = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE exp(year_of_birth) > 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE ln(year_of_birth) > 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE power(year_of_birth, 1000) > 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE substring(practice, 1, 1) = 'A' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE [1, 2][year_of_birth] = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE regexp_matches(practice, '(a+)+$') ; function-not-offered
SELECT MIN(year_of_birth), MAX(year_of_birth) FROM patients ; statistic-not-offered
SELECT APPROX_COUNT_DISTINCT(person) FROM patients ; statistic-not-offered
SELECT FIRST(practice) FROM patients ; statistic-not-offered
SELECT LIST(practice) FROM patients ; statistic-not-offered
SELECT STRING_AGG(practice, ',') FROM patients ; statistic-not-offered
SELECT COUNT(DISTINCT sex) FROM patients ; statistic-not-offered
SELECT COUNT(DISTINCT *) FROM patients ; statistic-not-offered
SELECT COUNT(DISTINCT person, sex) FROM patients ; statistic-not-offered
SELECT COUNT() FROM patients ; statistic-not-offered
SELECT COUNT(ALL person) FROM patients ; statement-not-offered
SELECT COUNT(* EXCLUDE (sex)) FROM patients ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE COUNT(*) > 1 ; statistic-not-offered
SELECT upper(sex), COUNT(*) FROM patients GROUP BY 1 ; function-not-offered
SELECT LEFT(practice, 1), COUNT(*) FROM patients GROUP BY 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex SIMILAR TO 'F' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex || 'x' = 'Fx' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth < current_date ; function-not-offered
SELECT COUNT(*) FROM patients WHERE now() > registered_on ; function-not-offered
SELECT COUNT(*) FROM patients WHERE getenv('HOME') = 'x' ; function-not-offered
SELECT COUNT(*) FROM read_csv('/etc/passwd') ; function-not-offered
SELECT COUNT(*) FROM read_blob('data.duckdb') ; function-not-offered
SELECT COUNT(*) FROM read_duckdb('data.duckdb', table_name := 'x') ; function-not-offered
SELECT COUNT(*) FROM query('SELECT 1') ; function-not-offered
SELECT COUNT(*) FROM query_table('patients') ; function-not-offered
SELECT COUNT(*) FROM range(1000000000000) ; function-not-offered
SELECT COUNT(*) FROM pragma_storage_info('patients') ; function-not-offered
SELECT nextval('s') FROM patients ; function-not-offered
SELECT setval('s', 1) FROM patients ; function-not-offered
SELECT COUTN(*) FROM patients ; function-not-offered
SELECT "count"(*) FROM patients ; function-not-offered
SELECT COUNT(*) FROM patients WHERE list_filter([1], lambda x: x > 1) = [1] ; function-not-offered
SELECT COUNT(*) FROM patients WHERE {'a': 1}.a = 1 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex = ? ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = $1 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = :name ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE sex = @@version ; function-not-offered
