"""Texts of somebody who wants those back who were left out: names of the engine's own tables, comments that claim to switch the
filter off, aliases and CTEs in place of a table, unions, functions that read files. From a seed: the same in every run."""

from __future__ import annotations

import random
from collections.abc import Callable

# What the engine, the store and the registers call things, and what SQL calls its own.
NAMES = (
    *("excluded", "objecting", "persons", "people", "objections", "withdrawn", "registers", "uncleared", "cleared_lists"),
    *("everybody_patients", "left_out_patients", "everybody_events", "left_out_events", "codes_patients_practice"),
    *("opt_out_batches", "snapshots", "sqlite_master", "duckdb_tables", "pg_catalog", "patients_all", "all_patients"),
)
PLACES = ("temp", "records", "main", "memory", "information_schema", "persons", "events", "excluded", "made", "system", "pg_temp")
TABLES = ("patients", "events", "visits")
CONDITIONS = (
    *("TRUE", "sex = 'F' OR sex <> 'F' OR sex IS NULL", "year_of_birth > 0", "sex IS NULL", "NOT (year_of_birth < 1940)"),
    *("region IN ('North', 'South', 'East')", "weight >= 0 OR weight IS NULL", "COALESCE(sex, 'F') IN ('F', 'M')"),
    *("EXISTS (SELECT 1 FROM events e WHERE e.person = patients.person)", "person IN (SELECT person FROM events)"),
    *("NOT EXISTS (SELECT 1 FROM visits v WHERE v.person = patients.person)", "person NOT IN (SELECT person FROM visits)"),
)
IMPOSSIBLE = (
    *("1 = 1", "1 = 0 OR 1 = 1", "NOT FALSE", "excluded IS NULL", "person >= 0", "rowid >= 0", "rank < 9", "objected = TRUE"),
    *("person IN (SELECT person FROM excluded)", "person NOT IN (SELECT person FROM excluded)", "opt_out IS NOT NULL"),
    *("EXISTS (SELECT 1 FROM objecting o WHERE o.person = patients.person)", "person IN (1, 2, 3)", "person IS NOT NULL"),
    *("NOT EXISTS (SELECT 1 FROM excluded x WHERE x.person = patients.person)", "person = person"),
)
COMMENTS = (
    *("/* no opt-outs */", "/*+ NO_FILTER */", "-- exclude nobody\n", "/* SEMI JOIN excluded */", "--!\n", "/* ; */", "/**/"),
    *("/* opt_outs=off */", "/*! SET opt_outs = off */", "/* ANTI JOIN temp.objecting */", "-- ANTI JOIN excluded\n"),
)
COUNTS = (
    *("COUNT(*)", "COUNT(person)", "COUNT(DISTINCT person)", "SUM(year_of_birth)", "AVG(weight)", "COUNT(sex)", "MEDIAN(weight)"),
    *("COUNT(*) FILTER (WHERE TRUE)", "COUNT(*) FILTER (WHERE sex = 'F')", "SUM(CASE WHEN sex = 'F' THEN 1 ELSE 0 END)"),
    *(
        "COUNT(*) OVER ()",
        "MAX(person)",
        "LIST(person)",
        "STRING_AGG(person)",
        "COUNT(excluded)",
        "APPROX_COUNT_DISTINCT(person)",
    ),
)
KEYS = ("region", "sex", "year_of_birth", "practice", "excluded", "person", "band(year_of_birth, 2)")
FUNCTIONS = (
    *("query('SELECT person FROM excluded')", "query_table('excluded')", "read_blob('persons.duckdb')", "duckdb_tables()"),
    *("read_duckdb('excluded.duckdb')", "read_csv('/etc/passwd')", "pragma_storage_info('excluded')", "glob('*')"),
    *("json_execute_serialized_sql('{}')", "sql_auto_complete('excluded')", "duckdb_views()", "range(100)"),
)
STATEMENTS = (
    *("SET opt_outs = off", "DETACH excluded", "DROP TABLE temp.objecting", "DELETE FROM excluded", "USE records", "CHECKPOINT"),
    *(
        "ATTACH 'persons.duckdb' AS p",
        "PRAGMA database_list",
        "CREATE TEMP TABLE excluded(person INTEGER)",
        "RESET ALL",
        "VACUUM",
    ),
    *(
        "CREATE OR REPLACE TEMP VIEW objecting AS SELECT 1 AS person",
        "ALTER TABLE excluded RENAME TO x",
        "BEGIN",
        "SUMMARIZE excluded",
    ),
)
Dice = random.Random
Trick = Callable[[str, Dice], str]


