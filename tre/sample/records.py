"""The four tables and the opt-outs of the sample, as SQL over `people`: what was recorded for whom, and when.

About one row in a hundred is wrong on purpose, in the ways that real extracts are: a mistyped number, a day that does not
exist, a date or a value out of range, an unlisted category, NaN written as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from tre.sample.figures import ACUTE, CONDITIONS, CONTACTS
from tre.sample.people import SINCE

PANELS = (("bmi", "bmi"), ("bp", "systolic"), ("bp", "diastolic"), ("hba1c", "hba1c"), ("lipid", "cholesterol"))


def declarations() -> list[str]:
    """The lists that records are drawn from, and the people with each condition they have."""
    codes = [(k, place, code) for k, condition in enumerate(CONDITIONS) for place, code in enumerate(condition.codes)]
    drugs = [(k, place, *drug) for k, condition in enumerate(CONDITIONS) for place, drug in enumerate(condition.medicines)]
    conditions = [(k, c.first_age, c.again, len(c.codes)) for k, c in enumerate(CONDITIONS)]
    return [
        _table("condition", "k, first_age, again, codes", conditions),
        _table("listed", "k, place, code", codes),
        _table("medicine", "k, place, bnf_code, quantity", drugs),
        _table("contact", "place, code", list(enumerate(CONTACTS))),
        _table("acute", "place, bnf_code, quantity", [(place, *drug) for place, drug in enumerate(ACUTE)]),
        _table(
            "panel",
            "panel, kind",
            [("bmi", "bmi"), ("bp", "systolic"), ("bp", "diastolic"), ("hba1c", "hba1c"), ("lipid", "cholesterol")],
        ),
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


def _table(name: str, columns: str, rows: Sequence[tuple[object, ...]]) -> str:
    values = ", ".join("(" + ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in row) + ")" for row in rows)
    return f"CREATE TABLE {name} AS SELECT * FROM (VALUES {values}) t({columns})"


_CONDITIONS = """
    SELECT i, number, k, again, codes, ends_on, o,
        on_a_day(least(greatest(born + (365.25 * first_age)::INTEGER, DATE '2000-01-01'), ends_on), ends_on, share(o, 0)) AS onset
    FROM (SELECT *, bits('o', i * 16 + k) AS o FROM people(first, past), condition WHERE (held >> k) & 1 = 1)"""

# How often each panel was measured: most people never, the ill again and again.
_VISITS = """
    SELECT i, number, years, held, ends_on, unnest(['bmi', 'bp', 'hba1c', 'lipid']) AS panel,
        unnest([
            CASE WHEN years >= 16 AND share(v, 0) < 0.7 THEN 1 + least(9, floor(wait(v, 1) * 1.8)) ELSE 0 END,
            CASE WHEN years >= 18 AND share(v, 2) < 0.7 + 0.25 * has(held, 'hypertension')::INTEGER
                THEN 1 + least(14, floor(wait(v, 3) * (1.4 + 3 * has(held, 'hypertension')::INTEGER))) ELSE 0 END,
            CASE WHEN has(held, 'diabetes') THEN least(1, floor(share(v, 4) * 25)) * (2 + least(16, floor(wait(v, 5) * 5)))
                WHEN years >= 40 AND share(v, 4) < 0.34 THEN 1 + least(3, floor(wait(v, 5) * 0.7)) ELSE 0 END,
            CASE WHEN years >= 40 AND share(v, 6) < 0.52 THEN 1 + least(9, floor(wait(v, 7) * 1.3)) ELSE 0 END
        ]::INTEGER[]) AS times, registered_on
    FROM (SELECT *, bits('v', i) AS v FROM people(first, past))"""


def patients(first: int, past: int) -> str:
    return f"""
        SELECT written(number, w) AS nhs_number, practice, board, region,
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
        SELECT number, onset, ends_on, r, k, bits('e', (i * 16 + k) * 16 + r) AS m, codes
        FROM (SELECT *, unnest(range(1 + least(10, floor((ends_on - onset) / 365.25 * again * 2 * share(o, 1)))::INTEGER)) AS r
            FROM conditions({first}, {past}))"""
    contacts = f"""
        SELECT number, registered_on, ends_on, bits('n', i * 64 + r) AS m
        FROM (SELECT *, unnest(range(least(60, floor(wait(bits('t', i), 0) * (2 + 0.07 * years)))::INTEGER)) AS r
            FROM people({first}, {past}))"""
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date,
            CASE WHEN part(m, 5) < 65 THEN '' ELSE code END AS code
        FROM (SELECT number, m, code, CASE WHEN r = 0 THEN onset ELSE on_a_day(onset, ends_on, share(m, 0)) END AS d
            FROM ({conditions}) c
            JOIN listed ON listed.k = c.k AND place = floor(codes * share(m, 1) * share(m, 1))::INTEGER
            UNION ALL
            SELECT number, m, code, on_a_day(greatest(registered_on, DATE '2012-01-01'), ends_on, share(m, 0)) AS d
            FROM ({contacts}) JOIN contact ON place = floor({len(CONTACTS)} * share(m, 1) * share(m, 1))::INTEGER)"""


