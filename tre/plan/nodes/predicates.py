"""Conditions on a row, in SQL's three truths. A comparison of an expression with literals is kept apart from one of two
expressions, because the values for which it is true are a set that `plan.valueset` can compare."""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes.base import Expression, Node, Predicate, Scalar
from tre.plan.nodes.expressions import Column

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Compare(Predicate):
    """expression OP literal. Order comparisons are for integers, decimals and dates."""

    operator: str
    column: Expression
    literal: Scalar

    def __post_init__(self) -> None:
        if self.operator not in COMPARISONS:
            raise ValueError(f"no such comparison: {self.operator}")
        if self.operator not in ("=", "<>") and self.column.domain.kind in ("category", "code", "boolean"):
            raise ValueError("a category has no order")
        if not self.column.domain.holds(self.literal):
            raise ValueError("a literal outside the column's domain")


@dataclass(frozen=True, slots=True)
class Relate(Predicate):
    """expression OP expression: numbers, dates, or (``=`` and ``<>``) categories of the same values, or one code column with
    itself under another label."""

    operator: str
    left: Expression
    right: Expression

    def __post_init__(self) -> None:
        one, other = self.left.domain, self.right.domain
        if self.operator not in COMPARISONS or "boolean" in (one.kind, other.kind):
            raise ValueError(f"no such comparison: {self.operator}")
        if one.kind in ("category", "code") and self.operator not in ("=", "<>"):
            raise ValueError("a category has no order")
        if one.kind == "code":
            # Which dictionary a label's codes are of is the catalogue's to check.
            if other.kind != "code" or not isinstance(self.left, Column) or not isinstance(self.right, Column):
                raise ValueError("codes of one dictionary are compared")
        elif one.kind == "category":
            if one.values != other.values:
                raise ValueError("categories of the same values are compared")
        elif (one.kind == "date") != (other.kind == "date") or not (one.ranged and other.ranged):
            raise ValueError("numbers are compared with numbers, dates with dates")


@dataclass(frozen=True, slots=True)
class OneOf(Predicate):
    """expression IN (literals): sorted, distinct, not empty, no NULL."""

    column: Expression
    literals: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.literals or list(self.literals) != sorted(set(self.literals), key=lambda v: (str(type(v)), v)):
            raise ValueError("literals are distinct and sorted")
        if not all(self.column.domain.holds(literal) for literal in self.literals):
            raise ValueError("a literal outside the column's domain")


@dataclass(frozen=True, slots=True)
class Prefix(Predicate):
    """A code column begins with a text."""

    column: Column
    text: str

    def __post_init__(self) -> None:
        if self.column.domain.kind != "code" or not 0 < len(self.text) <= 40:
            raise ValueError("a code begins with 1 to 40 characters")


@dataclass(frozen=True, slots=True)
class IsNull(Predicate):
    """expression IS NULL."""

    column: Expression

    @property
    def null(self) -> Expression | None:
        return self.column


@dataclass(frozen=True, slots=True)
class Holds(Predicate):
    """A truth value as a condition: unknown where it is NULL."""

    value: Expression

    def __post_init__(self) -> None:
        if self.value.domain.kind != "boolean":
            raise ValueError("only a truth value holds")


@dataclass(frozen=True, slots=True)
class Not(Predicate):
    part: Predicate

    @property
    def not_null(self) -> Expression | None:
        return self.part.column if isinstance(self.part, IsNull) else None


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


def columns(node: Node | tuple[Node, ...]) -> frozenset[Column]:
    """Every column that an expression or predicate reads."""
    if isinstance(node, Column):
        return frozenset({node})
    parts: list[Node] = []
    for name in getattr(node, "__slots__", ()):
        value = getattr(node, name)
        if isinstance(value, Node):
            parts.append(value)
        elif isinstance(value, tuple):
            parts += [part for part in value if isinstance(part, Node)]
    if isinstance(node, tuple):
        parts = list(node)
    return frozenset().union(*(columns(part) for part in parts)) if parts else frozenset()
