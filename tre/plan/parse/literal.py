"""A value of the question → what the store holds: an integer on the grid, days, one of a category's values, a code, a truth.

Promises that a value which could overflow, is off the grid or cannot be one of those it is compared with is refused with its
mend. A value that is merely outside the range is fine: the comparison is just false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from sqlglot import exp

from tre.errors import Refusal
from tre.plan.hints import invalid, listed, nearest, not_offered, not_understood, quoted
from tre.plan.nodes import Column, Domain, Expression, Scalar, Value, days
from tre.plan.offer import is_code
from tre.plan.parse.tree import bare, only, refused

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
LONGEST_TEXT = 120
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class _Side:
    """What a value is compared with: its name for people, and what it can be."""

    name: str
    domain: Domain


def literal(node: exp.Expression, other: Expression) -> Scalar:
    """The value of a node as the expression holds it that it is compared with."""
    node = bare(node)
    side = _Side(other.name if isinstance(other, Column) else "the expression", other.domain)
    if type(node) is exp.Null:
        raise not_offered(f"NULL stands among the values of `{side.name}`.", f"Add OR {side.name} IS NULL.")
    if type(node) is exp.Column:
        raise not_offered("A column stands where a value is expected.", "Texts have single quotes: 'F'.")
    written = text_of(node)
    if written is not None:
        return _of_text(written, side)
    if (amount := number_of(node)) is not None:
        return _of_number(amount, side)
    if (day := _day(node)) is not None:
        return _of_day(day, side)
    if type(node) is exp.Boolean:
        if side.domain.kind == "boolean":
            return int(bool(node.this))
        raise _wrong(side, "TRUE and FALSE are not values of it")
    raise refused(node)


def value(node: exp.Expression) -> Value | None:
    """A value that stands for itself, of the smallest domain that has it; None where the node is no value."""
    node = bare(node)
    if (written := text_of(node)) is not None:
        if not 0 < len(written) <= LONGEST_TEXT or not written.isprintable():
            raise invalid("A text of the question is empty, too long or cannot be printed.", "Use 1 to 120 plain characters.")
        return Value(written, Domain("category", False, (written,)))
    if (amount := number_of(node)) is not None:
        return number(amount)
    if (day := _day(node)) is not None:
        return day_value(day)
    return None


def number(amount: Fraction, grid: Fraction = Fraction(1)) -> Value:
    """A number as the value of its own domain, on the widest decimal grid that has it and is no wider than the one given."""
    while (amount / grid).denominator != 1 and grid > Fraction(1, 10**12):
        grid /= 10
    steps = amount / grid
    if steps.denominator != 1 or not -(2**31) < steps < 2**31:
        raise invalid("A number of the question is beyond 32 bits, or has too many digits.", "Write it with fewer digits.")
    domain = Domain("integer" if grid == 1 else "decimal", False, (), int(steps), int(steps), _grid_text(grid))
    return Value(int(steps), domain)


def day_value(written: str) -> Value:
    day = _of_day(written, _Side("the date", Domain("date", False, (), 0, 0)))
    return Value(day, Domain("date", False, (), day, day))


def _grid_text(grid: Fraction) -> str:
    return format((Decimal(grid.numerator) / Decimal(grid.denominator)).normalize(), "f")


def is_value(node: exp.Expression) -> bool:
    """Whether a node is written as a value, of whatever column."""
    node = bare(node)
    inner = bare(node.this) if type(node) is exp.Neg else node
    return type(inner) in (exp.Literal, exp.Null, exp.Boolean, exp.Cast)


def text_of(node: exp.Expression) -> str | None:
    """What stands in single quotes."""
    if type(node) is not exp.Literal or not node.is_string:
        return None
    only(node, "this", "is_string")
    return str(node.this)


def number_of(node: exp.Expression) -> Fraction | None:
    """What is written as a number."""
    sign = 1
    if type(node) is exp.Neg and type(bare(node.this)) is exp.Literal:
        only(node, "this")
        sign, node = -1, bare(node.this)
    if type(node) is not exp.Literal or node.is_string:
        return None
    only(node, "this", "is_string")
    if not _NUMBER.fullmatch(node.this) or len(node.this) > 60:
        raise invalid(f"{quoted(node.this)} is not a number that is offered.", "Write 1000 or 12.5.")
    return sign * Fraction(node.this)


def _day(node: exp.Expression) -> str | None:
    """DATE '2024-01-31'."""
    if type(node) is not exp.Cast:
        return None
    only(node, "this", "to")
    if type(node.to) is not exp.DataType or node.to.this is not exp.DType.DATE:
        raise refused(node)
    only(node.to, "this")
    written = text_of(node.this)
    if written is None:
        raise not_understood("DATE stands without a day.", "Write DATE '2024-01-31'.")
    return written


def _of_text(written: str, column: _Side) -> Scalar:
    kind = column.domain.kind
    if kind == "category":
        return _category(written, column)
    if kind == "date":
        return _of_day(written, column)
    if kind == "code":
        if not is_code(written):
            raise _wrong(column, f"{quoted(written)} is not a code", "A code is 1 to 40 printable ASCII characters.")
        return written
    raise _wrong(column, f"{quoted(written)} stands in quotes and `{column.name}` is a number")


def _category(written: str, column: _Side) -> str:
    values = column.domain.values
    if written in values:
        return written
    near = nearest(written, values)
    told = f"Did you mean '{near}'?" if near else ""
    if len(values) <= 12 or not near:
        told = f"{told} Its values are {', '.join(values[:12])}{' …' if len(values) > 12 else ''}.".strip()
    raise invalid(f"{quoted(written)} is not a value of `{column.name}`.", told)


def _of_number(amount: Fraction, column: _Side) -> int:
    domain = column.domain
    if domain.kind not in ("integer", "decimal"):
        raise _wrong(column, f"a number is compared with `{column.name}`, which is a {domain.kind}")
    steps = amount / Fraction(domain.grid)
    if steps.denominator != 1:
        below = (steps.numerator // steps.denominator) * Fraction(domain.grid)
        raise _wrong(
            column,
            f"the values of `{column.name}` are " + ("whole" if domain.grid == "1" else f"multiples of {domain.grid}"),
            f"The nearest are {_plain(below, domain)} and {_plain(below + Fraction(domain.grid), domain)}.",
        )
    if not -(2**31) < steps < 2**31:
        raise _wrong(column, "the number is beyond 32 bits")
    return int(steps)


def _of_day(written: str, column: _Side) -> int:
    if column.domain.kind != "date":
        raise _wrong(column, f"a date is compared with `{column.name}`, which is a {column.domain.kind}")
    try:
        if _DATE.fullmatch(written):
            return days(written)
    except ValueError:
        pass
    raise _wrong(column, f"{quoted(written)} is not a day of the calendar")


def _wrong(column: _Side, why: str, mend: str = "") -> Refusal:
    return invalid(f"{why[0].upper()}{why[1:]}.", mend or _form(column))


def _form(column: _Side) -> str:
    """How values of a column are written."""
    domain = column.domain
    if domain.kind == "category":
        return f"Values of `{column.name}` are texts in single quotes: {listed(domain.values, 6)}."
    if domain.kind == "code":
        return f"Values of `{column.name}` are codes in single quotes."
    if domain.kind == "boolean":
        return f"Write {column.name} = TRUE, or {column.name} alone."
    assert domain.low is not None and domain.high is not None
    if domain.kind == "date":
        low, high = (date(1970, 1, 1) + timedelta(days=bound) for bound in (domain.low, domain.high))
        return f"Values of `{column.name}` are days from DATE '{low}' to DATE '{high}'."
    low_, high_ = (_plain(bound * Fraction(domain.grid), domain) for bound in (domain.low, domain.high))
    return f"Values of `{column.name}` are numbers from {low_} to {high_}."


def _plain(amount: Fraction, domain: Domain) -> str:
    """A number of the grid as it is written."""
    digits = len(domain.grid.partition(".")[2])
    return f"{float(amount):.{digits}f}"
