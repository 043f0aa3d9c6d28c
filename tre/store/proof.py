"""The facts of a snapshot, proved over its finished files, opened anew: what the guarantee rests on, and the vault reads again.

Shares no query with the load that is to make them so. Says which fact failed and of which table, never of which row.
"""

from __future__ import annotations

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
    """The facts of each table; `Unfit` at the first that does not hold."""
    with connected(None, spill) as connection:
        for name in {PERSONS, *map(file_of, policy.tables.values())}:
            connection.execute(f"ATTACH {text(folder / (name + '.duckdb'))} AS {name} (READ_ONLY)")
        persons = _prove_persons(connection, policy)
        return {name: _prove_table(connection, name, table, persons) for name, table in policy.tables.items()}


def _prove_persons(connection: Connection, policy: DatasetPolicy) -> int:
    """Numbered from 0 without a gap in the order of their pseudonyms, which are all different and whole."""
    persons, disorder, broken = one(
        connection,
        f"""SELECT count(*), count(*) FILTER (before IS NOT NULL AND before >= pseudonym),
                count(*) FILTER (person IS DISTINCT FROM place
                    OR octet_length(pseudonym) IS DISTINCT FROM {PSEUDONYM_BYTES})
            FROM (SELECT person, pseudonym, lag(pseudonym) OVER () AS before, row_number() OVER () - 1 AS place
                FROM {PERSONS}.persons)""",
    )
    _demand("persons", "persons numbered in the order of their pseudonyms", disorder == 0 and broken == 0)
    _demand("persons", "no more than max_persons", persons <= policy.max_persons)
    return persons


def _prove_table(connection: Connection, name: str, table: TablePolicy, persons: int) -> dict[str, bool]:
    relation = f"{file_of(table)}.{word(name)}"
    most = one(connection, f"SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {relation} GROUP BY person)")[0]
    _demand(name, CAP, most <= table.row_cap)
    _demand(name, ONE_ROW, most <= 1 or not table.one_row_per_person)
    _demand(name, CLUSTERED, _disorder(connection, relation, table) == 0)
    unknown = f"SELECT count(*) FROM {relation} WHERE person IS NULL OR person NOT BETWEEN 0 AND {persons - 1}"
    _demand(name, KNOWN, one(connection, unknown)[0] == 0)
    beyond = " OR ".join(_beyond(column, policy) for column, policy in table.columns.items())
    _demand(name, BOUNDS, one(connection, f"SELECT count(*) FROM {relation} WHERE {beyond}")[0] == 0)
    for column, policy in table.columns.items():
        if policy.type == "code":
            _demand(name, BOUNDS, _undefined(connection, name, column, table) == 0)
    return {fact: True for fact in (ONE_ROW, CAP, CLUSTERED, KNOWN, BOUNDS) if fact != ONE_ROW or table.one_row_per_person}


def _disorder(connection: Connection, relation: str, table: TablePolicy) -> int:
    """Rows that do not come after the one before them, by person and by rank; a rank that comes twice is such a row."""
    rank, before = ("0", "0") if table.one_row_per_person else ("rank", "lag(rank) OVER ()")
    kept = "true" if table.one_row_per_person else f"rank BETWEEN 0 AND {table.row_cap - 1}"
    return one(
        connection,
        f"""SELECT count(*) FILTER (NOT ({kept}) OR (before IS NOT NULL AND (before, before_rank) >= (person, {rank})))
            FROM (SELECT *, lag(person) OVER () AS before, {before} AS before_rank FROM {relation})""",
    )[0]


def _beyond(name: str, column: ColumnPolicy) -> str:
    """True for a value that the policy does not allow."""
    value = word(name)
    if column.type == "category":
        beyond = f"{value} NOT BETWEEN 0 AND {len(column.values) - 1}"
    elif column.type == "code":
        beyond = f"{value} < 0"
    elif column.type == "date":
        beyond = f"{value} NOT BETWEEN DATE '{column.min}' AND DATE '{column.max}'"
    else:
        beyond = "{} NOT BETWEEN {} AND {}".format(value, *steps(column))
    return f"coalesce({beyond}, false)" if column.nullable else f"coalesce({beyond}, true)"


def _undefined(connection: Connection, name: str, column: str, table: TablePolicy) -> int:
    """Codes without a dictionary entry, entries of no use, numbers and codes that come twice."""
    dictionary = f"{file_of(table)}.{word(f'codes_{name}_{column}')}"
    used = f"SELECT DISTINCT {word(column)} AS id FROM {file_of(table)}.{word(name)} WHERE {word(column)} IS NOT NULL"
    undefined = f"SELECT count(*) FROM ({used}) ANTI JOIN {dictionary} USING (id)"
    unused = f"SELECT count(*) FROM {dictionary} ANTI JOIN ({used}) USING (id)"
    twice = f"SELECT 2 * count(*) - count(DISTINCT id) - count(DISTINCT code) FROM {dictionary}"
    return sum(one(connection, query)[0] for query in (undefined, unused, twice))


def _demand(table: str, fact: str, holds: bool) -> None:
    if not holds:
        raise Unfit(f"the load was undone: {table}: {fact.replace('_', ' ')} could not be proved")
