"""A second opinion on the values of a row: each function in a line, on whole numbers, dates and texts as the store holds them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

import duckdb

from tre.plan.nodes import (
    And,
    Arithmetic,
    Band,
    Case,
    Clamp,
    Column,
    Compare,
    Condition,
    Constant,
    DatePart,
    DateTrunc,
    Elapsed,
    Expression,
    Extreme,
    Holds,
    IsNull,
    Not,
    OneOf,
    Or,
    Predicate,
    Prefix,
    Relate,
    Scalar,
    Value,
)

Row = Mapping[str, Scalar]
EPOCH = date(1970, 1, 1)


def real(node: Expression, row: Row) -> Fraction | str | None:
    """A number as it is, whatever its grid; a date as days."""
    found = value(node, row)
    return found * Fraction(node.domain.grid) if isinstance(found, int) else found


def value(node: Expression, row: Row) -> Scalar:
    """The value in steps of the node's grid."""
    match node:
        case Column(name=name):
            return row[name]
        case Value(literal=literal):
            return literal
        case Condition(predicate=predicate):
            found = truth(predicate, row)
            return None if found is None else int(found)
        case Case(branches=branches, otherwise=otherwise):
            return value(next((one.then for one in branches if truth(one.when, row)), otherwise), row)
        case Extreme(kind=kind, parts=parts):
            known = [part for part in (value(part, row) for part in parts) if part is not None]
            return {"least": min, "greatest": max}[kind](known, default=None)  # type: ignore[operator]
        case Arithmetic(operator=operator, left=left, right=right):
            return _arithmetic(node, operator, real(left, row), real(right, row))
    return _of_one(node, row)


def _arithmetic(node: Expression, operator: str, left: Fraction | str | None, right: Fraction | str | None) -> int | None:
    if left is None or right is None:
        return None
    assert isinstance(left, Fraction) and isinstance(right, Fraction)
    found = {"+": left + right, "-": left - right, "*": left * right, "//": Fraction(left // (right or 1))}[operator]
    steps = found / Fraction(node.domain.grid)
    assert steps.denominator == 1
    return int(steps)


def _of_one(node: Expression, row: Row) -> Scalar:
    """Functions that are NULL of NULL."""
    if isinstance(node, Elapsed):
        start, end = value(node.start, row), value(node.end, row)
        return None if start is None or end is None else _elapsed(node.unit, day(start), day(end))
    assert isinstance(node, Clamp | Band | DatePart | DateTrunc)
    inner = value(node.value, row)
    if inner is None:
        return None
    assert isinstance(inner, int)
    if isinstance(node, Clamp):
        return min(max(inner, node.low), node.high)
    if isinstance(node, Band):
        return inner - inner % node.width
    at = day(inner)
    if isinstance(node, DatePart):
        return {
            "year": at.year, "month": at.month, "day": at.day, "quarter": (at.month + 2) // 3, "weekday": at.isoweekday(),
        }[node.part]  # fmt: skip
    month = {"month": at.month, "quarter": at.month - (at.month - 1) % 3, "year": 1}[node.period]
    return (date(at.year, month, 1) - EPOCH).days


def day(days: Scalar) -> date:
    assert isinstance(days, int)
    return EPOCH + timedelta(days=days)


@lru_cache(maxsize=65_536)
def _elapsed(unit: str, start: date, end: date) -> int:
    """The engine's own count: which completed months there are is its definition."""
    asked = f"SELECT date_sub('{unit}', ?::DATE, ?::DATE)"
    ((months,),) = duckdb.execute(asked, [start, end]).fetchall()  # to its end: others use this connection
    return int(months)


def truth(node: Predicate, row: Row) -> bool | None:
    """True, false, or None for unknown."""
    match node:
        case Constant(value=constant):
            return constant
        case Not(part=part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case And(parts=parts) | Or(parts=parts):
            found, decisive = [truth(part, row) for part in parts], isinstance(node, Or)
            return decisive if decisive in found else None if None in found else not decisive
        case IsNull(column=column):
            return value(column, row) is None
        case Holds(value=held):
            return None if (known := value(held, row)) is None else bool(known)
        case Relate(operator=operator, left=left, right=right):
            return compared(operator, real(left, row), real(right, row))
        case Compare(operator=operator, column=column, literal=literal):
            return compared(operator, value(column, row), literal)
        case OneOf(column=column, literals=literals):
            return None if (known := value(column, row)) is None else known in literals
        case Prefix(column=column, text=text):
            return None if (known := value(column, row)) is None else str(known).startswith(text)
    raise TypeError(type(node))


def compared(operator: str, left: Fraction | Scalar, right: Fraction | Scalar) -> bool | None:
    if left is None or right is None:
        return None
    if operator in ("=", "<>"):
        return (left == right) == (operator == "=")
    assert not isinstance(left, str) and not isinstance(right, str)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]
