SELECT sex, AVG(abs(year_of_birth - 1960)) AS far, SUM(least(imd_decile, 5) * 2) AS a, AVG(greatest(imd_decile, 2) // 3) AS b, AVG(-imd_decile) AS c
FROM patients GROUP BY sex
---
from patients
key sex = patients.sex: category of 4
ask far = avg of clamp(greatest((patients.year_of_birth - 1960), (0 - (patients.year_of_birth - 1960))), 0, 66): integer 0..66
ask a = sum of (least(patients.imd_decile, 5) * 2): integer 2..10
ask b = avg of (greatest(patients.imd_decile, 2) // 3): integer 0..3
ask c = avg of (0 - patients.imd_decile): integer -10..-1 or null
answer sex, far, a, b, c
