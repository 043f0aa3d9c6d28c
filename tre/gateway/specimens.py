"""The questions that a calibration asks: for each class and each kind of plans some of a policy's own, about as dear as
it allows.

Promises that each is written from the policy alone, and has no more cells than its answer may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import prod

from tre.plan.classes import CODES, PlanClass
from tre.plan.offer import Catalogue, catalogue
from tre.policy import ColumnPolicy, DatasetPolicy
from tre.terms import Asking, Request

NAME = "calibration"
MOST_KEYS = 4
SHARE = Fraction(1, 1_000_000)  # all runs of all questions fit one budget
LITERALS = 21  # of one column
LONG = 60  # comparisons: more than any class has
_NUMBERS = ("integer", "decimal")


@dataclass(frozen=True, slots=True)
class Specimen:
    """A question, as dear as the policy lets it be, and how many cells it has (0: not known from its text)."""

    request: Request
    cells: int = 0


def specimen(policy: DatasetPolicy, wanted: PlanClass) -> Specimen | None:
    """A question with as many cells as the policy's keys give within the class, and all of its comparisons and lists; None where
    the policy has no such question."""
    words = _Words(policy)
    if words.one is None:
        return None
    keys, cells = words.keys(min(wanted.cells, words.offer.max_rows_out))
    conditions = _conditions(policy.tables[words.one].columns, wanted)
    if conditions is None:
        return None
    lists = {f"list{number}": _codes(number) for number in range(wanted.lists)}
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Specimen(_request(policy, words.grouped("COUNT(*) AS n", f"{words.one}{where}", keys), lists), cells)


def of_kinds(policy: DatasetPolicy) -> Iterator[Request]:
    """Questions of the kinds of work in `tre.plan.kinds`; of those that a policy cannot have some are refused when they are
    read."""
    words = _Words(policy)
    found = [*_of_persons(words), *_of_rows(words), *_of_one_person(words)]
    yield from (_request(policy, sql, {}) for sql in dict.fromkeys(found))


def _request(policy: DatasetPolicy, sql: str, lists: Mapping[str, tuple[str, ...]]) -> Request:
    return Request(NAME, policy.dataset, sql, Asking(share=SHARE), lists, fresh=True)


# ------------------------------------------------------------------------------------------------------------- of one-row tables


def _of_persons(words: _Words) -> Iterator[str]:
    table = words.one
    if table is None:
        return
    yield words.grouped("COUNT(*) AS n", table, words.keys(1_000)[0])
    compared = [one.replace("<>", "=") for one in _comparisons(words.columns(table))]
    if compared:
        yield words.grouped("COUNT(*) AS n", f"{table} WHERE {' OR '.join(compared[:LONG])}", words.keys(100)[0])
    several = words.keys(1_000, fewest=2)[0]
    if len(several) > 1:
        for totals in ("ROLLUP", "CUBE"):
            yield f"SELECT {', '.join(several)}, COUNT(*) AS n FROM {table} GROUP BY {totals} ({', '.join(several)})"
    share = "100.0 * COUNT(*) / COUNT(*) AS share, COUNT(*) AS n"
    yield words.grouped(share, table, words.keys(1_000)[0]) + " HAVING COUNT(*) > 5"
    number = words.column(table, *_NUMBERS)
    if number is not None:
        yield words.grouped(f"AVG({number}) AS a, STDDEV({number}) AS s, SUM({number}) AS t", table, words.keys(1_000)[0])
        yield words.grouped(f"AVG({number}) AS a, STDDEV({number}) AS s", table, words.keys(10_000)[0])
        yield words.grouped(f"MEDIAN({number}) AS m, QUANTILE({number}, 0.9) AS q", table, words.keys(100)[0])
        yield words.grouped(f"SUM(CASE WHEN {number} > 0 THEN 2 * {number} + 1 ELSE 1 END) AS t", table, words.keys(100)[0])
    for code in words.listed(table, discovered=True):
        yield words.grouped("COUNT(*) AS n", table, (code,))


# ------------------------------------------------------------------------------------------------------------ of many-row tables


def _of_rows(words: _Words) -> Iterator[str]:
    for table in words.many:
        number = words.column(table, *_NUMBERS)
        of_number = f", AVG({number}) AS a, STDDEV({number}) AS s, SUM({number}) AS t" if number else ""
        yield f"SELECT COUNT(*) AS n{of_number} FROM {table}"
        yield f"SELECT COUNT(*, bound => auto) AS n FROM {table}"
        for key in words.listed(table, discovered=False):
            # Of a date its months: each day of many years has more cells than an answer may have.
            group = f"date_trunc('month', {key})" if words.columns(table)[key].type == "date" else key
            yield f"SELECT {group} AS k, COUNT(*) AS n{of_number} FROM {table} GROUP BY k"
        for code in words.listed(table, discovered=True):
            yield f"SELECT {code}, COUNT(DISTINCT {words.person}) AS n FROM {table} GROUP BY {code}"
        if number is not None:
            yield f"SELECT MEDIAN({number}) AS m FROM {table}"
        yield from _joined(words, table, number)
    for left, right in list(combinations(words.many, 2))[:1]:
        yield f"SELECT COUNT(DISTINCT a.{words.person}) AS n FROM {left} a JOIN {right} b ON a.{words.person} = b.{words.person}"


def _joined(words: _Words, table: str, number: str | None) -> Iterator[str]:
    if words.one is None:
        return
    keys = words.keys(100)[0]
    asked = f"COUNT(*) AS n{f', AVG(b.{number}) AS a' if number else ''}"
    on = f"b.{words.person} = a.{words.person}"
    yield words.grouped(asked, f"{words.one} a JOIN {table} b ON {on}", keys, "a")
    for word in ("EXISTS", "NOT EXISTS"):
        yield words.grouped("COUNT(*) AS n", f"{words.one} a WHERE {word} (SELECT 1 FROM {table} b WHERE {on})", keys, "a")


# ------------------------------------------------------------------------------------------------------- of one person's own rows


def _of_one_person(words: _Words) -> Iterator[str]:
    person = words.person
    for table in words.many:
        day, number = words.column(table, "date"), words.column(table, *_NUMBERS)
        parts = ["COUNT(*) AS own"]
        parts += [f"MIN({day}) AS first_on, MAX({day}) AS last_on"] if day else []
        parts += [f"ARG_MAX({number}, {day}) AS latest"] if day and number else []
        each = f"WITH t AS (SELECT {person}, {', '.join(parts)} FROM {table} GROUP BY {person})"
        value = "t.latest" if day and number else "t.own"
        yield f"{each} SELECT AVG({value}) AS a FROM t"
        if words.one is not None:
            joined = f"{words.one} a LEFT JOIN t ON t.{person} = a.{person}"
            yield f"{each} {words.grouped(f'AVG({value}) AS m, COUNT(*) AS n', joined, words.keys(100)[0], 'a')}"
        for key in (*words.listed(table, discovered=True), *words.listed(table, discovered=False)):
            yield f"WITH t AS (SELECT DISTINCT {person}, {key} FROM {table}) SELECT COUNT(*) AS n FROM t"


# ------------------------------------------------------------------------------------------------------------ words of the policy


@dataclass(frozen=True)
class _Words:
    """A policy's names, by what can be asked of them."""

    policy: DatasetPolicy

    @cached_property
    def offer(self) -> Catalogue:
        return catalogue(self.policy)

    @property
    def person(self) -> str:
        return self.policy.privacy_unit

    @cached_property
    def one(self) -> str | None:
        """The table of one row a person with the most public keys."""
        tables = [name for name, table in self.policy.tables.items() if table.one_row_per_person]
        return max(tables, key=lambda name: len(self.offer.tables[name].public_keys()), default=None)

    @cached_property
    def many(self) -> tuple[str, ...]:
        return tuple(name for name, table in self.policy.tables.items() if not table.one_row_per_person)

    def columns(self, table: str) -> Mapping[str, ColumnPolicy]:
        return self.policy.tables[table].columns

    def column(self, table: str, *types: str) -> str | None:
        """The first column of a type."""
        return next((name for name, column in self.columns(table).items() if column.type in types), None)

    def listed(self, table: str, *, discovered: bool) -> tuple[str, ...]:
        """The keys that are discovered, or public."""
        wanted = "discovered" if discovered else "public"
        return tuple(name for name, column in self.columns(table).items() if column.keys == wanted)

    def keys(self, most: int, fewest: int = 0) -> tuple[tuple[str, ...], int]:
        """The public keys of the one-row table with the most cells that are not too many, and their cells."""
        assert self.one is not None
        table = self.offer.tables[self.one]
        sizes = {key: table.columns[key].domain.size or 0 for key in table.public_keys()}
        most = min(most, self.offer.max_rows_out)
        several = [(), *(keys for count in range(1, MOST_KEYS + 1) for keys in combinations(sizes, count))]
        cells = {keys: prod(sizes[key] for key in keys) for keys in several if len(keys) >= fewest}
        found = max((keys for keys in cells if cells[keys] <= most), key=lambda keys: (cells[keys], keys), default=())
        return found, cells.get(found, 1)

    def grouped(self, asked: str, source: str, keys: tuple[str, ...], label: str = "") -> str:
        named = [f"{label}.{key}" if label else key for key in keys]
        by = f" GROUP BY {', '.join(named)}" if named else ""
        return f"SELECT {', '.join([*named, asked])} FROM {source}{by}"


def _conditions(columns: Mapping[str, ColumnPolicy], wanted: PlanClass) -> list[str] | None:
    """Comparisons and look-ups that the engine cannot leave out."""
    compared = _comparisons(columns)
    codes = [name for name, column in columns.items() if column.type == "code"]
    if len(compared) < wanted.comparisons or (wanted.lists and not codes):
        return None
    looked_up = [f"{codes[0]} NOT IN codelist('list{number}')" for number in range(wanted.lists)]
    return compared[: wanted.comparisons] + looked_up


def _comparisons(columns: Mapping[str, ColumnPolicy]) -> list[str]:
    return [f"{name} <> {text}" for name, column in columns.items() for text in _literals(column)]


def _literals(column: ColumnPolicy) -> Iterator[str]:
    if column.type == "integer" and isinstance(column.min, int) and isinstance(column.max, int):
        yield from (str(value) for value in range(column.min, min(column.max, column.min + LITERALS - 1) + 1))
    elif column.type == "date":
        yield f"DATE '{column.min}'"


def _codes(number: int) -> tuple[str, ...]:
    return tuple(f"C{number * CODES + code}" for code in range(CODES))