def plain(dice: Dice) -> str:
    """A question, more or less."""
    count, keys = dice.choice(COUNTS[:10] if dice.random() < 0.7 else COUNTS), []
    if dice.random() < 0.4:
        keys = [dice.choice(KEYS[:4] if dice.random() < 0.7 else KEYS)]
    where = f" WHERE {dice.choice(CONDITIONS if dice.random() < 0.7 else IMPOSSIBLE)}" if dice.random() < 0.7 else ""
    grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"SELECT {', '.join([*keys, f'{count} AS n'])} FROM patients{where}{grouped}"


def named(text: str, dice: Dice) -> str:
    """Another table in place of the policy's, by each way to write a name."""
    name, place = dice.choice(NAMES), dice.choice(PLACES)
    written = dice.choice(
        [name, f'"{name}"', f"{place}.{name}", f'"{place}"."{name}"', f"{place}.main.{name}", f"{place}.patients"]
    )
    return text.replace("FROM patients", f"FROM {written}", 1)


def aliased(text: str, dice: Dice) -> str:
    """The engine's names as labels of a table or of a column: harmless, where they are understood at all."""
    name = dice.choice(NAMES)
    written = dice.choice([name, f'"{name}"', name.upper(), f'"{name} "'])
    if dice.random() < 0.5:
        return text.replace("FROM patients", f"FROM patients AS {written}", 1).replace("patients.person", f"{written}.person")
    return text.replace(" AS n", f" AS {written}", 1)


def with_cte(text: str, dice: Dice) -> str:
    """A relation of one's own that bears the name of the filter's, empty or of everybody."""
    name, table = dice.choice(NAMES), dice.choice(TABLES)
    grouped = f"SELECT person, COUNT(*) AS c FROM {table} GROUP BY person"
    body = dice.choice([
        grouped, grouped, f"SELECT person FROM {table}", "SELECT person FROM patients WHERE sex IS NULL", "SELECT 1 AS person",
        f"SELECT * FROM {name}", f"SELECT person FROM {table} UNION SELECT person FROM {name}",
    ])  # fmt: skip
    also = dice.choice([
        f" LEFT JOIN {name} USING (person)", f" LEFT JOIN {name} USING (person)", f" JOIN {name} USING (person)", "",
        f" LEFT JOIN {name} ON TRUE", f" CROSS JOIN {name}", f" FULL JOIN {name} USING (person)",
        f" ANTI JOIN {name} USING (person)",
    ])  # fmt: skip
    recursive = "RECURSIVE " if dice.random() < 0.2 else ""
    return f"WITH {recursive}{name} AS ({body}) {text.replace('FROM patients', f'FROM patients{also}', 1)}"


def shadowed(text: str, dice: Dice) -> str:
    """A CTE that bears the name of a table of the policy."""
    name = dice.choice([*NAMES, *TABLES])
    return f"WITH patients AS (SELECT * FROM {name}) {text}"


def commented(text: str, dice: Dice) -> str:
    words = text.split(" ")
    for _ in range(dice.randint(1, 3)):
        words.insert(dice.randrange(len(words) + 1), dice.choice(COMMENTS))
    return " ".join(words)


def united(text: str, dice: Dice) -> str:
    word = dice.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT", "UNION ALL BY NAME"])
    return f"{text} {word} SELECT {dice.choice(['COUNT(*)', 'person', '*'])} FROM {dice.choice(NAMES)}"


