"""DuckDB: opens a snapshot's files read-only with the people who objected set apart, locks itself, and adds up.

Promises that after `Records` exists no setting can change, nothing outside the attached files can be read and nothing but
temporary space be written; that every number it gives is an integer sum; and that no message of DuckDB's leaves. Never sees a
text that `vault.compile` did not write.

Beyond `LARGEST_AT_ONCE` persons a question is answered in ranges of persons, one after the other, and the integers are added:
hash tables stay small, and the range is where a question can be ended. (60 million persons in ranges of one million took 1.6 to
2 times the plain statement, where one statement over all took 17 s to minutes and spilled.) A range is of less than 2^20
persons: then rows are added up by person in an array (``perfect_ht_threshold``), 104 ms of CPU over 5 million rows where a hash
table takes 192; a bounded mean of 2 million persons takes 276 ms in ranges and 613 at once. What is counted row by row, of one
table with one row a person, needs no range and is always asked at once: a range costs two to seven ms by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tre.plan import choice
from tre.plan.nodes import Filter, Plan, Relation, Scan
from tre.terms import Exclusion, Snapshot
from tre.vault.cells import EPOCH
from tre.vault.check import Counted, Seen
from tre.vault.compile import EVERYBODY, LEFT_OUT, Codes, Statement, compile, compile_choice, word
from tre.vault.engines import EngineFailed
from tre.vault.engines.dictionary import Dictionary
from tre.vault.engines.gather import Gathering
from tre.vault.exact import ExactContributions, ExactTable

LARGEST_AT_ONCE = 2**20  # persons
RANGE = 1_000_000
# Different persons are counted by a bit a person: 5 ms per million, where ``count(DISTINCT …)`` takes 33.
_PERSONS = "coalesce(bit_count(bitstring_agg(person)), 0)"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may use. ``range``: persons counted at a time where there are more than ``at_once``."""

    temporary: str
    threads: int
    memory_gb: int
    at_once: int = LARGEST_AT_ONCE
    range: int = RANGE


Facts = dict[str, Counted]  # of each table that was looked at, with nobody left out: the same for every exclusion


