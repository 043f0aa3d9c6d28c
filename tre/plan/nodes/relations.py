"""Relations below the top aggregate: person-separable by construction, each node checked when made.

The person is a column of every relation and never an expression's argument. Joins carry its equality; groupings have it among
their keys. ``label`` names an instance of a table or of a sub-query: a `Column` says of which it is. A plan has no label twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tre.plan.nodes.base import BOOLEAN, LARGEST, Domain, Expression, Node, Predicate, Relation
from tre.plan.nodes.expressions import NoDomain
from tre.plan.nodes.predicates import columns

Outputs = Mapping[str, Mapping[str, Domain] | None]  # label → its columns; None: a table's, which the catalogue knows


@dataclass(frozen=True, slots=True)
class Scan(Relation):
    """A table of the policy under a label. ``row_cap``: the most rows of one person kept at load, 1 where one row per person is
    proved. ``max_rows``, ``max_groups``: the policy's contribution bounds of the table."""

    table: str
    row_cap: int
    max_rows: int = 1
    max_groups: int = 1
    label: str = ""

    def __post_init__(self) -> None:
        if self.row_cap < 1 or not 1 <= self.max_rows <= self.row_cap or self.max_groups < 1:
            raise ValueError("a row cap is at least 1, and at least max_rows")
        if not self.label:
            object.__setattr__(self, "label", self.table)


@dataclass(frozen=True, slots=True)
class Filter(Relation):
    """The rows for which a predicate is true."""

    relation: Relation
    predicate: Predicate

    def __post_init__(self) -> None:
        _check_reads(self.predicate, outputs(self.relation))


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """Every pair of rows of the same person. ``outer``: a left row whose person has no right row stays, with NULLs."""

    left: Relation
    right: Relation
    outer: bool = False

    def __post_init__(self) -> None:
        if set(outputs(self.left)) & set(outputs(self.right)):
            raise ValueError("a label on both sides of a join")


@dataclass(frozen=True, slots=True)
class SemiJoin(Relation):
    """The left rows whose person has a right row for which the condition is true (EXISTS, IN); ``anti``: has none. NULL is no
    trap: a condition that is unknown is not true."""

    left: Relation
    right: Relation
    condition: Predicate | None = None
    anti: bool = False

    def __post_init__(self) -> None:
        left, right = outputs(self.left), outputs(self.right)
        if set(left) & set(right):
            raise ValueError("a label on both sides of a semi-join")
        if self.condition is not None:
            _check_reads(self.condition, {**left, **right})


@dataclass(frozen=True, slots=True)
class Named(Node):
    name: str
    value: Expression

    @property
    def domain(self) -> Domain:
        return self.value.domain


# What can be computed of one person's rows. ``at`` is an order (a date or number) for first and last only.
FUNCTIONS = ("count", "count_values", "count_distinct", "sum", "mean", "min", "max", "any", "all", "first", "last")


@dataclass(frozen=True, slots=True)
class Computed(Node):
    """A value of one group of one person's rows; as in SQL over the values that are not NULL, NULL where there are none.

    count: rows. count_values, count_distinct: values that are not NULL. mean: floor(sum / count) in grid steps. any, all: whether
    a condition holds of one row, of every row. first, last: the value of the row with the least, greatest ``at`` among the rows
    where both are not NULL; of several such rows the least, greatest value. ``domain`` follows from function, value and row cap.
    """

    name: str
    function: str
    value: Expression | None
    at: Expression | None
    domain: Domain

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS or (self.value is None) != (self.function == "count"):
            raise ValueError(f"no such function of a person's rows: {self.function}")
        if (self.at is not None) != (self.function in ("first", "last")):
            raise ValueError("first and last have an order, no other function has")


def computed(name: str, function: str, value: Expression | None, at: Expression | None, rows: int) -> Computed:
    """``rows``: the most rows one person has. `NoDomain` where the function is not offered for such a value."""
    return Computed(name, function, value, at, _computed(function, value, at, rows))


