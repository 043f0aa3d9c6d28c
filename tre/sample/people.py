"""The people of the sample, as SQL: person ``i`` is a function of the seed and ``i`` alone, so any range of people can be made
anywhere and is always the same."""

from __future__ import annotations

from collections.abc import Sequence

from tre.sample.figures import AGES, BANDS, BIT, BOARDS, CONDITIONS, DEATHS, DEPRIVATION, ETHNICITY, PEOPLE_IN_A_PRACTICE

TODAY = "DATE '2026-06-30'"
SINCE = "DATE '2015-01-01'"
# Nine of the ten ninth digits are used, since at least nine have a check digit. The last eight-digit beginning is left out, so
# that no number has all digits equal. An affine map whose factor is coprime to the count gives each person another number.
NUMBERS = 89_999_990
FACTOR = 55_620_349


def declarations(seed: int) -> list[str]:
    """The macros and small tables that `people` and `records` are written in.

    ``bits`` are 128 random bits of (seed, salt, i), MD5 because its value is the same in every version of every engine; ``part``
    is 16 of them, ``share`` the same in [0, 1), ``bell`` about a normal deviate, ``wait`` an exponential one of mean 1.
    """
    return [
        f"CREATE MACRO bits(salt, i) AS md5_number(concat('{seed}/', salt, '/', i))",
        "CREATE MACRO part(b, place) AS ((b >> (16 * place)::UHUGEINT) & 65535)::INTEGER",
        "CREATE MACRO share(b, place) AS part(b, place)::DOUBLE / 65536",
        "CREATE MACRO bell(b) AS (share(b, 0) + share(b, 1) + share(b, 2) + share(b, 3) - 2) * 1.7320508",
        "CREATE MACRO wait(b, place) AS -ln(1 - share(b, place))",
        "CREATE MACRO on_a_day(low, high, u) AS low + (greatest(high - low, 0) * u)::INTEGER",
        f"CREATE MACRO has(held, name) AS (held >> (CASE name {_bits()} END)) & 1 = 1",
        *_boards(),
        *_ages(),
        *_prevalence(),
        f"CREATE MACRO numbered(first, past) AS TABLE {_numbered(seed)}",
        f"CREATE MACRO people(first, past) AS TABLE {_people()}",
    ]


def _bits() -> str:
    return " ".join(f"WHEN '{name}' THEN {bit}" for name, bit in BIT.items())


def texts(macro: str, listed: Sequence[str]) -> str:
    """A macro that gives the nth text of a list. A list and not a table to join: DuckDB 2.0.0 fails in a large join that carries
    the dictionary of a text column ("changed identity after being seeded")."""
    quoted = ", ".join(f"'{text}'" for text in listed)
    return f"CREATE MACRO {macro}(n) AS [{quoted}][n + 1]"


def numbers(macro: str, listed: Sequence[int]) -> str:
    """The same for numbers."""
    return f"CREATE MACRO {macro}(n) AS {list(listed)}[n + 1]"


def _boards() -> list[str]:
    """``slot``: one row a practice, so that a slot drawn at random gives each board its share of people."""
    rows: list[str] = []
    names: list[str] = []
    first = 0
    for place, (region, boards) in enumerate(BOARDS.items()):
        asian, black, mixed, white = ETHNICITY[region]
        for name, thousands in boards.items():
            practices = round(thousands * 1000 / PEOPLE_IN_A_PRACTICE)
            known = f"{asian}, {asian + black}, {asian + black + mixed}, {asian + black + mixed + white}"
            rows.append(f"({len(names)}, {place}, {first}, {practices}, {DEPRIVATION[region]}, {known})")
            names.append(f"NHS {name} Integrated Care Board")
            first += practices
    columns = "board, region, opening, practices, lean, asian, black, mixed, white"
    return [
        texts("board_name", names),
        texts("region_name", list(BOARDS)),
        f"CREATE TABLE slot AS SELECT opening + unnest(range(practices)) AS slot, * FROM (VALUES {', '.join(rows)}) t({columns})",
        f"CREATE MACRO slots() AS {first}",
    ]


def _ages() -> list[str]:
    """``age``: a thousand slots for each sex, each a band of ages."""
    rows = []
    for male in (False, True):
        shares = [men if male else women for _, women, men in AGES]
        shares[8] += 1000 - sum(shares)  # what rounding lost
        low = 0
        for (age, _, _), share in zip(AGES, shares, strict=True):
            rows.append(f"({str(male).lower()}, {low}, {low + share}, {age}, {10 if age == AGES[-1][0] else 5})")
            low += share
    values = f"(VALUES {', '.join(rows)}) t(male, low, high, first_age, width)"
    return [f"CREATE TABLE age AS SELECT male, unnest(range(low, high)) AS slot, first_age, width FROM {values}"]


def _prevalence() -> list[str]:
    """``prevalence``: for each sex and band of ages, the chance of each condition in 65,536ths."""
    rows = []
    for male in (False, True):
        for place, age in enumerate(BANDS):
            chances = (condition.percent[place] * (condition.men if male else condition.women) for condition in CONDITIONS)
            rows.append(f"({str(male).lower()}, {age}, {', '.join(str(round(chance * 655.36)) for chance in chances)})")
    names = ", ".join(f"chance_{place}" for place in range(len(CONDITIONS)))
    return [f"CREATE TABLE prevalence AS SELECT * FROM (VALUES {', '.join(rows)}) t(male, from_age, {names})"]