def measurements(first: int, past: int) -> str:
    """A value has a part of the person (the same every time), of the condition, and of the day."""
    person = "sqrt(0.5) * bell(bits(kind, i))"
    value = f"""CASE kind
        WHEN 'bmi' THEN 26.6 + 0.03 * (years - 40) + 6 * {person} + 1.4 * bell(m) + 2.8 * has(held, 'diabetes')::INTEGER
        WHEN 'systolic' THEN 113 + 0.33 * (years - 25) + 12 * {person} + 8 * bell(m) + 7 * has(held, 'hypertension')::INTEGER
        WHEN 'diastolic' THEN 75 + 8 * {person} + 6 * bell(m) + 3 * has(held, 'hypertension')::INTEGER
        WHEN 'hba1c' THEN CASE WHEN has(held, 'diabetes') THEN 50 + 13 * abs({person}) + 7 * abs(bell(m))
            ELSE 36 + 0.03 * (years - 40) + 3.6 * {person} + 1.2 * bell(m) END
        ELSE 5.2 + 1.1 * {person} + 0.4 * bell(m) - 1.0 * (has(held, 'chd') OR has(held, 'diabetes'))::INTEGER END"""
    digits = "CASE WHEN kind IN ('bmi', 'cholesterol') THEN '%.1f' ELSE '%.0f' END"
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date,
            CASE WHEN part(m, 5) BETWEEN 60000 AND 60064 THEN 'weight' ELSE kind END AS kind,
            CASE WHEN part(m, 5) < 130 THEN 'NaN' WHEN part(m, 5) < 230 THEN '9999' WHEN part(m, 5) < 900 THEN NULL
                ELSE printf({digits}, greatest({value}, CASE kind WHEN 'cholesterol' THEN 1.8 ELSE 13 END)) END AS value
        FROM (SELECT *, bits('x', (i * 64 + r) * 8 + strpos('bsdhc', kind[1])) AS m,
                on_a_day(greatest(registered_on, {SINCE}), ends_on, sqrt(share(bits(panel, i * 64 + r), 0))) AS d
            FROM (SELECT *, unnest(range(times)) AS r FROM visits({first}, {past})) JOIN panel USING (panel))"""


def prescriptions(first: int, past: int) -> str:
    """A medicine for a condition is repeated every four weeks, back from the last one; others come once in a while."""
    repeated = f"""
        SELECT number, bnf_code, quantity, onset, ends_on - (28 * r + part(s, 2) % 28)::INTEGER AS d,
            bits('y', (i * 64 + k * 4 + place) * 64 + r) AS m
        FROM (SELECT *, unnest(range(1 + least(30, floor(wait(s, 1) * 9))::INTEGER)) AS r
            FROM (SELECT *, bits('s', (i * 16 + k) * 4 + place) AS s FROM conditions({first}, {past}) JOIN medicine USING (k))
            WHERE share(s, 0) < 0.65 - 0.2 * place)"""
    once = f"""
        SELECT number, registered_on, ends_on, bits('w', i * 64 + r) AS m
        FROM (SELECT *, unnest(range(least(30, floor(wait(bits('u', i), 0) * (0.8 + 0.02 * years)))::INTEGER)) AS r
            FROM people({first}, {past}))"""
    return f"""
        SELECT written(number, part(m, 7)) AS nhs_number, day(d, part(m, 6)) AS date, bnf_code,
            CASE WHEN part(m, 5) < 130 THEN '-1' WHEN part(m, 5) < 230 THEN 'NaN' ELSE quantity::VARCHAR END AS quantity
        FROM (SELECT number, bnf_code, CASE WHEN part(m, 4) < 9000 THEN quantity * 2 ELSE quantity END AS quantity, d, m
            FROM ({repeated}) WHERE d >= onset
            UNION ALL
            SELECT number, bnf_code, quantity, on_a_day(greatest(registered_on, {SINCE}), ends_on, share(m, 0)) AS d, m
            FROM ({once}) JOIN acute ON place = floor({len(ACUTE)} * share(m, 1) * share(m, 1))::INTEGER)"""


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


WRITTEN = {"patients": patients, "events": events, "measurements": measurements, "prescriptions": prescriptions}