class Records:
    """One snapshot without the people of one exclusion file: one locked connection, kept open.

    A table is made ready when it is first wanted: a question of patients waits for no events. ``facts`` holds what was counted of
    the whole snapshot and is filled here, so that the next version of the registers does not wait for that again.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        exclusion: Exclusion,
        manifest: Mapping[str, Any],
        limits: Limits,
        facts: Facts | None = None,
    ) -> None:
        self.manifest, self._limits, self._tables = manifest, limits, manifest["tables"]
        self.counted: dict[str, Counted] = {}
        self._facts: Facts = {} if facts is None else facts
        try:
            self._connection = _connect(exclusion.file, limits)
            for file in manifest["files"]:
                self._attach(Path(snapshot.folder) / file["name"])
            self._connection.execute(
                "SET preserve_insertion_order=false; SET disabled_optimizers='partitioned_execution'; SET perfect_ht_threshold=20"
            )
            self._dictionaries = {place: Dictionary(self._rows(f"SELECT id, code FROM {at}")) for place, at in self._coded()}
            self._connection.execute(
                "CREATE TEMP TABLE objecting AS SELECT person, (row_number() OVER (ORDER BY person) - 1)::INTEGER AS place"
                " FROM (SELECT DISTINCT person FROM excluded WHERE person IS NOT NULL)"
            )
            self._lock()
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None

    def _attach(self, file: Path) -> None:
        path = str(file).replace("'", "''")
        self._connection.execute(f"ATTACH '{path}' AS {_catalog(file.name)} (READ_ONLY)")

    def ready(self, tables: Iterable[str]) -> Mapping[str, Counted]:
        """Makes tables ready that are not yet; what was counted of those."""
        wanted = [table for table in dict.fromkeys(tables) if table not in self.counted]
        if not all(table in self._tables for table in wanted):
            raise EngineFailed("engine")
        try:
            found = {table: self._set_apart(table) for table in wanted}
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None
        self.counted |= found
        return found

    def _set_apart(self, table: str) -> Counted:
        """Names the table, copies the rows of the people who objected, and counts them. They are numbered anew from 0, so that an
        array has a place for each of them and not for everybody. A range at a time, since who objects is then looked up in an
        array too: 8 ms of CPU per million rows that are read."""
        source, everybody, left_out = self._place(table, table), word(EVERYBODY + table), word(LEFT_OUT + table)
        if table not in self._facts:
            self._facts[table] = self._whole(table)
        whole = self._facts[table]
        copied = (
            f"SELECT e.place AS person, t.* EXCLUDE (person) FROM {source} AS t JOIN temp.objecting AS e ON t.person = e.person"
        )
        self._connection.execute(f"CREATE TEMP VIEW {everybody} AS SELECT * FROM {source}")
        self._connection.execute(f"CREATE TEMP TABLE {left_out} AS {copied} WITH NO DATA")
        for persons in self._ranges(whole.last):
            within = " WHERE t.person BETWEEN {0} AND {1} AND e.person BETWEEN {0} AND {1}".format(*persons) if persons else ""
            self._connection.execute(f"INSERT INTO temp.{left_out} {copied}{within}")
        gone, persons_gone = self._rows(f"SELECT count(*), {_PERSONS} FROM temp.{left_out}")[0]
        return Counted(whole.rows, whole.persons, gone, persons_gone, whole.deepest, whole.last, whole.columns)

    def _whole(self, table: str) -> Counted:
        """What is counted of a table with nobody left out."""
        source = self._place(table, table)
        most = "count(*) > 0" if self._tables[table]["one_row_per_person"] else "max(rank) + 1"
        rows, different, last, deepest = self._rows(
            f"SELECT count(*), {_PERSONS}, max(person), CAST({most} AS BIGINT) FROM {source}"
        )[0]
        return Counted(rows, different, 0, 0, deepest or 0, -1 if last is None else last, self._ranges_of(table))

    def _ranges_of(self, table: str) -> dict[str, tuple[int | None, int | None, int]]:
        """Of each column the least and greatest value, dates as days, and how many are NULL."""
        names = [name for name in self._columns(table) if name not in ("person", "rank")]
        asked = ", ".join(f"min({word(name)}), max({word(name)}), count(*) - count({word(name)})" for name in names)
        (found,) = self._rows(f"SELECT {asked} FROM {self._place(table, table)}") if names else [()]
        days = [(one - EPOCH).days if isinstance(one, date) else one for one in found]
        return {name: (days[3 * place], days[3 * place + 1], days[3 * place + 2]) for place, name in enumerate(names)}

    def _columns(self, table: str) -> list[str]:
        catalog = _catalog(self._tables[table]["file"]).strip('"')
        listed = "SELECT column_name FROM duckdb_columns() WHERE database_name = $1 AND table_name = $2"
        return [name for (name,) in self._rows(listed, [catalog, table])]

    def _place(self, table: str, name: str) -> str:
        """A table, or a dictionary of one of its columns, in the file of the table."""
        return f"{_catalog(self._tables[table]['file'])}.{word(name)}"

    def _lock(self) -> None:
        self._connection.execute("SET enable_external_access=false")
        self._connection.execute("SET lock_configuration=true")

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._connection.execute(sql, list(parameters)).fetchall()

    def count(self, plan: Plan) -> tuple[ExactTable, Seen]:
        """The exact sums of every group, and what was seen of single persons while adding; `Alarm` when a group comes twice or
        is not in the plan's domains."""
        whole, gathering = compile(plan), Gathering(plan)
        if not all(table in self.counted for statement in whole for table in statement.tables):
            raise EngineFailed("engine")
        try:
            for persons in (None,) if self._row_by_row(plan.relation) else self._ranges(self._last(whole)):
                for statement in whole if persons is None else compile(plan, persons):
                    gathering.add(statement, self._rows(statement.sql, [self._number(codes) for codes in statement.codes]))
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None
        return gathering.table(self._dictionaries), gathering.seen

    def contributions(self, plan: Plan) -> ExactContributions:
        """How many persons stand at each place on the grid of a plan whose bound is to be chosen."""
        whole, found = compile_choice(plan), [0] * (len(choice.bounds(plan)) + 1)
        if not all(table in self.counted for table in whole.tables):
            raise EngineFailed("engine")
        try:
            for persons in self._ranges(self._last((whole,))):
                statement = whole if persons is None else compile_choice(plan, persons)
                for place, number in self._rows(statement.sql, [self._number(codes) for codes in statement.codes]):
                    found[place] += number
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None
        return ExactContributions(tuple(found))

    def _row_by_row(self, relation: Relation) -> bool:
        """Whether no row is put together with another of its person: then there is nothing that grows with the persons."""
        match relation:
            case Scan(table=table):
                return bool(self._tables[table]["one_row_per_person"])
            case Filter(relation=below):
                return self._row_by_row(below)
        return False

    def _last(self, statements: Iterable[Statement]) -> int:
        """The last person of whom a statement reads a row."""
        return max(self.counted[table].last for statement in statements for table in statement.tables)

    def _ranges(self, last: int) -> Iterator[tuple[int, int] | None]:
        """The ranges of persons that are counted one after the other; None for everybody at once."""
        if last < self._limits.at_once:
            yield None
            return
        for first in range(0, last + 1, self._limits.range):
            yield first, min(last, first + self._limits.range - 1)

    def _number(self, codes: Codes) -> int | list[int]:
        return self._dictionaries[codes.table, codes.column].number(codes)

    def _coded(self) -> Iterator[tuple[tuple[str, str], str]]:
        """The columns whose codes are in a dictionary, and where that is."""
        dictionaries = {name for (name,) in self._rows("SELECT table_name FROM duckdb_tables()")}
        for table in self._tables:
            for column in self._columns(table):
                if (name := f"codes_{table}_{column}") in dictionaries:
                    yield (table, column), self._place(table, name)

    def close(self) -> None:
        self._connection.close()


def _catalog(file: str) -> str:
    """The name under which a file is attached."""
    return "records" if file == "persons.duckdb" else word(file.removesuffix(".duckdb"))


def _connect(file: str, limits: Limits) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        file,
        config={
            "access_mode": "read_only",
            "threads": str(limits.threads),
            "memory_limit": f"{limits.memory_gb}GB",
            "temp_directory": limits.temporary,
            "max_temp_directory_size": "20GB",
            "max_expression_depth": "250",
            "python_enable_replacements": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "max_execution_time": "120000",  # behind the parent's kill
            "pivot_limit": "1000",
        },
    )


def _code(error: duckdb.Error) -> str:
    return "memory" if isinstance(error, duckdb.OutOfMemoryException) else "engine"
