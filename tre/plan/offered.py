"""What a table of the catalogue offers, and what follows for a value that is computed from it: whether it can be a key, and of
which dictionary a code is.

Promises that the answer follows from the policy and the plan alone. The parser asks it of what it makes, the catalogue of what
comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tre.plan.nodes import (
    Arithmetic,
    Band,
    Case,
    Clamp,
    Column,
    Computed,
    Condition,
    DatePart,
    DateTrunc,
    Derived,
    Domain,
    Elapsed,
    Expression,
    Extreme,
    Filter,
    Grouped,
    Join,
    Named,
    Relation,
    Scan,
    SemiJoin,
    Value,
)

# How a value can be a key. public: each column it reads is `keys: public`, or it is the question's own. coarse: it is cut into
# bands, parts of a date or the like, of a column that is bounded and not a key by itself.
PUBLIC, COARSE, DISCOVERED = "public", "coarse", "discovered"

Definition = str | Mapping[str, Named | Computed]  # a label's table, or its columns
Defined = Mapping[str, Definition]


@dataclass(frozen=True, slots=True)
class ColumnOffer:
    """A column: what it can hold, and whether it is a key (``public``, ``discovered`` or None)."""

    domain: Domain
    keys: str | None


@dataclass(frozen=True, slots=True)
class TableOffer:
    """A table. ``row_cap``: rows of one person kept at load; ``max_rows``, ``max_groups``: the policy's contribution bounds."""

    one_row_per_person: bool
    row_cap: int
    columns: Mapping[str, ColumnOffer]
    max_rows: int = 1
    max_groups: int = 1

    def public_keys(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.keys == "public"]


def definitions(relation: Relation) -> dict[str, Definition]:
    """What each label of a relation, and below it, is."""
    match relation:
        case Scan(table=table, label=label):
            return {label: table}
        case Filter(relation=below):
            return definitions(below)
        case Join(left, right) | SemiJoin(left, right):
            return definitions(left) | definitions(right)
        case Grouped(relation=below, label=label, by=by, values=values):
            grouped: tuple[Named | Computed, ...] = (*by, *values)
            return definitions(below) | {label: {one.name: one for one in grouped}}
        case Derived(relation=below, label=label, columns=columns):
            return definitions(below) | {label: {one.name: one for one in columns}}
    raise TypeError("no such relation")


def code_origin(value: Expression, defined: Defined) -> tuple[str, str] | None:
    """The table and column whose codes a value is of."""
    if not isinstance(value, Column) or value.domain.kind != "code":
        return None
    definition = defined.get(value.table)
    if definition is None or isinstance(definition, str):
        return None if definition is None else (definition, value.name)
    inner = definition[value.name].value if value.name in definition else None
    return None if inner is None else code_origin(inner, defined)


def key_status(value: Expression, defined: Defined, tables: Mapping[str, TableOffer]) -> str | None:
    """How a value can be a key; None where the policy has no keys for it."""
    match value:
        case Value() | Condition():
            return PUBLIC
        case Column(table=label, name=name):
            definition = defined[label]
            if isinstance(definition, str):
                return tables[definition].columns[name].keys
            return _of_column(definition[name], defined, tables)
        case Band(value=inner) | DatePart(value=inner) | DateTrunc(value=inner):
            return _cut([inner], defined, tables)
        case Elapsed(start=start, end=end):
            return _cut([start, end], defined, tables)
        case Clamp(value=inner):
            return key_status(inner, defined, tables)
        case Arithmetic(left=left, right=right):
            return _least([left, right], defined, tables)
        case Extreme(parts=parts):
            return _least(parts, defined, tables)
        case Case(branches=branches, otherwise=otherwise):
            return _least([*(branch.then for branch in branches), otherwise], defined, tables)
    raise TypeError("no such expression")


def _of_column(column: Named | Computed, defined: Defined, tables: Mapping[str, TableOffer]) -> str | None:
    """Of a sub-query: counts and truths are bounded by the policy's caps, other values are as what they are computed of."""
    if isinstance(column, Computed) and column.function in ("count", "count_values", "count_distinct", "any", "all"):
        return PUBLIC
    assert column.value is not None
    return key_status(column.value, defined, tables)


def _cut(parts: Iterable[Expression], defined: Defined, tables: Mapping[str, TableOffer]) -> str:
    return PUBLIC if _least(parts, defined, tables) == PUBLIC else COARSE


def _least(parts: Iterable[Expression], defined: Defined, tables: Mapping[str, TableOffer]) -> str | None:
    found = {key_status(part, defined, tables) for part in parts}
    return next((status for status in (None, DISCOVERED, COARSE) if status in found), PUBLIC)
