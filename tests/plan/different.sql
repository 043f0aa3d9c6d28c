-- Different questions have different digests, however alike. One pair a line: A ; B.
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(*) AS m FROM people
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(*) AS n, COUNT(*) AS m FROM people
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT COUNT(*) AS n, shape FROM people GROUP BY shape
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY shape
SELECT shape, age, COUNT(*) AS n FROM people GROUP BY 1, 2 ; SELECT age, shape, COUNT(*) AS n FROM people GROUP BY 1, 2
age > 5 ; age >= 5
age = 5 ; TRUE
age <> 5 ; NOT age = 5 OR age IS NULL
age = 5 OR age <> 5 ; TRUE
age IS NOT NULL ; TRUE
age IN (1, 2) ; age IN (1, 3)
age NOT IN (1, 2) ; NOT age IN (1, 2) OR age IS NULL
height > 1.5 ; height > 1.6
seen_on > '2020-01-03' ; seen_on > '2020-01-04'
colour = 'red' ; colour = 'green'
colour <> 'red' ; colour <> 'red' OR colour IS NULL
age = 1 AND shape = 'flat' ; age = 1 OR shape = 'flat'
age = 1 AND (shape = 'flat' OR colour = 'red') ; (age = 1 AND shape = 'flat') OR colour = 'red'
NOT (age = 1 AND shape = 'flat') ; age <> 1 AND shape <> 'flat'
place = 'A1' ; place = 'a1'
place NOT IN ('A1') ; place NOT IN ('A1', 'B2')
age = 99 ; TRUE
SELECT least(band(age, 3), band(age, 3)) AS k, COUNT(*) AS n FROM people GROUP BY 1 ; SELECT band(age, 3) AS k, COUNT(*) AS n FROM people GROUP BY 1
