-- Values of a row: total, bounded, of one kind.
SELECT AVG(value / 2) FROM measurements ; function-not-offered
SELECT AVG(value // 2) FROM measurements ; function-not-offered
SELECT AVG(imd_decile // 0) FROM patients ; function-not-offered
SELECT AVG(imd_decile // imd_decile) FROM patients ; function-not-offered
SELECT AVG(imd_decile // 1.5) FROM patients ; function-not-offered
SELECT AVG(imd_decile % 2) FROM patients ; function-not-offered
SELECT AVG(sex + 1) FROM patients ; function-not-offered
SELECT AVG(died_on + registered_on) FROM patients ; function-not-offered
SELECT AVG(died_on * 2) FROM patients ; function-not-offered
SELECT AVG('2024-01-01' - registered_on) FROM patients ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on + INTERVAL 1 YEAR > DATE '2020-01-01' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on + INTERVAL '1 month' > DATE '2020-01-01' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on + INTERVAL imd_decile DAY > DATE '2020-01-01' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on > INTERVAL 3 DAY ; function-not-offered
SELECT COUNT(*) FROM patients WHERE registered_on + 2147483647 > DATE '2020-01-01' ; bounds-missing
SELECT COUNT(*) FROM patients WHERE year_of_birth * 1000000 * 1000000 * 1000000 > 3 ; bounds-missing
SELECT COUNT(*) FROM patients WHERE year(sex) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE year('2020-01-01') = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE week(died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE dayofweek(died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE EXTRACT(week FROM died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE EXTRACT(epoch FROM died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_part('dow', died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_part(sex, died_on) = 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_trunc('week', died_on) = DATE '2020-01-06' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_trunc('month', sex) = 'F' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_diff('year', registered_on, died_on) > 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_diff('day', sex, died_on) > 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_sub('week', registered_on, died_on) > 3 ; function-not-offered
SELECT COUNT(*) FROM patients WHERE date_sub('year', registered_on) > 3 ; invalid-request
SELECT COUNT(*) FROM patients WHERE date_add(died_on, 3) > registered_on ; function-not-offered
SELECT COUNT(*) FROM patients WHERE strftime(died_on, '%Y') = '2020' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE age(died_on) > 3 ; function-not-offered
SELECT COUNT(*) FROM events WHERE age_at(date) > 30 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE age_at() > 30 ; invalid-request
SELECT COUNT(*) FROM patients WHERE age_at(sex) > 30 ; function-not-offered
SELECT AVG(CASE WHEN sex = 'F' THEN 1 ELSE 'x' END) FROM patients ; function-not-offered
SELECT AVG(CASE WHEN sex = 'F' THEN NULL END) FROM patients ; function-not-offered
SELECT COUNT(CASE WHEN sex = 'F' THEN practice END) FROM patients ; function-not-offered
SELECT AVG(CASE WHEN sex THEN 1 ELSE 2 END) FROM patients ; statement-not-offered
SELECT AVG(IF(sex = 'F', 1)) + IF FROM patients ; function-not-offered
SELECT AVG(IF(sex = 'F')) FROM patients ; invalid-request
SELECT AVG(COALESCE(imd_decile, 'x')) FROM patients ; function-not-offered
SELECT AVG(COALESCE(NULL, NULL)) FROM patients ; function-not-offered
SELECT AVG(NULLIF(imd_decile)) FROM patients ; invalid-request
SELECT AVG(NULLIF(imd_decile, 'x')) FROM patients ; invalid-request
SELECT AVG(NULL) FROM patients ; statement-not-offered
SELECT AVG(abs(sex)) FROM patients ; function-not-offered
SELECT AVG(least(imd_decile)) FROM patients ; invalid-request
SELECT AVG(least(imd_decile, registered_on)) FROM patients ; function-not-offered
SELECT AVG(greatest(sex, 'F')) FROM patients ; function-not-offered
SELECT AVG(clamp(imd_decile, 5, 1)) FROM patients ; function-not-offered
SELECT AVG(clamp(imd_decile, 1)) FROM patients ; invalid-request
SELECT AVG(clamp(imd_decile, 1, year_of_birth)) FROM patients ; statement-not-offered
SELECT AVG(clamp(practice, 'A', 'B')) FROM patients ; function-not-offered
SELECT AVG(log(imd_decile)) FROM patients ; function-not-offered
SELECT AVG(random()) FROM patients ; function-not-offered
SELECT AVG(hash(practice)) FROM patients ; function-not-offered
SELECT AVG(length(practice)) FROM patients ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex LIKE 'X%' ; invalid-request
SELECT COUNT(*) FROM patients WHERE practice LIKE '%A' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice LIKE 'A_1%' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice LIKE '%' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE practice LIKE 'A81001' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth LIKE '19%' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex LIKE region ; function-not-offered
SELECT COUNT(*) FROM patients WHERE sex ILIKE 'f' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE region LIKE 'L%' ESCAPE 'x' ; function-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth > registered_on ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex = imd_decile ; invalid-request
SELECT COUNT(*) FROM patients WHERE sex < region ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE year_of_birth IN (imd_decile, 3) ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE (sex = 'F') = 3 ; statement-not-offered
SELECT COUNT(*) FROM patients WHERE died_on - registered_on > '3' ; invalid-request
SELECT COUNT(*) FROM patients WHERE year(died_on) = 2020.5 ; invalid-request
SELECT COUNT(*) FROM patients WHERE CASE WHEN sex = 'F' THEN 'women' ELSE 'men' END = 'womn' ; invalid-request
SELECT SUM(year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth + year_of_birth) FROM patients ; too-large
SELECT COUNT(*) FROM patients WHERE 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * 0.1 * year_of_birth + 1 > 3 ; bounds-missing
