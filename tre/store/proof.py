"""The facts of a snapshot, proved over its finished files, opened anew: what the guarantee rests on, and the vault reads again.

Shares no query with the load that is to make them so. Says which fact failed and of which table, never of which row.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tre.errors import Unfit
from tre.persons import PSEUDONYM_BYTES
from tre.policy import ColumnPolicy, DatasetPolicy, TablePolicy
from tre.store.connection import Connection, connected, one, text, word
from tre.store.encode import steps
from tre.store.writing import PERSONS, file_of

ONE_ROW, CAP, CLUSTERED, KNOWN, BOUNDS = (
    "one_row_per_person",
    "rows_within_cap",
    "clustered_by_person",
    "persons_known",
    "values_in_bounds",
)


def prove(policy: DatasetPolicy, folder: Path, spill: Path) -> dict[str, dict[str, bool]]:
    """The facts of each table; `Unfit` at the first that does not hold. The tables are read beside one another."""
    with connected(None, spill) as connection, ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for name in {PERSONS, *map(file_of, policy.tables.values())}:
            connection.execute(f"ATTACH {text(folder / (name + '.duckdb'))} AS {name} (READ_ONLY)")
        _look_at_rows(connection)
        persons = one(connection, f"SELECT count(*) FROM {PERSONS}.persons")[0]
        everybody = threads.submit(_prove_persons, connection.cursor(), policy, persons)
        tables = {
            name: threads.submit(_prove_table, connection.cursor(), name, table, persons) for name, table in policy.tables.items()
        }
        everybody.result()
        return {name: proof.result() for name, proof in tables.items()}


def _look_at_rows(connection: Connection) -> None:
    """Every value is read. What the engine noted of a file when it wrote it would answer a comparison by itself, and nothing
    would tell that a page of it cannot be read."""
    off = connection.execute("SELECT current_setting('disabled_optimizers')").fetchall()[0][0]
    connection.execute(f"SET disabled_optimizers = '{off},statistics_propagation,filter_pushdown'")


def _prove_persons(connection: Connection, policy: DatasetPolicy, persons: int) -> None:
    """Numbered from 0 without a gap in the order of their pseudonyms, which are all different and whole."""
    disorder, broken = one(
        connection,
        f"""SELECT count(*) FILTER (before IS NOT NULL AND before >= pseudonym),
                count(*) FILTER (person IS DISTINCT FROM place
                    OR octet_length(pseudonym) IS DISTINCT FROM {PSEUDONYM_BYTES})
            FROM (SELECT person, pseudonym, lag(pseudonym) OVER () AS before, row_number() OVER () - 1 AS place
                FROM {PERSONS}.persons)""",
    )
    _demand("persons", "persons numbered in the order of their pseudonyms", disorder == 0 and broken == 0)
    _demand("persons", "no more than max_persons", persons <= policy.max_persons)


def _prove_table(connection: Connection, name: str, table: TablePolicy, persons: int) -> dict[str, bool]:
    """In order, no person has more rows than the cap: they are numbered below it, each number once."""
    relation = f"{file_of(table)}.{word(name)}"
    if disorder := one(connection, _disorder(relation, table))[0]:
        _demand_cap(connection, name, relation, table)
    _demand(name, CLUSTERED, disorder == 0)
    known = f"count(person) = count(*) AND coalesce(min(person) >= 0 AND max(person) < {persons}, true)"
    within = " AND ".join(_within(column, policy) for column, policy in table.columns.items())
    holds = one(connection, f"SELECT {known}, {within} FROM {relation}")
    _demand(name, KNOWN, bool(holds[0]))
    _demand(name, BOUNDS, bool(holds[1]))
    for column, policy in table.columns.items():
        if policy.type == "code":
            _demand(name, BOUNDS, _undefined(connection, name, column, table) == 0)
    return {fact: True for fact in (ONE_ROW, CAP, CLUSTERED, KNOWN, BOUNDS) if fact != ONE_ROW or table.one_row_per_person}


def _demand_cap(connection: Connection, name: str, relation: str, table: TablePolicy) -> None:
    """Whether rows out of order are too many of a person as well, which says more."""
    most = one(connection, f"SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {relation} GROUP BY person)")[0]
    _demand(name, CAP, most <= table.row_cap)
    _demand(name, ONE_ROW, most <= 1 or not table.one_row_per_person)


def _disorder(relation: str, table: TablePolicy) -> str:
    """How many rows do not come after the one before them, by person and by rank: a rank that comes twice is such a row, and one
    that is not below the cap. Below it, one number orders rows by both."""
    rank = "0" if table.one_row_per_person else "rank"
    place, last = f"person::BIGINT * {table.row_cap} + {rank}", table.row_cap - 1
    return f"""
        SELECT count(*) FILTER (coalesce(rank NOT BETWEEN 0 AND {last}, true) OR before >= place)
        FROM (SELECT place, rank, lag(place) OVER () AS before FROM (SELECT {place} AS place, {rank} AS rank FROM {relation}))"""


def _within(name: str, column: ColumnPolicy) -> str:
    """True where the policy allows the least and the largest value, and NULL if there is one: an aggregate reads every value, and
    takes a third of the time that comparing each takes."""
    value = word(name)
    if column.type == "category":
        low, high = "0", str(len(column.values) - 1)
    elif column.type == "code":  # those of the dictionary, which is looked at by itself
        low, high = "0", str(2**31 - 1)
    elif column.type == "date":
        low, high = f"DATE '{column.min}'", f"DATE '{column.max}'"
    else:
        low, high = map(str, steps(column))
    within = f"coalesce(min({value}) >= {low} AND max({value}) <= {high}, true)"
    return within if column.nullable else f"count({value}) = count(*) AND {within}"


def _undefined(connection: Connection, name: str, column: str, table: TablePolicy) -> int:
    """Codes without a dictionary entry, entries of no use, numbers and codes that come twice."""
    dictionary = f"{file_of(table)}.{word(f'codes_{name}_{column}')}"
    used = f"SELECT DISTINCT {word(column)} AS id FROM {file_of(table)}.{word(name)} WHERE {word(column)} IS NOT NULL"
    either = f"SELECT count(*) - count(u.id) + count(*) - count(d.id) FROM ({used}) u FULL JOIN {dictionary} d ON u.id = d.id"
    twice = f"SELECT 2 * count(*) - count(DISTINCT id) - count(DISTINCT code) FROM {dictionary}"
    return sum(one(connection, query)[0] for query in (either, twice))


def _demand(table: str, fact: str, holds: bool) -> None:
    if not holds:
        raise Unfit(f"the load was undone: {table}: {fact.replace('_', ' ')} could not be proved")
