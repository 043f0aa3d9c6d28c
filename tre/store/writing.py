"""Rows in the store's encoding → the files of a snapshot: persons in the order of their pseudonyms, rows clustered by person.

Which rows of a person are kept above the cap, and in which order, is decided by that person's rows alone under a secret that is
drawn at each load from the operating system's randomness: nobody's coming or going moves the rows of another.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from shutil import rmtree

from tre.errors import Unfit
from tre.persons import pseudonym_parameters, pseudonym_sql
from tre.policy import DatasetPolicy, TablePolicy
from tre.store.connection import Connection, fill_with_pseudonyms, one, text, word

PERSONS, EVENTS = "persons", "events"  # the two files, as attached
RANGE = 1_000_000  # persons whose rows are sorted at a time
Part = Callable[[float], None]


def file_of(table: TablePolicy) -> str:
    return PERSONS if table.one_row_per_person else EVENTS


def attach(connection: Connection, policy: DatasetPolicy, folder: Path) -> None:
    """New, empty files for the tables of the policy."""
    for name in {PERSONS, *map(file_of, policy.tables.values())}:
        connection.execute(f"ATTACH {text(folder / (name + '.duckdb'))} AS {name}")


def detach(connection: Connection, policy: DatasetPolicy) -> None:
    """Everything written down, no write-ahead log left."""
    for name in {PERSONS, *map(file_of, policy.tables.values())}:
        connection.execute(f"CHECKPOINT {name}")
        connection.execute(f"DETACH {name}")


def write_persons(connection: Connection, policy: DatasetPolicy, key: bytes, leave_out: Iterable[bytes], folder: Path) -> None:
    """The table ``persons`` of the snapshot, and ``known``: identifier → person, NULL for those left out.

    The persons of a dataset are those of its one-row tables, or of all tables where it has none.
    """
    single = [name for name, table in policy.tables.items() if table.one_row_per_person] or list(policy.tables)
    identifiers = " UNION ALL ".join(f"SELECT id FROM {word('staged_' + name)} WHERE reason = 0" for name in single)
    fill_with_pseudonyms(connection, "left_out", leave_out, folder)
    connection.execute(
        f"CREATE TABLE hashed AS SELECT id, {pseudonym_sql('CAST(id AS VARCHAR)')} AS pseudonym"
        f" FROM (SELECT DISTINCT id FROM ({identifiers}))",
        pseudonym_parameters(key),
    )
    connection.execute(
        "CREATE TABLE numbered AS SELECT (row_number() OVER ())::INTEGER - 1 AS person, id, pseudonym"
        " FROM (SELECT * FROM hashed ANTI JOIN left_out USING (pseudonym) ORDER BY pseudonym)"
    )
    if one(connection, "SELECT count(*) FROM numbered")[0] > policy.max_persons:
        raise Unfit(f"the source has more persons than the policy's max_persons ({policy.max_persons:,})")
    connection.execute(f"CREATE TABLE {PERSONS}.persons AS SELECT person, pseudonym FROM numbered ORDER BY person")
    connection.execute("CREATE TABLE known AS SELECT id, person FROM hashed LEFT JOIN numbered USING (id)")
    connection.execute("DROP TABLE hashed; DROP TABLE numbered; DROP TABLE left_out")


def write_table(
    connection: Connection, policy: DatasetPolicy, name: str, folder: Path, told: Part = lambda _: None
) -> tuple[int, Counter[str]]:
    """One table of the snapshot and the dictionaries of its codes; the rows it has, and what was left away by reason. ``folder``
    takes what is in between; ``told`` is told the fraction that is written."""
    table, staged, finished = policy.tables[name], word("staged_" + name), f"{file_of(policy.tables[name])}.{word(name)}"
    unknown, left_out, rows = one(
        connection,
        f"SELECT count(*) FILTER (k.id IS NULL), count(*) FILTER (k.id IS NOT NULL AND k.person IS NULL), count(k.person)"
        f" FROM {staged} s LEFT JOIN known k USING (id) WHERE reason = 0",
    )
    codes = [column for column, column_policy in table.columns.items() if column_policy.type == "code"]
    for column in codes:
        # The empty text, which is no code, is in front: a type has at least one value.
        values = f"SELECT '' UNION SELECT {word(column)} FROM {staged} WHERE reason = 0 AND {word(column)} IS NOT NULL ORDER BY 1"
        connection.execute(f"CREATE TYPE {_dictionary(name, column)} AS ENUM ({values})")
    _write_rows(connection, name, table, finished, folder / f"parts-{name}", told)
    for column in codes:
        _write_dictionary(connection, name, column, finished)
    connection.execute(f"DROP TABLE {staged}")
    kept = one(connection, f"SELECT count(*) FROM {finished}")[0]
    return kept, +Counter({"no row of the person": unknown, "person left out": left_out, "over the row cap": rows - kept})


def _write_rows(connection: Connection, name: str, table: TablePolicy, finished: str, parts: Path, told: Part) -> None:
    """A range of persons after the other, so that what is sorted fits in memory however many there are: the source, which is in
    no order, is dealt out to them once."""
    persons, shuffled = one(connection, f"SELECT count(*) FROM {PERSONS}.persons")[0], f"({_shuffled(name, table)})"
    if persons <= RANGE:
        connection.execute(f"CREATE TABLE {finished} AS {_ranked(table, shuffled)}")
        return
    dealt = f"SELECT *, person // {RANGE} AS part FROM {shuffled}"
    connection.execute(f"COPY ({dealt}) TO {text(parts)} (FORMAT parquet, PARTITION_BY (part), COMPRESSION snappy)")
    connection.execute(f"CREATE TABLE {finished} AS {_ranked(table, shuffled)} WITH NO DATA")
    for number, first in enumerate(range(0, persons, RANGE)):
        told(first / persons)
        part = parts / f"part={number}"
        if part.exists():
            files = f"read_parquet({text(part)} || '/*.parquet', hive_partitioning = false)"
            connection.execute(f"INSERT INTO {finished} {_ranked(table, files)}")
            rmtree(part)


def _shuffled(name: str, table: TablePolicy) -> str:
    """The rows that can be kept, in the store's encoding, each with its place in a random order of its person's rows.

    The order is that of a keyed hash of the person and the row's values: a row's place in the source would hang on who stands
    before it. Rows that are alike in everything are in any order, which nobody can tell.
    """
    columns = ", ".join(_stored(name, column, policy.type) for column, policy in table.columns.items())
    values = ", ".join(["id", *map(word, table.columns)])
    secret = secrets.randbits(64)
    return f"""
        SELECT k.person, {columns}, hash(xor(hash({values}), {secret}::UBIGINT)) AS shuffled
        FROM {word("staged_" + name)} s JOIN known k USING (id) WHERE reason = 0 AND k.person IS NOT NULL"""


def _ranked(table: TablePolicy, shuffled: str) -> str:
    """The first rows of each person, clustered by person."""
    columns = ", ".join(map(word, table.columns))
    rank = f", rank::{'SMALLINT' if table.row_cap <= 2**15 else 'INTEGER'} AS rank"
    return f"""
        SELECT person, {columns}{"" if table.one_row_per_person else rank}
        FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY shuffled) - 1 AS rank FROM {shuffled})
        WHERE rank < {table.row_cap} ORDER BY person{"" if table.one_row_per_person else ", rank"}"""


def _stored(name: str, column: str, kind: str) -> str:
    if kind != "code":
        return word(column)
    return f"enum_code({word(column)}::{_dictionary(name, column)})::INTEGER AS {word(column)}"


def _dictionary(name: str, column: str) -> str:
    return word(f"dictionary_{name}_{column}")


def _write_dictionary(connection: Connection, name: str, column: str, finished: str) -> None:
    """Only codes that a kept row has: a code that was in nobody's kept row stays nowhere."""
    place, _, _ = finished.partition(".")
    every = f"SELECT unnest(enum_range(NULL::{_dictionary(name, column)}))::VARCHAR AS code"
    connection.execute(
        f"CREATE TABLE {place}.{word(f'codes_{name}_{column}')} AS SELECT id, code"
        f" FROM (SELECT (row_number() OVER ())::INTEGER - 1 AS id, code FROM ({every}))"
        f" WHERE id IN (SELECT {word(column)} FROM {finished}) ORDER BY id"
    )
