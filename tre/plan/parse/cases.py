"""Values of which one is chosen: brought to one kind and grid, then a CASE.

Promises a `Case` of values that are alike, NULL written in their kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tre.plan.nodes import (
    Branch,
    Case,
    Domain,
    Expression,
    IsNull,
    NoDomain,
    Not,
    Predicate,
    Value,
    arithmetic,
    case,
    shared_grid,
)
from tre.plan.parse.literal import day_value, number


def chosen(branches: Sequence[tuple[Predicate, Expression | None]], otherwise: Expression | None) -> Case:
    """CASE WHEN … THEN … ELSE … END; None is NULL."""
    *thens, last = aligned([*(then for _, then in branches), otherwise])
    return case([Branch(when, then) for (when, _), then in zip(branches, thens, strict=True)], last)


def first_known(values: Sequence[Expression | None]) -> Expression:
    """COALESCE: the first that is not NULL."""
    present = aligned([value for value in values if value is not None])
    sure = next((at for at, value in enumerate(present) if not value.domain.nullable), len(present) - 1)
    if sure == 0:
        return present[0]
    return case([Branch(Not(IsNull(value)), value) for value in present[:sure]], present[sure])


def aligned(values: Sequence[Expression | None]) -> list[Expression]:
    """The values in one kind and on one grid, where they can be: texts as dates among dates, numbers on the finest grid."""
    present = [value for value in values if value is not None]
    if not present:
        raise NoDomain("there is no value but NULL")
    if any(value.domain.kind == "date" for value in present):
        present = [_as_date(value) for value in present]
    elif all(value.domain.numeric for value in present):
        present = _on_one_grid(present)
    null = Value(None, present[0].domain.or_null())
    rest = iter(present)
    return [null if value is None else next(rest) for value in values]


def _as_date(value: Expression) -> Expression:
    if isinstance(value, Value) and value.domain.kind == "category" and isinstance(value.literal, str):
        return day_value(value.literal)
    return value


def _on_one_grid(values: list[Expression]) -> list[Expression]:
    grid = values[0].domain
    for value in values[1:]:
        step = shared_grid(grid, value.domain)
        grid = Domain("decimal" if step != 1 else "integer", False, (), 0, 0, format(step.normalize(), "f"))
    if all(value.domain.grid == grid.grid for value in values):
        return values
    return [_on_grid(value, grid) for value in values]


def _on_grid(value: Expression, grid: Domain) -> Expression:
    if value.domain.grid == grid.grid:
        return value
    if isinstance(value, Value) and isinstance(value.literal, int):
        return number(value.literal * Fraction(value.domain.grid), Fraction(grid.grid))
    return arithmetic("+", value, Value(0, grid))
