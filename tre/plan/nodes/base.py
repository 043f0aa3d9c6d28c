"""The root of every node, the closed set, and how a node travels as JSON; what a value can be (`Domain`).

A node that exists is valid, prints as itself and travels as JSON between the reader, the gateway and the vault.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

# A literal: categories and codes as text, integers, decimals as grid steps, dates as days since 1970, truth as 0 and 1.
Scalar = str | int | None
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")  # what a column of an answer can be called
KINDS = ("category", "integer", "decimal", "date", "code", "boolean")
PERIODS = ("day", "month", "quarter", "year")
LARGEST = 2**53  # beyond this no value of a domain lies


class Node:
    """The root of every node. ``NODES`` is the closed set."""

    def __init_subclass__(cls) -> None:
        NODES[cls.__name__] = cls


NODES: dict[str, type[Any]] = {}


@dataclass(frozen=True, slots=True)
class Domain(Node):
    """What a value can be, from the policy and the question alone.

    ``kind``: category (one of ``values``), integer or decimal (``low`` to ``high`` in grid steps; ``grid`` the step as text; of
    these every ``stride``-th, counted from ``low``), date (``low`` to ``high`` in days since 1970-01-01; of these the first
    days of each ``period``), code (text of at most 40 characters, discovered), boolean (0 and 1).
    """

    kind: str
    nullable: bool
    values: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    grid: str = "1"
    stride: int = 1
    period: str = "day"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.period not in PERIODS:
            raise ValueError(f"no such kind of domain: {self.kind}")
        if self.kind == "category" and (not self.values or len(set(self.values)) != len(self.values)):
            raise ValueError("a category has distinct values")
        if self.ranged:
            if self.low is None or self.high is None or not -LARGEST <= self.low <= self.high <= LARGEST:
                raise ValueError("a range has a low and a high")
            if self.stride < 1 or (self.high - self.low) % self.stride:
                raise ValueError("a range is whole strides wide")
            if self.kind == "boolean" and (self.low, self.high) != (0, 1):
                raise ValueError("a truth value is 0 or 1")

    @property
    def ranged(self) -> bool:
        """Whether the values are whole numbers from ``low`` to ``high``."""
        return self.kind in ("integer", "decimal", "date", "boolean")

    @property
    def numeric(self) -> bool:
        """Whether sums and means can be taken."""
        return self.kind in ("integer", "decimal")

    @property
    def ends(self) -> tuple[int, int]:
        """``low`` and ``high`` of a range."""
        assert self.low is not None and self.high is not None
        return self.low, self.high

    @property
    def size(self) -> int | None:
        """How many keys the domain has, NULL included; None where it is discovered."""
        if self.kind == "code":
            return None
        if self.kind == "category":
            return len(self.values) + self.nullable
        if self.kind == "date" and self.period != "day":
            first, last = (period_of(self.period, end) for end in self.ends)
            return last - first + 1 + self.nullable
        low, high = self.ends
        return (high - low) // self.stride + 1 + self.nullable

    def holds(self, value: Scalar) -> bool:
        """Whether a literal can be compared with a value: the right type, not necessarily inside the range."""
        if self.kind == "category":
            return value in self.values
        if self.kind == "code":
            return isinstance(value, str) and 0 < len(value) <= 40
        if self.kind == "boolean":
            return type(value) is int and value in (0, 1)
        return type(value) is int and -(2**31) < value < 2**31

    def or_null(self, nullable: bool = True) -> Domain:
        """The same values, NULL among them."""
        return dataclasses.replace(self, nullable=self.nullable or nullable)


BOOLEAN = Domain("boolean", True, low=0, high=1)


class Expression(Node):
    """A value of a row: total on the domains of its columns, so that no row can make it fail. ``domain`` is a field or property
    of each: all that it can be."""

    domain: Domain


class Predicate(Node):
    """True, false or unknown for a row, as in SQL; total on the domains of its columns."""

    @property
    def not_null(self) -> Expression | None:
        """The expression that a condition of the form ``x IS NOT NULL`` proves not to be NULL where it is true."""
        return None

    @property
    def null(self) -> Expression | None:
        """The expression that a condition of the form ``x IS NULL`` is true of wherever it is NULL."""
        return None


class Relation(Node):
    """Rows of which each belongs to one person, the person being one of the columns (person-separable): the relation of a
    database is the disjoint union of the relations of its persons."""


def days(text: str) -> int:
    """A date as days since 1970-01-01."""
    return date.fromisoformat(text).toordinal() - EPOCH


EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = date(1, 1, 1).toordinal() - EPOCH, date(9999, 12, 31).toordinal() - EPOCH


def period_of(period: str, day: int) -> int:
    """The number of a day's month, quarter or year, counted from that of 1970-01-01; the day itself for days."""
    at = date.fromordinal(day + EPOCH)
    months = (at.year - 1970) * 12 + at.month - 1
    return {"day": day, "month": months, "quarter": months // 3, "year": at.year - 1970}[period]


def first_day(period: str, number: int) -> int:
    """The first day of a period, as days since 1970-01-01: the inverse of `period_of`."""
    if period == "day":
        return number
    years, months = divmod(number * {"month": 1, "quarter": 3, "year": 12}[period], 12)
    return date(1970 + years, months + 1, 1).toordinal() - EPOCH


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
