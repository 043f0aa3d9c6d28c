"""DuckDB: opens a snapshot's files read-only with the people who objected set apart, locks itself, and adds up.

Promises that after `Records` exists no setting can change, nothing outside the attached files can be read and nothing but
temporary space be written; that every number it gives is an integer sum; and that no message of DuckDB's leaves. Never sees a
text that `vault.compile` did not write.

Beyond `LARGEST_AT_ONCE` persons a question is answered in ranges of persons, one after the other, and the integers are added:
hash tables stay small, and the range is where a question can be ended. (60 million persons in ranges of one million took 1.6 to
2 times the plain statement, where one statement over all took 17 s to minutes and spilled.) A range is of less than 2^20
persons: then rows are added up by person in an array (``perfect_ht_threshold``), 104 ms of CPU over 5 million rows where a hash
table takes 192.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tre.plan import choice
from tre.plan.nodes import Plan
from tre.terms import Exclusion, Snapshot
from tre.vault.cells import EPOCH
from tre.vault.check import Counted, Seen
from tre.vault.compile import EVERYBODY, LEFT_OUT, Codes, Statement, compile, compile_choice, word
from tre.vault.engines import EngineFailed
from tre.vault.engines.dictionary import Dictionary
from tre.vault.engines.gather import Gathering
from tre.vault.exact import ExactContributions, ExactTable

LARGEST_AT_ONCE = 2_000_000  # persons
RANGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may use. ``range``: persons counted at a time where there are more than ``at_once``."""

    temporary: str
    threads: int
    memory_gb: int
    at_once: int = LARGEST_AT_ONCE
    range: int = RANGE


class Records:
    """One snapshot without the people of one exclusion file: one locked connection, kept open."""

    def __init__(self, snapshot: Snapshot, exclusion: Exclusion, manifest: Mapping[str, Any], limits: Limits) -> None:
        self.manifest, self._limits, self._tables = manifest, limits, manifest["tables"]
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
            self.counted = {name: self._set_apart(name) for name in self._tables}
            self._lock()
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None

    def _attach(self, file: Path) -> None:
        path = str(file).replace("'", "''")
        self._connection.execute(f"ATTACH '{path}' AS {_catalog(file.name)} (READ_ONLY)")

    def _set_apart(self, table: str) -> Counted:
        """Names the table, copies the rows of the people who objected (2 % of the records), and counts. They are numbered anew
        from 0, so that an array has a place for each of them and not for everybody.

        Different persons are counted by a bit a person: 5 ms per million, where ``count(DISTINCT …)`` takes 33.
        """
        source, everybody, left_out = self._place(table, table), word(EVERYBODY + table), word(LEFT_OUT + table)
        self._connection.execute(f"CREATE TEMP VIEW {everybody} AS SELECT * FROM {source}")
        self._connection.execute(
            f"CREATE TEMP TABLE {left_out} AS SELECT e.place AS person, t.* EXCLUDE (person) FROM {source} AS t"
            " JOIN temp.objecting AS e ON t.person = e.person"
        )
        most = "count(*) > 0" if self._tables[table]["one_row_per_person"] else "max(rank) + 1"
        persons = "coalesce(bit_count(bitstring_agg(person)), 0)"
        rows, different, last, deepest = self._rows(
            f"SELECT count(*), {persons}, max(person), CAST({most} AS BIGINT) FROM {source}"
        )[0]
        gone, gone_persons = self._rows(f"SELECT count(*), {persons} FROM temp.{left_out}")[0]
        ranges = self._ranges_of(table)
        return Counted(rows, different, gone, gone_persons, deepest or 0, -1 if last is None else last, ranges)

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
        if not all(table in self._tables for statement in whole for table in statement.tables):
            raise EngineFailed("engine")
        try:
            for persons in self._ranges(whole):
                for statement in whole if persons is None else compile(plan, persons):
                    gathering.add(statement, self._rows(statement.sql, [self._number(codes) for codes in statement.codes]))
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None
        return gathering.table(self._dictionaries), gathering.seen

    def contributions(self, plan: Plan) -> ExactContributions:
        """How many persons stand at each place on the grid of a plan whose bound is to be chosen."""
        whole, found = compile_choice(plan), [0] * (len(choice.bounds(plan)) + 1)
        if not all(table in self._tables for table in whole.tables):
            raise EngineFailed("engine")
        try:
            for persons in self._ranges((whole,)):
                statement = whole if persons is None else compile_choice(plan, persons)
                for place, number in self._rows(statement.sql, [self._number(codes) for codes in statement.codes]):
                    found[place] += number
        except duckdb.Error as error:
            raise EngineFailed(_code(error)) from None
        return ExactContributions(tuple(found))

    def _ranges(self, statements: Iterable[Statement]) -> Iterator[tuple[int, int] | None]:
        """The ranges of persons that are counted one after the other; None for everybody at once."""
        persons = 1 + max(self.counted[table].last for statement in statements for table in statement.tables)
        if persons <= self._limits.at_once:
            yield None
            return
        for first in range(0, persons, self._limits.range):
            yield first, min(persons, first + self._limits.range) - 1

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
