"""The four tables and the opt-outs of the sample, as SQL over `people`: what was recorded for whom, and when.

About one row in a hundred is wrong on purpose, in the ways that real extracts are: a mistyped number, a day that does not
exist, a date or a value out of range, an unlisted category, NaN written as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from tre.sample.figures import ACUTE, CONDITIONS, CONTACTS
from tre.sample.people import SINCE, numbers, texts

KINDS = ("bmi", "systolic", "diastolic", "hba1c", "cholesterol")


def declarations() -> list[str]:
    """The lists that records are drawn from, and the people with each condition they have."""
    codes = [code for condition in CONDITIONS for code in condition.codes]
    firsts = [sum(len(before.codes) for before in CONDITIONS[:k]) for k in range(len(CONDITIONS))]
    medicines = [medicine for condition in CONDITIONS for medicine in condition.medicines]
    first_medicines = [sum(len(before.medicines) for before in CONDITIONS[:k]) for k in range(len(CONDITIONS))]
    ailments = [
        (k, c.first_age, c.again, firsts[k], len(c.codes), first_medicines[k], first_medicines[k] + len(c.medicines))
        for k, c in enumerate(CONDITIONS)
    ]
    return [
        _table("condition", "k, first_age, again, opening, codes, from_medicine, past_medicine", ailments),
        texts("condition_code", codes),
        texts("contact_code", CONTACTS),
        texts("medicine_code", [code for code, _ in medicines]),
        numbers("medicine_quantity", [quantity for _, quantity in medicines]),
        texts("acute_code", [code for code, _ in ACUTE]),
        numbers("acute_quantity", [quantity for _, quantity in ACUTE]),
        texts("kind_name", KINDS),
        "CREATE MACRO mistyped(number) AS concat(substr(number, 1, 9), (substr(number, 10, 1)::INTEGER + 1) % 10)",
        "CREATE MACRO spaced(number) AS concat_ws(' ', substr(number, 1, 3), substr(number, 4, 3), substr(number, 7, 4))",
        # Of 65,536: 200 mistyped numbers, and 600 written with spaces, which are right.
        "CREATE MACRO written(number, w) AS CASE WHEN w < 200 THEN mistyped(number) WHEN w < 800 THEN spaced(number) "
        "ELSE number END",
        # 200 days that do not exist, 130 that a spreadsheet makes of an empty cell.
        "CREATE MACRO day(d, w) AS CASE WHEN w BETWEEN 65336 AND 65535 THEN '2023-02-30' WHEN w BETWEEN 65206 AND 65335 "
        "THEN '1899-12-30' ELSE strftime(d, '%Y-%m-%d') END",
        f"CREATE MACRO conditions(first, past) AS TABLE {_CONDITIONS}",
        f"CREATE MACRO visits(first, past) AS TABLE {_VISITS}",
    ]


def _table(name: str, columns: str, rows: Sequence[tuple[float, ...]]) -> str:
    values = ", ".join("(" + ", ".join(map(str, row)) + ")" for row in rows)
    return f"CREATE TABLE {name} AS SELECT * FROM (VALUES {values}) t({columns})"


_CONDITIONS = """
    SELECT i, number, k, again, opening, codes, from_medicine, past_medicine, ends_on, o,
        on_a_day(least(greatest(born + (365.25 * first_age)::INTEGER, DATE '2000-01-01'), ends_on), ends_on, share(o, 0)) AS onset
    FROM (SELECT *, bits('o', i * 16 + k) AS o FROM people(first, past), condition WHERE (held >> k) & 1 = 1)"""

# How often each panel was measured: most people never, the ill again and again.
_VISITS = """
    SELECT i, number, years, held, ends_on, registered_on, unnest([0, 1, 2, 3, 4]) AS kind,
        unnest([bmi, pressure, pressure, hba1c, cholesterol]::INTEGER[]) AS times
    FROM (SELECT *,
        CASE WHEN years >= 16 AND share(v, 0) < 0.7 THEN 1 + least(9, floor(wait(v, 1) * 1.8)) ELSE 0 END AS bmi,
        CASE WHEN years >= 18 AND share(v, 2) < 0.7 + 0.25 * has(held, 'hypertension')::INTEGER
            THEN 1 + least(14, floor(wait(v, 3) * (1.4 + 3 * has(held, 'hypertension')::INTEGER))) ELSE 0 END AS pressure,
        CASE WHEN has(held, 'diabetes') THEN least(1, floor(share(v, 4) * 25)) * (2 + least(16, floor(wait(v, 5) * 5)))
            WHEN years >= 40 AND share(v, 4) < 0.34 THEN 1 + least(3, floor(wait(v, 5) * 0.7)) ELSE 0 END AS hba1c,
        CASE WHEN years >= 40 AND share(v, 6) < 0.52 THEN 1 + least(9, floor(wait(v, 7) * 1.3)) ELSE 0 END AS cholesterol
    FROM (SELECT *, bits('v', i) AS v FROM people(first, past)))"""


def patients(first: int, past: int) -> str:
    return f"""
        SELECT written(number, w) AS nhs_number, practice, board_name(board) AS board, region_name(region) AS region,
            CASE WHEN part(z, 1) < 130 THEN 'X' ELSE sex END AS sex,
            CASE WHEN part(z, 2) < 130 THEN '1850' ELSE year(born)::VARCHAR END AS year_of_birth,
            CASE WHEN part(z, 3) < 130 THEN 'Martian' ELSE ethnicity END AS ethnicity,
            CASE WHEN part(z, 4) < 65 THEN '11' WHEN part(z, 4) < 130 THEN 'NaN' ELSE imd::VARCHAR END AS imd_decile,
            day(registered_on, part(z, 5)) AS registered_on, strftime(left_on, '%Y-%m-%d') AS left_on,
            strftime(died_on, '%Y-%m-%d') AS died_on
        FROM (SELECT *, part(z, 0) AS w FROM (SELECT *, bits('z', i) AS z FROM people({first}, {past})))"""


def events(first: int, past: int) -> str:
    """Each condition once at its onset and then from time to time, and the contacts that everyone has, more of them with age."""
    conditions = f"""
        SELECT number, onset, ends_on, r, opening, codes, bits('e', (i * 16 + k) * 16 + r) AS m
        FROM (SELECT *, unnest(range(1 + least(10, floor((ends_on - onset) / 365.25 * again * 2 * share(o, 1)))::INTEGER)) AS r
            FROM conditions({first}, {past}))"""
    contacts = f"""
        SELECT number, registered_on, ends_on, bits('n', i * 64 + r) AS m
        FROM (SELECT *, unnest(range(least(60, floor(wait(bits('t', i), 0) * (2 + 0.07 * years)))::INTEGER)) AS r
            FROM people({first}, {past}))"""
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date,
            CASE WHEN part(m, 5) < 65 THEN '' ELSE code END AS code
        FROM (SELECT number, m, CASE WHEN r = 0 THEN onset ELSE on_a_day(onset, ends_on, share(m, 0)) END AS d,
                condition_code(opening + floor(codes * share(m, 1) * share(m, 1))::INTEGER) AS code
            FROM ({conditions})
            UNION ALL
            SELECT number, m, on_a_day(greatest(registered_on, DATE '2012-01-01'), ends_on, share(m, 0)) AS d,
                contact_code(floor({len(CONTACTS)} * share(m, 1) * share(m, 1))::INTEGER) AS code
            FROM ({contacts}))"""