def _numbered(seed: int) -> str:
    """Each person and their NHS number: valid, distinct, of the block set aside for tests."""
    digits = " + ".join(f"{weight} * (eight // {10 ** (weight - 3)} % 10)" for weight in range(10, 2, -1))
    return f"""
        SELECT i, concat(eight, ninth, (11 - (total + 2 * ninth) % 11) % 11) AS number
        FROM (SELECT i, eight, total, place + (place >= (1 + 11 * 10 - total % 11) * 6 % 11)::BIGINT AS ninth
            FROM (SELECT i, eight, place, {digits} AS total
                FROM (SELECT i, 90000000 + spot // 9 AS eight, spot % 9 AS place
                    FROM (SELECT i, (i * {FACTOR} + {seed % NUMBERS}) % {NUMBERS} AS spot FROM range(first, past) r(i)))))"""


def _people() -> str:
    lean = "CASE WHEN lean >= 0 THEN (1 - lean) * u + lean * u * u ELSE (1 + lean) * u - lean * (1 - (1 - u) * (1 - u)) END"
    held = " + ".join(
        f"(part({'c' if place < 8 else 'd'}, {place % 8}) < chance_{place} * frailty)::INTEGER * {1 << place}"
        for place in range(len(CONDITIONS))
    )
    return f"""
        SELECT i, number, male, sex, years, born, practice, board, region, ethnicity, imd, registered_on, died_on, left_on,
            ends_on, {held} AS held, d
        FROM (SELECT *, least(ends, coalesce(died_on, ends), coalesce(left_on, ends)) AS ends_on
            FROM (SELECT *, {_band("years", BANDS)} AS from_age, (1.24 - 0.04 * decile) * (0.55 + 0.9 * share(d, 4)) AS frailty,
                    {TODAY} AS ends, CASE WHEN part(d, 6) < 900 THEN NULL ELSE decile END AS imd,
                    CASE WHEN dies THEN on_a_day(greatest(registered_on, {SINCE}), {TODAY}, share(b, 3)) END AS died_on,
                    CASE WHEN NOT dies AND part(b, 2) < 5500 THEN on_a_day(greatest(registered_on, {SINCE}), {TODAY}, share(b, 4))
                        END AS left_on
                FROM (SELECT *, 1 + floor(10 * {lean})::INTEGER AS decile, {_deaths()} AS dies,
                        greatest(born, {TODAY} - (wait(b, 1) * 4400)::INTEGER) AS registered_on
                    FROM ({_drawn()})))) JOIN prevalence USING (male, from_age)"""


def _drawn() -> str:
    """Sex, age, place and ethnic group, each from its own part of the bits."""
    practice = "opening + floor(practices * (share(a, 4) * share(a, 4) + share(a, 4)) / 2)::INTEGER"
    sex = "CASE WHEN part(a, 0) < 33350 THEN 'F' WHEN part(a, 0) < 65460 THEN 'M' WHEN part(a, 0) < 65480 THEN 'I' ELSE 'U' END"
    nth_of_band = "CASE WHEN first_age = 90 THEN least(share(a, 2), share(a, 3)) ELSE share(a, 3) END"
    known = "CASE WHEN e < asian THEN 'Asian' WHEN e < black THEN 'Black' WHEN e < mixed THEN 'Mixed' WHEN e < white THEN 'White'"
    return f"""
        SELECT *, share(b, 0) AS u, bits('c', i) AS c, bits('d', i) AS d,
            {TODAY} - (365.25 * years + share(a, 5) * 365)::INTEGER AS born,
            printf('%s%05d', substr('ABCDEFGHJKLMNPRWY', 1 + (nth // 365)::INTEGER, 1), 81000 + nth % 365) AS practice,
            CASE WHEN part(b, 5) < 2000 THEN NULL WHEN part(b, 5) < 5300 THEN 'Not stated' ELSE {known} ELSE 'Other' END END
                AS ethnicity
        FROM (SELECT *, {practice} AS nth, share(b, 6) * 100 AS e,
                first_age + floor(width * {nth_of_band})::INTEGER AS years
            FROM (SELECT *, {sex} AS sex
                FROM (SELECT i, number, bits('a', i) AS a, bits('b', i) AS b FROM numbered(first, past)))
            JOIN slot ON slot.slot = (part(a, 6)::BIGINT * 65536 + part(a, 7)) * slots() // 4294967296
            JOIN age ON age.male = (sex = 'M') AND age.slot = floor(share(a, 1) * 1000)::INTEGER)"""


def _band(column: str, bands: tuple[int, ...]) -> str:
    return "CASE " + " ".join(f"WHEN {column} >= {low} THEN {low}" for low in reversed(bands)) + " END"


def _deaths() -> str:
    chances = " ".join(f"WHEN years >= {age} THEN {mille}" for age, mille in reversed(DEATHS))
    return f"share(b, 7) * 1000 < CASE {chances} END"
