SELECT board, sex, AVG(m.value) AS mean_bmi FROM patients p JOIN measurements m ON m.person = p.person WHERE m.kind = 'bmi' AND m.date >= DATE '2024-01-01' GROUP BY board, sex
---
from (patients join measurements where measurements.kind = 'bmi' and measurements.date >= 19723)
key board = patients.board: category of 42
key sex = patients.sex: category of 4
ask mean_bmi = avg of measurements.value: decimal 0..4000 x 0.1 or null
answer board, sex, mean_bmi