def measurements(first: int, past: int) -> str:
    """A value has a part of the person (the same every time), of the condition, and of the day."""
    person = "sqrt(0.5) * bell(bits('q', i * 8 + kind))"
    value = f"""CASE kind
        WHEN 0 THEN 26.6 + 0.03 * (years - 40) + 6 * {person} + 1.4 * bell(m) + 2.8 * has(held, 'diabetes')::INTEGER
        WHEN 1 THEN 113 + 0.33 * (years - 25) + 12 * {person} + 8 * bell(m) + 7 * has(held, 'hypertension')::INTEGER
        WHEN 2 THEN 75 + 8 * {person} + 6 * bell(m) + 3 * has(held, 'hypertension')::INTEGER
        WHEN 3 THEN CASE WHEN has(held, 'diabetes') THEN 50 + 13 * abs({person}) + 7 * abs(bell(m))
            ELSE 36 + 0.03 * (years - 40) + 3.6 * {person} + 1.2 * bell(m) END
        ELSE 5.2 + 1.1 * {person} + 0.4 * bell(m) - 1.0 * (has(held, 'chd') OR has(held, 'diabetes'))::INTEGER END"""
    visit = "bits('p', (i * 64 + r) * 8 + greatest(kind, 2))"  # weight and blood pressure are taken at the same one
    digits = "CASE WHEN kind IN (0, 4) THEN '%.1f' ELSE '%.0f' END"
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date,
            CASE WHEN part(m, 5) BETWEEN 60000 AND 60064 THEN 'weight' ELSE kind_name(kind) END AS kind,
            CASE WHEN part(m, 5) < 130 THEN 'NaN' WHEN part(m, 5) < 230 THEN '9999' WHEN part(m, 5) < 900 THEN NULL
                ELSE printf({digits}, greatest({value}, CASE kind WHEN 4 THEN 1.8 ELSE 13 END)) END AS value
        FROM (SELECT *, bits('x', (i * 64 + r) * 8 + kind) AS m,
                on_a_day(greatest(registered_on, {SINCE}), ends_on, sqrt(share({visit}, 0))) AS d
            FROM (SELECT *, unnest(range(times)) AS r FROM visits({first}, {past})))"""


def prescriptions(first: int, past: int) -> str:
    """A medicine for a condition is repeated every four weeks, back from the last one; others come once in a while."""
    repeated = f"""
        SELECT number, nth, onset, ends_on - (28 * r + part(s, 2) % 28)::INTEGER AS d, bits('y', (i * 64 + nth) * 64 + r) AS m
        FROM (SELECT *, unnest(range(1 + least(30, floor(wait(s, 1) * 9))::INTEGER)) AS r
            FROM (SELECT *, bits('s', i * 64 + nth) AS s
                FROM (SELECT *, unnest(range(from_medicine, past_medicine)) AS nth FROM conditions({first}, {past})))
            WHERE share(s, 0) < 0.65 - 0.2 * (nth - from_medicine))"""
    once = f"""
        SELECT number, registered_on, ends_on, m, floor({len(ACUTE)} * share(m, 1) * share(m, 1))::INTEGER AS nth
        FROM (SELECT *, bits('w', i * 64 + r) AS m
            FROM (SELECT *, unnest(range(least(30, floor(wait(bits('u', i), 0) * (0.8 + 0.02 * years)))::INTEGER)) AS r
                FROM people({first}, {past})))"""
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date, bnf_code,
            CASE WHEN part(m, 5) < 130 THEN '-1' WHEN part(m, 5) < 230 THEN 'NaN' ELSE quantity::VARCHAR END AS quantity
        FROM (SELECT number, d, m, medicine_code(nth) AS bnf_code,
                medicine_quantity(nth) * CASE WHEN part(m, 4) < 9000 THEN 2 ELSE 1 END AS quantity
            FROM ({repeated}) WHERE d >= onset
            UNION ALL
            SELECT number, on_a_day(greatest(registered_on, {SINCE}), ends_on, share(m, 0)) AS d, m,
                acute_code(nth) AS bnf_code, acute_quantity(nth) AS quantity
            FROM ({once}))"""


