-- Equal questions have one digest. One pair a line, of questions or of conditions on the small catalogue: A ; B.
SELECT COUNT(*) AS n FROM people ; SELECT count( * ) as n from PEOPLE p
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(DISTINCT person) AS n FROM people
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(person) n FROM people WHERE TRUE
SELECT COUNT(*) AS n FROM people ; SELECT COUNT(1) AS n FROM people AS x -- comment
SELECT shape, COUNT(*) AS n FROM people GROUP BY shape ; SELECT q.shape, COUNT(*) AS n FROM people q GROUP BY 1
SELECT shape, age, COUNT(*) AS n FROM people GROUP BY shape, age ; SELECT shape, age, COUNT(*) AS n FROM people GROUP BY 2, SHAPE
SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY s ; SELECT shape AS s, COUNT(*) AS n FROM people GROUP BY people.shape
age > 5 ; age >= 6
age < 5 ; age <= 4
5 < age ; age > 5
age = 5 ; 5 = age
age <> 5 ; age != 5
age == 5 ; age = 5.0
height > 1.5 ; height >= 1.6
height < 1.50 ; height <= 1.4
seen_on > '2020-01-03' ; seen_on >= DATE '2020-01-04'
seen_on = '2020-01-03' ; DATE '2020-01-03' = seen_on
age BETWEEN 2 AND 4 ; age >= 2 AND age <= 4
age BETWEEN 2 AND 4 ; age > 1 AND 5 > age
age BETWEEN 2 AND 2 ; age = 2
age BETWEEN 2 AND 3 ; age IN (3, 2)
age NOT BETWEEN 2 AND 4 ; age < 2 OR age > 4
NOT age BETWEEN 2 AND 4 ; age <= 1 OR 5 <= age
seen_on BETWEEN '2020-01-02' AND '2020-01-04' ; NOT (seen_on < '2020-01-02' OR seen_on > '2020-01-04')
age IN (5) ; age = 5
age IN (1, 2, 1) ; age IN (2, 1)
age NOT IN (5) ; age <> 5
age NOT IN (1, 2) ; age <> 1 AND age <> 2
age IN (1, 2) ; age = 2 OR age = 1
colour IN ('red') ; colour = 'red'
colour IN ('red', 'blue') ; colour NOT IN ('green')
colour <> 'green' ; colour = 'blue' OR colour = 'red'
colour IN ('red', 'green', 'blue') ; colour IS NOT NULL
shape IN ('round', 'flat') ; TRUE
shape = 'round' ; NOT shape = 'flat'
shape IS NULL ; FALSE
shape IS NOT NULL ; TRUE
age = 1 AND shape = 'flat' ; shape = 'flat' AND age = 1
age = 1 OR shape = 'flat' ; shape = 'flat' OR age = 1
(age = 1 AND shape = 'flat') AND colour = 'red' ; age = 1 AND (shape = 'flat' AND colour = 'red')
(age = 1 OR shape = 'flat') OR colour = 'red' ; colour = 'red' OR (shape = 'flat' OR age = 1)
((age = 1)) ; age = 1
NOT NOT age = 1 ; age = 1
NOT (NOT (age > 1)) ; age >= 2
NOT age = 1 ; age <> 1
NOT age > 1 ; age <= 1
NOT (age = 1 AND shape = 'flat') ; age <> 1 OR shape <> 'flat'
NOT (age = 1 OR shape = 'flat') ; shape = 'round' AND age <> 1
NOT (age IS NULL OR colour IS NULL) ; colour IS NOT NULL AND age IS NOT NULL
age = 1 AND age = 1 ; age = 1
age = 1 OR age = 1 ; age = 1
age > 1 AND age > 3 ; age > 3
age > 1 OR age > 3 ; age > 1
age = 1 AND TRUE ; age = 1
age = 1 OR FALSE ; age = 1
age = 1 AND FALSE ; FALSE
age = 1 OR TRUE ; TRUE
age = 1 AND age = 2 ; FALSE
age < 3 AND age > 5 ; FALSE
age BETWEEN 4 AND 2 ; FALSE
age = 99 ; FALSE
age > -5 ; age IS NOT NULL
age <= 9 ; age IS NOT NULL
age IN (1, 99) ; age = 1
age IS NULL OR age IS NOT NULL ; TRUE
age IS NULL AND age = 1 ; FALSE
age < 3 OR age >= 3 ; age IS NOT NULL
NOT age IS NULL ; age IS NOT NULL
place IN ('A1', 'B2') ; place IN codelist('here')
place IN codelist('there') ; place = 'C3'
place NOT IN codelist('here') ; place <> 'A1' AND place <> 'B2'
place IN (codelist('here'), 'C3') ; place IN codelist('here') OR place IN codelist('there')
place = 'A1' AND place <> 'B2' ; place = 'A1'
place <> 'A1' OR place = 'A1' ; place IS NOT NULL
age = 1 AND (shape = 'flat' OR colour = 'red') ; (colour = 'red' OR shape = 'flat') AND 1 = age
(age = 1 OR age = 2) AND shape = 'flat' ; shape = 'flat' AND age BETWEEN 1 AND 2
(age > 2 AND shape = 'flat') AND age < 5 ; age IN (3, 4) AND shape = 'flat'
SELECT COUNT(b.d) AS n FROM people a JOIN (SELECT DISTINCT person, CASE WHEN seen_on IS NOT NULL AND TRUE THEN seen_on ELSE DATE '2020-01-05' END AS d FROM people) b ON a.person = b.person ; SELECT COUNT(y.e) AS n FROM people x JOIN (SELECT DISTINCT person, CASE WHEN seen_on IS NOT NULL AND TRUE THEN seen_on ELSE DATE '2020-01-05' END AS e FROM people) y ON x.person = y.person
SELECT AVG(b.d) AS n FROM people a JOIN (SELECT DISTINCT person, least(band(age, 3), band(age, 3)) AS d FROM people) b ON a.person = b.person ; SELECT AVG(y.e) AS n FROM people x JOIN (SELECT DISTINCT person, least(band(age, 3), band(age, 3)) AS e FROM people) y ON x.person = y.person
