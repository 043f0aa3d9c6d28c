"""The nodes of a plan: a closed set of frozen values that check themselves when made.

A node that exists is valid, prints as itself and travels as JSON (`to_json`, `from_json`) between the reader, the gateway and the
vault. Names carry the property that matters: a `Relation` has the person among its columns; a predicate is total on its column's
domain, so that no row can make it fail.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

Scalar = str | int | None  # a literal: categories and codes as text, integers, decimals as grid steps, dates as days since 1970
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")  # what a column of an answer can be called


class Node:
    """The root of every node. ``NODES`` is the closed set."""

    def __init_subclass__(cls) -> None:
        NODES[cls.__name__] = cls


NODES: dict[str, type[Any]] = {}


@dataclass(frozen=True, slots=True)
class Domain(Node):
    """What a column can hold, from the policy alone.

    ``kind``: category (one of ``values``), integer or decimal (``low`` to ``high`` in grid steps; ``grid`` the step as text),
    date (``low`` to ``high`` in days since 1970-01-01), code (text of at most 40 characters, discovered).
    """

    kind: str
    nullable: bool
    values: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    grid: str = "1"

    def __post_init__(self) -> None:
        if self.kind not in {"category", "integer", "decimal", "date", "code"}:
            raise ValueError(f"no such kind of domain: {self.kind}")
        if self.kind == "category" and (not self.values or len(set(self.values)) != len(self.values)):
            raise ValueError("a category has distinct values")
        if self.kind in {"integer", "decimal", "date"} and (self.low is None or self.high is None or self.low > self.high):
            raise ValueError("a range has a low and a high")

    @property
    def size(self) -> int | None:
        """How many keys the domain has, NULL included; None where it is discovered."""
        if self.kind == "code":
            return None
        if self.kind == "category":
            return len(self.values) + self.nullable
        assert self.low is not None and self.high is not None
        return self.high - self.low + 1 + self.nullable

    def holds(self, value: Scalar) -> bool:
        """Whether a literal can be compared with the column: the right type, not necessarily inside the range."""
        if self.kind == "category":
            return value in self.values
        if self.kind == "code":
            return isinstance(value, str) and 0 < len(value) <= 40
        return type(value) is int and -(2**31) < value < 2**31


@dataclass(frozen=True, slots=True)
class Column(Node):
    """A column of a table of the policy."""

    table: str
    name: str
    domain: Domain


class Predicate(Node):
    """True, false or unknown for a row, as in SQL; total on the domains of its columns."""


COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Compare(Predicate):
    """column OP literal. Order comparisons are for integers, decimals and dates."""

    operator: str
    column: Column
    literal: Scalar

    def __post_init__(self) -> None:
        if self.operator not in COMPARISONS:
            raise ValueError(f"no such comparison: {self.operator}")
        if self.operator not in ("=", "<>") and self.column.domain.kind in ("category", "code"):
            raise ValueError("a category has no order")
        if not self.column.domain.holds(self.literal):
            raise ValueError("a literal outside the column's domain")


@dataclass(frozen=True, slots=True)
class OneOf(Predicate):
    """column IN (literals): sorted, distinct, not empty, no NULL."""

    column: Column
    literals: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.literals or list(self.literals) != sorted(set(self.literals), key=lambda v: (str(type(v)), v)):
            raise ValueError("literals are distinct and sorted")
        if not all(self.column.domain.holds(literal) for literal in self.literals):
            raise ValueError("a literal outside the column's domain")


@dataclass(frozen=True, slots=True)
class IsNull(Predicate):
    """column IS NULL."""

    column: Column


@dataclass(frozen=True, slots=True)
class Not(Predicate):
    part: Predicate


@dataclass(frozen=True, slots=True)
class And(Predicate):
    parts: tuple[Predicate, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("AND has two parts or more")


@dataclass(frozen=True, slots=True)
class Or(Predicate):
    parts: tuple[Predicate, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("OR has two parts or more")


@dataclass(frozen=True, slots=True)
class Constant(Predicate):
    """TRUE or FALSE."""

    value: bool


class Relation(Node):
    """Rows of which each belongs to one person, the person being one of the columns (person-separable)."""


@dataclass(frozen=True, slots=True)
class Scan(Relation):
    """A table of the policy. ``row_cap`` is the most rows of one person kept at load: 1 where one row per person is proved."""

    table: str
    row_cap: int

    def __post_init__(self) -> None:
        if self.row_cap < 1:
            raise ValueError("a row cap is at least 1")


@dataclass(frozen=True, slots=True)
class Filter(Relation):
    relation: Relation
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Key(Node):
    """A public grouping key: every value of the column's domain appears in the answer."""

    alias: str
    column: Column

    def __post_init__(self) -> None:
        if self.column.domain.size is None:
            raise ValueError("a public key has a public domain")


@dataclass(frozen=True, slots=True)
class Statistic(Node):
    """What is asked of each group. ``kind``: count (rows; persons where a person has one row)."""

    alias: str
    kind: str

    def __post_init__(self) -> None:
        if self.kind not in {"count"}:
            raise ValueError(f"no such statistic: {self.kind}")


@dataclass(frozen=True, slots=True)
class Plan(Node):
    """A bounded question: group a person-separable relation by public keys and ask statistics of each group.

    ``output`` names keys and statistics in the order of the answer's columns.
    """

    dataset: str
    relation: Relation
    keys: tuple[Key, ...]
    statistics: tuple[Statistic, ...]
    output: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [*(key.alias for key in self.keys), *(statistic.alias for statistic in self.statistics)]
        if not self.statistics or len({name.lower() for name in names}) != len(names) or set(names) != set(self.output):
            raise ValueError("each key and each statistic has one name in the answer")
        if not all(NAME.fullmatch(name) for name in names) or clashing(names, [s.alias for s in self.statistics]):
            raise ValueError("a name that an answer cannot carry")

    @property
    def cells(self) -> int:
        """How many groups the answer has: the product of the key domains."""
        count = 1
        for key in self.keys:
            count *= key.column.domain.size or 0
        return count


def clashing(names: Iterable[str], statistics: Iterable[str]) -> list[str]:
    """The names that a row of the answer uses itself: `suppressed`, and each statistic's `_low` and `_high`."""
    own = {"suppressed", *(f"{alias}_{end}".lower() for alias in statistics for end in ("low", "high"))}
    return [name for name in names if name.lower() in own]


def to_json(node: Any) -> Any:
    """A node as JSON: {"node": its name, …its fields}."""
    if isinstance(node, Node):
        fields = {f.name: to_json(getattr(node, f.name)) for f in dataclasses.fields(node)}  # type: ignore[arg-type]
        return {"node": type(node).__name__, **fields}
    if isinstance(node, tuple):
        return [to_json(part) for part in node]
    return node


def from_json(value: Any) -> Any:
    """The inverse; each node checks itself again. ValueError, KeyError or TypeError when it is not one of ours."""
    if isinstance(value, list):
        return tuple(from_json(part) for part in value)
    if isinstance(value, dict):
        fields = dict(value)
        return NODES[fields.pop("node")](**{name: from_json(part) for name, part in fields.items()})
    if value is None or type(value) in (str, int, bool):
        return value
    raise TypeError("not a node")


def days(text: str) -> int:
    """A date as days since 1970-01-01."""
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