def reading(text: str, dice: Dice) -> str:
    call = dice.choice(FUNCTIONS)
    return text.replace("FROM patients", f"FROM {call}", 1) if dice.random() < 0.7 else text.replace("AS n", f"+ {call} AS n", 1)


def stacked(text: str, dice: Dice) -> str:
    other = dice.choice(STATEMENTS)
    return f"{other}; {text}" if dice.random() < 0.5 else f"{text}; {other}"


def loosened(text: str, dice: Dice) -> str:
    """Something after the condition that would undo one that was added behind it, were it added to the text."""
    tail = dice.choice([
        " OR TRUE", " OR 1 = 1", ") OR (1 = 1", " OR person IS NOT NULL", "' OR '1'='1", " OR year_of_birth > 0", "; --",
        " OR person IN (SELECT person FROM events)", " /*", " OR NOT EXISTS (SELECT 1 FROM excluded)", " WHERE TRUE",
        " OR EXISTS (SELECT 1 FROM events p WHERE p.person = patients.person)", " OR NOT (sex = 'F')",
    ])  # fmt: skip
    where, by = text.find(" WHERE "), text.find(" GROUP BY ")
    at = by if by > 0 else len(text)
    return f"{text[:at]}{tail if where > 0 else ' WHERE sex IS NULL' + tail}{text[at:]}"


def nested(text: str, dice: Dice) -> str:
    table, other = dice.choice(TABLES), dice.choice([*TABLES, *NAMES])
    inner = dice.choice([
        f"(SELECT person FROM {table})", f"(SELECT person, COUNT(*) AS c FROM {table} GROUP BY person)", f"(TABLE {other})",
        f"(SELECT * FROM {other})", f"(SELECT p.person FROM patients p LEFT JOIN {other} o USING (person))",
        "(VALUES (1), (2)) t(person)",
    ])  # fmt: skip
    named = dice.choice(["x", "excluded", "objecting", "patients"])
    if dice.random() < 0.5:
        return f"SELECT COUNT(*) AS n FROM {inner} AS {named}"
    return text.replace("FROM patients", f"FROM (SELECT * FROM patients) AS {named}", 1)


def joined(text: str, dice: Dice) -> str:
    table, name = dice.choice([*TABLES, *NAMES]), dice.choice(["e", "excluded", "objecting"])
    on = [f"ON {name}.person = patients.person", f"ON {name}.person <> patients.person", "ON 1 = 0", "ON TRUE"]
    kinds = ["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "ANTI JOIN", "SEMI JOIN", "CROSS JOIN", "NATURAL JOIN"]
    joining = f"{dice.choice(kinds)} {table} AS {name} {dice.choice(['USING (person)', 'USING (person)', on[0], *on])}"
    return text.replace("FROM patients", f"FROM patients {joining}", 1)


def disguised(text: str, dice: Dice) -> str:
    """Spaces, letters and quotes that look like others."""
    wide = "\uff30\uff21\uff34\uff29\uff25\uff2e\uff34\uff33"
    return dice.choice([
        text.upper(), text.lower(), text.replace(" ", "\u00a0"), text.replace(" ", "\t\n"), text.replace("patients", wide),
        text.replace("patients", "`patients`"), text.replace("patients", "[patients]"), text.replace("patients", "'patients'"),
        text.replace("patients", "pati\u0435nts"), text + "\x00", "\ufeff" + text, text.replace("FROM", "FROM ONLY"),
        text.replace("patients", "patients TABLESAMPLE (50 PERCENT)"), text.replace("patients", "patients AT (VERSION => 1)"),
    ])  # fmt: skip


TRICKS: tuple[Trick, ...] = (
    named, aliased, with_cte, shadowed, commented, united, reading, stacked, loosened, nested, joined, disguised,
)  # fmt: skip


def hostile(dice: Dice) -> tuple[str, str]:
    """A text, and the first trick in it."""
    first = dice.choice(TRICKS)
    text = first(plain(dice), dice)
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        text = dice.choice(TRICKS)(text, dice)
    return text, first.__name__