def _computed(function: str, value: Expression | None, at: Expression | None, rows: int) -> Domain:
    if at is not None and at.domain.kind not in ("integer", "decimal", "date"):
        raise NoDomain("the order of first and last is a date or a number")
    if function in ("count", "count_values", "count_distinct"):
        return Domain("integer", False, (), int(function == "count"), rows)
    assert value is not None
    domain = value.domain
    if function in ("any", "all"):
        if domain.kind != "boolean":
            raise NoDomain(f"{function} is of a condition")
        return BOOLEAN
    # A group has a row: where no row has NULL, what is computed of it is not NULL.
    nullable = domain.nullable or (at is not None and at.domain.nullable)
    if function in ("first", "last"):
        return domain.or_null(nullable)
    if function in ("min", "max"):
        if domain.kind not in ("integer", "decimal", "date"):
            raise NoDomain(f"{function} is of a number or a date")
        return domain
    if not domain.numeric:
        raise NoDomain(f"{function} is of a number")
    low, high = domain.ends
    if function == "sum":
        low, high = min(low, rows * low), max(high, rows * high)
        if low < -LARGEST or high > LARGEST:
            raise NoDomain("the sum of one person's rows may be beyond 2^53")
    return Domain(domain.kind, nullable, (), low, high, domain.grid)


@dataclass(frozen=True, slots=True)
class Grouped(Relation):
    """One row for each person (and each different combination of ``by``, NULL being a value) that has a row below: GROUP BY
    person, or SELECT DISTINCT person, …. ``label`` has the columns of ``by`` and of ``values``."""

    relation: Relation
    label: str
    by: tuple[Named, ...]
    values: tuple[Computed, ...]

    def __post_init__(self) -> None:
        below, rows = outputs(self.relation), rows_per_person(self.relation)
        _check_names([*(one.name for one in self.by), *(one.name for one in self.values)])
        if self.label in below:
            raise ValueError("a label twice")
        for one in self.by:
            _check_reads(one.value, below)
        for value in self.values:
            for part in (value.value, value.at):
                if part is not None:
                    _check_reads(part, below)
            if value.domain != _computed(value.function, value.value, value.at, rows):
                raise ValueError("not the domain of this function")


@dataclass(frozen=True, slots=True)
class Derived(Relation):
    """Each row below with new columns in place of its own."""

    relation: Relation
    label: str
    columns: tuple[Named, ...]

    def __post_init__(self) -> None:
        below = outputs(self.relation)
        _check_names([one.name for one in self.columns])
        if self.label in below:
            raise ValueError("a label twice")
        for one in self.columns:
            _check_reads(one.value, below)


def outputs(relation: Relation) -> Outputs:
    """The labels whose columns can be read above a relation."""
    match relation:
        case Scan(label=label):
            return {label: None}
        case Filter(relation=below) | SemiJoin(left=below):
            return outputs(below)
        case Join(left, right, outer):
            return {**outputs(left), **(_nullable(outputs(right)) if outer else outputs(right))}
        case Grouped(label=label, by=by, values=values):
            own = {one.name: one.domain for one in by} | {one.name: one.domain for one in values}
            return {label: own}
        case Derived(label=label, columns=named):
            return {label: {one.name: one.domain for one in named}}
    raise TypeError("no such relation")


def _nullable(found: Outputs) -> Outputs:
    return {label: known and {name: domain.or_null() for name, domain in known.items()} for label, known in found.items()}


def rows_per_person(relation: Relation) -> int:
    """The most rows of one person, whatever the records hold."""
    match relation:
        case Scan(row_cap=row_cap):
            return row_cap
        case Filter(relation=below) | SemiJoin(left=below) | Derived(relation=below):
            return rows_per_person(below)
        case Join(left, right):
            return rows_per_person(left) * rows_per_person(right)
        case Grouped(relation=below, by=by):
            return rows_per_person(below) if by else 1
    raise TypeError("no such relation")


def tables_of(relation: Relation) -> frozenset[str]:
    """The tables that a relation reads."""
    match relation:
        case Scan(table=table):
            return frozenset({table})
        case Join(left, right) | SemiJoin(left, right):
            return tables_of(left) | tables_of(right)
        case Filter(relation=below) | Grouped(relation=below) | Derived(relation=below):
            return tables_of(below)
    raise TypeError("no such relation")


def _check_reads(node: Node, below: Outputs) -> None:
    """Every column is of a label below, and of a sub-query's own columns with their domains."""
    for column in columns(node):
        if column.table not in below:
            raise ValueError("a column of no relation below")
        known = below[column.table]
        if known is not None and known.get(column.name) != column.domain:
            raise ValueError("a column that the sub-query does not have")


def _check_names(names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError("a column's name twice")
