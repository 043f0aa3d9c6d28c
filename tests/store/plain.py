"""A second opinion on a load: the same rules in slow, plain Python, and the stored files read back in words."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from tre.persons import pseudonym, valid_nhs_number
from tre.policy import ColumnPolicy, DatasetPolicy
from tre.terms import Snapshot

Row = tuple[Any, ...]
People = dict[bytes, Counter[Row]]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?", re.ASCII)
CODE = re.compile(r"[!-~]([ -~]*[!-~])?")


class Wrong(Exception):
    """Why a value cannot be kept."""


def keep(column: ColumnPolicy, given: str) -> Any:
    """A value in words: text, whole number, day, grid steps."""
    text = given.strip(" ")
    if not text:
        raise Wrong("missing")
    if column.type == "category":
        if text not in column.values:
            raise Wrong("unlisted")
        return text
    if column.type == "code":
        if len(text) > 40 or not CODE.fullmatch(text):
            raise Wrong("unparsable")
        return text
    value = parsed(column, text)
    if not column.min <= value <= column.max:  # type: ignore[operator]
        raise Wrong("out of range")
    return value if column.grid is None else int(value / column.grid)


def parsed(column: ColumnPolicy, text: str) -> Any:
    try:
        if column.type == "date" and DAY.fullmatch(text):
            return date.fromisoformat(text)
        if column.type == "integer" and re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        if column.grid is not None and NUMBER.fullmatch(text) and abs(Decimal(text)) < 10**12:
            millionths = Decimal(text).quantize(Decimal("1e-6"), ROUND_HALF_UP)
            return (millionths / column.grid).quantize(Decimal(1), ROUND_HALF_UP) * column.grid
    except (ValueError, InvalidOperation):
        pass
    raise Wrong("unparsable")


class Plain:
    """What a load of CSV files must come to."""

    def __init__(self, policy: DatasetPolicy, folder: Path, key: bytes, leave_out: Sequence[bytes] = ()) -> None:
        self.policy, self.key, self.leave_out = policy, key, set(leave_out)
        self.rejected: dict[str, Counter[str]] = defaultdict(Counter)
        self.nulled: dict[str, Counter[str]] = defaultdict(Counter)
        self.rows: dict[str, int] = {}
        self.people: dict[str, People] = {}
        self.known: set[bytes] = set()  # who has a row in a one-row table, left out or not
        for name, _ in sorted(policy.tables.items(), key=lambda named: not named[1].one_row_per_person):
            self.people[name] = self._table(name, folder)

    def _table(self, name: str, folder: Path) -> People:
        people: People = defaultdict(Counter)
        self.rows[name] = 0
        with (folder / f"{name}.csv").open(newline="") as lines:
            for given in csv.DictReader(lines):
                self.rows[name] += 1
                try:
                    person, row = self._row(name, given)
                    self._belongs(person, self.policy.tables[name].one_row_per_person)
                except Wrong as wrong:
                    self.rejected[name][str(wrong)] += 1
                    continue
                people[person][row] += 1
        return people

    def _row(self, name: str, given: Mapping[str, str]) -> tuple[bytes, Row]:
        table, number = self.policy.tables[name], self.policy.person_source.column
        if not valid_nhs_number(given[number]):
            raise Wrong(f"{number} invalid")
        values, nulled = [], []
        for column, policy in table.columns.items():
            try:
                values.append(keep(policy, given[column]))
            except Wrong as wrong:
                why = f"{column} {wrong}"
                if not policy.nullable or (policy.type == "date" and str(wrong) == "unparsable"):
                    raise Wrong(why) from None
                values.append(None)
                nulled += [] if str(wrong) == "missing" else [why]
        self.nulled[name].update(nulled)
        return pseudonym(self.key, given[number]), tuple(values)

    def _belongs(self, person: bytes, one_row: bool) -> None:
        if one_row:
            self.known.add(person)
        if person not in self.known:
            raise Wrong("no row of the person")
        if person in self.leave_out:
            raise Wrong("person left out")


def stored(policy: DatasetPolicy, snapshot: Snapshot) -> dict[str, People]:
    """The rows of a snapshot by pseudonym, in words."""
    connection = duckdb.connect()
    for path in Path(snapshot.folder).glob("*.duckdb"):
        connection.execute(f"ATTACH '{path}' AS {path.stem} (READ_ONLY)")
    found: dict[str, People] = {}
    for name, table in policy.tables.items():
        file = "persons" if table.one_row_per_person else "events"
        columns = ", ".join(f'"{column}"' for column in table.columns)
        words = [_words(connection, f"{file}.codes_{name}_{column}", one) for column, one in table.columns.items()]
        query = f"SELECT pseudonym, {columns} FROM {file}.{name} JOIN persons.persons USING (person)"
        found[name] = defaultdict(Counter)
        for person, *values in connection.execute(query).fetchall():
            pairs = zip(values, words, strict=True)
            row = tuple(value if value is None or known is None else known[value] for value, known in pairs)
            found[name][person][row] += 1
    connection.close()
    return found


def _words(connection: duckdb.DuckDBPyConnection, dictionary: str, column: ColumnPolicy) -> Mapping[int, str] | None:
    if column.type == "category":
        return dict(enumerate(column.values))
    if column.type == "code":
        return dict(connection.execute(f"SELECT id, code FROM {dictionary}").fetchall())
    return None