def opt_outs(persons: int) -> str:
    """One person in fifty objects, most under one regime, some under two; a few numbers are mistyped, a few people are not in the
    records."""
    outside = persons + max(1, persons // 20)
    regimes = "(VALUES (0, 'type-1'), (1, 'national'), (2, 'local')) t(g, regime)"
    return f"""
        SELECT regime, CASE WHEN part(x, 7) < 400 THEN mistyped(number) ELSE number END AS nhs_number
        FROM (SELECT i, number, bits('x', i) AS x FROM numbered(0, {outside})), {regimes}
        WHERE part(x, 0) < 1311 AND (i < {persons} OR part(x, 1) < 6500)
            AND CASE g WHEN 0 THEN part(x, 2) < 30000 WHEN 1 THEN part(x, 2) >= 22000 ELSE part(x, 3) < 3000 END
        ORDER BY i, g"""


def cleared(persons: int) -> str:
    """The check service's reply, a number and a comma a line: everybody without a national opt-out of theirs, which about one in
    twenty has; and some who are not in the records."""
    outside = persons + max(1, persons // 20)
    return f"""
        SELECT number || ',' AS line FROM (SELECT i, number, bits('n', i) AS x FROM numbered(0, {outside}))
        WHERE part(x, 0) >= 3540 AND (i < {persons} OR part(x, 1) < 6500) ORDER BY i"""


WRITTEN = {"patients": patients, "events": events, "measurements": measurements, "prescriptions": prescriptions}
