"""What the text of a statement is made of: words, labels of ours, integers, dates, and parameters beside it.

Promises that an identifier is a lower-case word of the policy or a label made here, never a name of the question; that codes
travel as parameters; and that every type is wide enough for what the domains allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from tre.plan.nodes import Column, Expression, Predicate
from tre.plan.nodes.base import FIRST_DAY, LAST_DAY
from tre.vault.cells import EPOCH

_WORD = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
EVERYBODY, LEFT_OUT = "everybody_", "left_out_"  # the engine's views of a table, and of the rows of the people who objected


class NotCompiled(Exception):
    """A plan that this engine has no template for. Depends on the plan alone."""


@dataclass(frozen=True, slots=True)
class Codes:
    """One parameter of a statement, which the engine looks up in a column's dictionary. ``form``: the number of one code (-1 for
    one that is in no record); the ``list`` of the numbers of some, and -1; the ``first`` or the ``last`` number of those that
    begin with a text (0 and -1 where there are none): a dictionary is numbered in the order of its codes."""

    form: str
    table: str
    column: str
    texts: tuple[str, ...]


Dictionary = tuple[str, str]  # table and column whose codes are numbered together


@dataclass(frozen=True, slots=True)
class Reference:
    """The text of a column, and of a code's column the dictionary that its numbers are of."""

    text: str
    dictionary: Dictionary | None = None


Names = Mapping[str, Callable[[str], Reference]]  # label → a column's name → what it is in the text


@dataclass(slots=True)
class Gathered:
    """What is gathered while one statement is written: labels handed out, parameters, tables. ``source``: the prefix of the
    views that are scanned. ``persons``: the range of persons that are counted, both ends included; None for all."""

    source: str
    persons: tuple[int, int] | None
    codes: list[Codes]
    tables: set[str] = field(default_factory=set)
    dictionaries: list[Dictionary | None] = field(default_factory=list)  # of each key, where it is a code
    labels: int = 0

    def label(self) -> str:
        self.labels += 1
        return f"t{self.labels - 1}"

    def parameter(self, codes: Codes) -> str:
        """The place of a parameter; the same codes are the same parameter."""
        if codes not in self.codes:
            self.codes.append(codes)
        return f"${self.codes.index(codes) + 1}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: what its columns are called. ``truth`` writes a predicate (an expression may hold one)."""

    names: Names
    gathered: Gathered
    truth: Callable[[Predicate, Scope], str]

    def column(self, column: Column) -> Reference:
        if column.table not in self.names:
            raise NotCompiled("a column of no relation below")
        return self.names[column.table](column.name)


def word(name: str) -> str:
    """An identifier: a lower-case word, in double quotes."""
    if not _WORD.match(name):
        raise NotCompiled("a name that is not a lower-case word")
    return f'"{name}"'


def integer(number: int) -> str:
    return str(number) if number >= 0 else f"({number})"


def day(number: int) -> str:
    """A date, from days since 1970-01-01; one day beyond the years 1 to 9999 can be said too."""
    if number < FIRST_DAY:
        return f"(DATE '{date.min.isoformat()}' - 1)"
    if number > LAST_DAY:
        return f"(DATE '{date.max.isoformat()}' + 1)"
    return f"DATE '{(EPOCH + timedelta(days=number)).isoformat()}'"


def wide(bound: int) -> str:
    """The integer type that holds numbers up to a bound either way, their sums among themselves once included."""
    if bound < 2**62:
        return "BIGINT"
    if bound < 2**126:
        return "HUGEINT"
    raise NotCompiled("a number may be beyond 126 bits")


def largest(value: Expression) -> int:
    """The most that a number can be, either way."""
    return max(abs(end) for end in value.domain.ends)
