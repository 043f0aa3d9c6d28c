-- Statistics, figures, keys, HAVING, ORDER BY, LIMIT.
SELECT STDDEV_SAMP(value) FROM measurements ; statistic-not-offered
SELECT VAR_SAMP(value) FROM measurements ; statistic-not-offered
SELECT HISTOGRAM(value) FROM measurements ; statistic-not-offered
SELECT COUNT_IF(value > 3) FROM measurements ; statistic-not-offered
SELECT CORR(value, value) FROM measurements ; statistic-not-offered
SELECT MODE(kind) FROM measurements ; statistic-not-offered
SELECT SUM(kind) FROM measurements ; statistic-not-offered
SELECT SUM(date) FROM measurements ; statistic-not-offered
SELECT AVG(value > 30) FROM measurements ; statistic-not-offered
SELECT MEDIAN(code) FROM events ; statistic-not-offered
SELECT SUM(*) FROM measurements ; statistic-not-offered
SELECT AVG(AVG(value)) FROM measurements ; statistic-not-offered
SELECT AVG(value) FROM measurements WHERE AVG(value) > 3 ; statistic-not-offered
SELECT SUM() FROM measurements ; invalid-request
SELECT AVG(value, 3) FROM measurements ; invalid-request
SELECT QUANTILE(value) FROM measurements ; invalid-request
SELECT QUANTILE(value, 1) FROM measurements ; invalid-request
SELECT QUANTILE(value, 0) FROM measurements ; invalid-request
SELECT QUANTILE(value, 1.5) FROM measurements ; invalid-request
SELECT QUANTILE(value, -0.5) FROM measurements ; invalid-request
SELECT QUANTILE(value, imd_decile) FROM measurements JOIN patients USING (person) ; invalid-request
SELECT PERCENTILE_CONT(0.5) FROM measurements ; invalid-request
SELECT SUM(value) WITHIN GROUP (ORDER BY value) FROM measurements ; statement-not-offered
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY value DESC) FROM measurements ; statement-not-offered
SELECT PROPORTION() FROM patients ; invalid-request
SELECT PROPORTION(sex) FROM patients ; statement-not-offered
SELECT RATE_PER_1000(imd_decile) FROM patients ; invalid-request
SELECT RATE_PER_1000(sex, imd_decile) FROM patients ; statistic-not-offered
SELECT SUM(value, bound => 0) FROM measurements ; invalid-request
SELECT SUM(value, bound => 1.5) FROM measurements ; invalid-request
SELECT SUM(value, bound => auto + 1) FROM measurements ; invalid-request
SELECT SUM(value, bound => measurements.auto) FROM measurements ; invalid-request
SELECT SUM(value, bound => 'auto') FROM measurements ; sql-not-understood
SELECT COUNT(*, bound => auto) FROM patients ; invalid-request
SELECT COUNT(DISTINCT person, bound => auto) FROM measurements ; sql-not-understood
SELECT MEAN_OF_PERSONS(value, bound => auto) FROM measurements ; invalid-request
SELECT SUM(value, bounds => 3) FROM measurements ; invalid-request
SELECT SUM(value, bound => 3, bound => 4) FROM measurements ; invalid-request
SELECT COUNT(DISTINCT person, bound => 3) FROM measurements ; sql-not-understood
SELECT MEAN_OF_PERSONS(value, bound => 3) FROM measurements ; invalid-request
SELECT year(bound => 3), COUNT(*) FROM measurements GROUP BY 1 ; function-not-offered
SELECT region FILTER (WHERE sex = 'F'), COUNT(*) FROM patients GROUP BY 1 ; sql-not-understood
SELECT ROUND(AVG(value)) FROM measurements ; function-not-offered
SELECT COALESCE(AVG(value), 0) FROM measurements ; function-not-offered
SELECT CASE WHEN COUNT(*) > 3 THEN 1 ELSE 0 END FROM patients ; function-not-offered
SELECT COUNT(*) // 2 FROM patients ; function-not-offered
SELECT COUNT(*) + imd_decile FROM patients ; statement-not-offered
SELECT COUNT(*) / sex FROM patients ; statement-not-offered
SELECT COUNT(*) > 3 FROM patients ; function-not-offered
SELECT COUNT(*) * 'x' FROM patients ; sql-not-understood
SELECT region, COUNT(*) FROM patients GROUP BY COUNT(*) ; statement-not-offered
SELECT region, COUNT(*) AS n FROM patients GROUP BY region, n ; statement-not-offered
SELECT band(died_on, 10), COUNT(*) FROM patients GROUP BY 1 ; function-not-offered
SELECT band(year_of_birth, 0), COUNT(*) FROM patients GROUP BY 1 ; function-not-offered
SELECT band(year_of_birth), COUNT(*) FROM patients GROUP BY 1 ; invalid-request
SELECT band(year_of_birth, imd_decile), COUNT(*) FROM patients GROUP BY 1 ; statement-not-offered
SELECT band(value, 0.05), COUNT(*) FROM measurements GROUP BY 1 ; invalid-request
SELECT value, COUNT(*) FROM measurements GROUP BY value ; statement-not-offered
SELECT clamp(value, 0, 10), COUNT(*) FROM measurements GROUP BY 1 ; statement-not-offered
SELECT died_on + 1, COUNT(*) FROM patients GROUP BY 1 ; statement-not-offered
SELECT date, kind, COUNT(*) FROM measurements GROUP BY date, kind ; keys-too-many
SELECT band(value, 1), kind, year(date), COUNT(*) FROM measurements GROUP BY 1, 2, 3 ; keys-too-many
SELECT board, sex, year_of_birth, COUNT(*) FROM patients GROUP BY ROLLUP(board, sex, year_of_birth) ; keys-too-many
SELECT region, sex, COUNT(*) FROM patients GROUP BY GROUPING SETS ((region), (sex)) ; statement-not-offered
SELECT region, sex, COUNT(*) FROM patients GROUP BY GROUPING SETS (ROLLUP(region), (sex)) ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region WITH ROLLUP ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY CUBE(region, sex) ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY ALL ; statement-not-offered
SELECT region, GROUPING(region), COUNT(*) FROM patients GROUP BY ROLLUP(region) ; function-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region HAVING region = 'London' ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region HAVING sex = 'F' ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region HAVING COUNT(*) ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region HAVING COUNT(*) IS NULL ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region HAVING nothing > 3 ; column-not-in-policy
SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY nothing ; column-not-in-policy
SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY 3 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY sex ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY ALL ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY region NULLS FIRST ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT 0 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT 2.5 ; sql-not-understood
SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT imd_decile ; sql-not-understood
SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT 3 OFFSET 2 ; statement-not-offered
SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT 99999999999999999999 ; statement-not-offered
