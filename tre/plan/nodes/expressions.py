"""Values of a row: columns, literals, and total functions of them. Each says in its ``domain`` all that it can be.

A function of this file is NULL when an argument is NULL, except where it says otherwise. Its domain is computed here from its
arguments' by interval arithmetic and checked when the node is made: `arithmetic`, `band`, … are the ways to make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import gcd

from tre.plan.nodes.base import (
    BOOLEAN,
    FIRST_DAY,
    LARGEST,
    LAST_DAY,
    PERIODS,
    Domain,
    Expression,
    Node,
    Predicate,
    Scalar,
    first_day,
    period_of,
)

PARTS = ("year", "quarter", "month", "day", "weekday")
UNITS = ("day", "month", "year")


class NoDomain(ValueError):
    """The function is not offered for such arguments; the text says why, in words of the question's metadata alone."""


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """A column of a relation: ``table`` is the label of a scan or of a sub-query, ``domain`` nullable above an outer join."""

    table: str
    name: str
    domain: Domain


@dataclass(frozen=True, slots=True)
class Value(Expression):
    """A literal of the question, of a domain that has it; NULL where the domain is nullable."""

    literal: Scalar
    domain: Domain

    def __post_init__(self) -> None:
        if not (self.domain.nullable if self.literal is None else self.domain.holds(self.literal)):
            raise ValueError("a literal outside its domain")


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """``+ - *`` of numbers, in steps of the domain's grid; ``//`` (floor) of a number by a `Value` above 0; date ± days; days
    between dates. Never overflows: the domain's ends are the most it can be, below 2^53."""

    operator: str
    left: Expression
    right: Expression
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _arithmetic(self.operator, self.left, self.right):
            raise ValueError("not the domain of this arithmetic")


def arithmetic(operator: str, left: Expression, right: Expression) -> Arithmetic:
    """`NoDomain` where the arguments are no numbers or dates, or the range is beyond 2^53."""
    return Arithmetic(operator, left, right, _arithmetic(operator, left, right))


def _arithmetic(operator: str, left: Expression, right: Expression) -> Domain:
    one, other = left.domain, right.domain
    nullable = one.nullable or other.nullable
    if "date" in (one.kind, other.kind):
        return replace(_of_dates(operator, one, other), nullable=nullable)
    if not (one.numeric and other.numeric):
        raise NoDomain("arithmetic is of numbers and dates")
    if operator == "//":
        return replace(_floored(left, right), nullable=nullable)
    grid = _product(one, other) if operator == "*" else shared_grid(one, other)
    lows, highs = zip(*(_in_steps(domain, grid if operator != "*" else None) for domain in (one, other)), strict=True)
    if operator == "*":
        ends = [a * b for a in (lows[0], highs[0]) for b in (lows[1], highs[1])]
    elif operator in ("+", "-"):
        ends = [lows[0] + lows[1], highs[0] + highs[1]] if operator == "+" else [lows[0] - highs[1], highs[0] - lows[1]]
    else:
        raise NoDomain(f"the operator {operator} is not offered")
    kind = "integer" if grid == 1 else "decimal"
    return Domain(kind, nullable, (), *_within(min(ends), max(ends)), _text(grid))


FINEST = Decimal(10) ** 12  # every grid is a whole number of its parts


def _product(one: Domain, other: Domain) -> Decimal:
    grid = Decimal(one.grid) * Decimal(other.grid)
    if grid * FINEST % 1:
        raise NoDomain("the product may be beyond 12 digits after the point")
    return grid


def shared_grid(one: Domain, other: Domain) -> Decimal:
    """The widest grid on which all values of both lie."""
    return gcd(int(Decimal(one.grid) * FINEST), int(Decimal(other.grid) * FINEST)) / FINEST


def steps_of(domain: Domain, grid: Decimal) -> int:
    """By what a value of the domain is multiplied to be counted in steps of a finer grid."""
    return int(Decimal(domain.grid) / grid)


def _in_steps(domain: Domain, grid: Decimal | None) -> tuple[int, int]:
    factor = 1 if grid is None else steps_of(domain, grid)
    return domain.ends[0] * factor, domain.ends[1] * factor


def _of_dates(operator: str, one: Domain, other: Domain) -> Domain:
    if one.kind == other.kind == "date" and operator == "-":
        return Domain("integer", False, (), one.ends[0] - other.ends[1], one.ends[1] - other.ends[0])
    if operator == "+" and one.kind == "integer":
        one, other = other, one
    if operator not in ("+", "-") or one.kind != "date" or other.kind != "integer":
        raise NoDomain("of dates there are: date + days, date - days, date - date")
    sign = 1 if operator == "+" else -1
    moved = sorted(sign * end for end in other.ends)
    low, high = one.ends[0] + moved[0], one.ends[1] + moved[1]
    if low < FIRST_DAY or high > LAST_DAY:
        raise NoDomain("the date may leave the years 1 to 9999")
    return Domain("date", False, (), low, high)


def _floored(left: Expression, right: Expression) -> Domain:
    whole = left.domain.kind == right.domain.kind == "integer"
    if not isinstance(right, Value) or type(right.literal) is not int or right.literal < 1 or not whole:
        raise NoDomain("// is of a whole number by a whole literal above 0")
    low, high = left.domain.ends
    return Domain("integer", False, (), low // right.literal, high // right.literal)


def _within(low: int, high: int) -> tuple[int, int]:
    if low < -LARGEST or high > LARGEST:
        raise NoDomain("the number may be beyond 2^53")
    return low, high


def _text(grid: Decimal) -> str:
    return format(grid.normalize(), "f")


@dataclass(frozen=True, slots=True)
class Extreme(Expression):
    """The least or greatest of the values that are not NULL (as in DuckDB); NULL when all are."""

    kind: str
    parts: tuple[Expression, ...]
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _extreme(self.kind, self.parts):
            raise ValueError("not the domain of this extreme")


def extreme(kind: str, parts: Sequence[Expression]) -> Extreme:
    """``least`` or ``greatest`` of numbers of one grid, or of dates."""
    return Extreme(kind, tuple(parts), _extreme(kind, parts))


def _extreme(kind: str, parts: Sequence[Expression]) -> Domain:
    domains = [part.domain for part in parts]
    alike = {(domain.kind, domain.grid) for domain in domains}
    if (
        kind not in ("least", "greatest")
        or len(domains) < 2
        or len(alike) != 1
        or domains[0].kind not in ("integer", "decimal", "date")
    ):
        raise NoDomain("least and greatest are of two or more numbers of one grid, or dates")
    sure = [domain for domain in domains if not domain.nullable]
    lows, highs = [domain.ends[0] for domain in domains], [domain.ends[1] for domain in domains]
    if kind == "least":
        low, high = min(lows), min([max(highs), *(domain.ends[1] for domain in sure)])
    else:
        low, high = max([min(lows), *(domain.ends[0] for domain in sure)]), max(highs)
    return Domain(domains[0].kind, not sure, (), min(low, high), max(low, high), domains[0].grid)


@dataclass(frozen=True, slots=True)
class Clamp(Expression):
    """A number or date forced into [low, high], in grid steps or days."""

    value: Expression
    low: int
    high: int
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _clamp(self.value, self.low, self.high):
            raise ValueError("not the domain of this clamp")


def clamp(value: Expression, low: int, high: int) -> Clamp:
    return Clamp(value, low, high, _clamp(value, low, high))


def _clamp(value: Expression, low: int, high: int) -> Domain:
    domain = value.domain
    if domain.kind not in ("integer", "decimal", "date") or low > high:
        raise NoDomain("clamp is of a number or a date, with low at most high")
    first, last = domain.ends
    return Domain(domain.kind, domain.nullable, (), min(max(first, low), high), max(min(last, high), low), domain.grid)


@dataclass(frozen=True, slots=True)
class Band(Expression):
    """The lower edge of a number's band: the largest multiple of ``width`` (in grid steps) that is at most the number."""

    value: Expression
    width: int
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _band(self.value, self.width):
            raise ValueError("not the domain of this band")


def band(value: Expression, width: int) -> Band:
    return Band(value, width, _band(value, width))


def _band(value: Expression, width: int) -> Domain:
    domain = value.domain
    if not domain.numeric or width < 1:
        raise NoDomain("band is of a number, with a width of one grid step or more")
    low, high = (end // width * width for end in domain.ends)
    return Domain(domain.kind, domain.nullable, (), low, high, domain.grid, stride=width)


@dataclass(frozen=True, slots=True)
class DatePart(Expression):
    """The year, quarter (1-4), month (1-12), day (1-31) or ISO weekday (1 Monday - 7) of a date."""

    part: str
    value: Expression
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _date_part(self.part, self.value):
            raise ValueError("not the domain of this part of a date")


def date_part(part: str, value: Expression) -> DatePart:
    return DatePart(part, value, _date_part(part, value))


def _date_part(part: str, value: Expression) -> Domain:
    domain = value.domain
    if domain.kind != "date" or part not in PARTS:
        raise NoDomain(f"of a date there are {', '.join(PARTS)}")
    if part == "year":
        low, high = (period_of("year", end) + 1970 for end in domain.ends)
    else:
        low, high = 1, {"quarter": 4, "month": 12, "day": 31, "weekday": 7}[part]
    return Domain("integer", domain.nullable, (), low, high)


@dataclass(frozen=True, slots=True)
class DateTrunc(Expression):
    """The first day of a date's month, quarter or year."""

    period: str
    value: Expression
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _date_trunc(self.period, self.value):
            raise ValueError("not the domain of this date")


def date_trunc(period: str, value: Expression) -> DateTrunc:
    return DateTrunc(period, value, _date_trunc(period, value))


def _date_trunc(period: str, value: Expression) -> Domain:
    domain = value.domain
    if domain.kind != "date" or period not in PERIODS[1:]:
        raise NoDomain(f"a date is cut to its {', '.join(PERIODS[1:])}")
    low, high = (first_day(period, period_of(period, end)) for end in domain.ends)
    return Domain("date", domain.nullable, (), low, high, period=period)


@dataclass(frozen=True, slots=True)
class Elapsed(Expression):
    """Completed days, months or years from one date to another, negative when the second is earlier (DuckDB's ``date_sub``)."""

    unit: str
    start: Expression
    end: Expression
    domain: Domain

    def __post_init__(self) -> None:
        if self.domain != _elapsed(self.unit, self.start, self.end):
            raise ValueError("not the domain of this span")


def elapsed(unit: str, start: Expression, end: Expression) -> Elapsed:
    return Elapsed(unit, start, end, _elapsed(unit, start, end))


def _elapsed(unit: str, start: Expression, end: Expression) -> Domain:
    one, other = start.domain, end.domain
    if unit not in UNITS or (one.kind, other.kind) != ("date", "date"):
        raise NoDomain(f"between two dates there are {', '.join(UNITS)}")
    # No month has fewer than 28 days and no year fewer than 365: the most that can be complete, towards zero at both ends.
    shortest = {"day": 1, "month": 28, "year": 365}[unit]
    low, high = other.ends[0] - one.ends[1], other.ends[1] - one.ends[0]
    low, high = (
        (-(-low // shortest) if low < 0 else low * (shortest == 1)),
        (high // shortest if high > 0 else high * (shortest == 1)),
    )
    return Domain("integer", one.nullable or other.nullable, (), low, high)


@dataclass(frozen=True, slots=True)
class Branch(Node):
    when: Predicate
    then: Expression


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """The first branch whose condition is true, else ``otherwise``; all values of one kind and grid. A branch of the form WHEN x
    IS NOT NULL THEN x is never NULL."""

    branches: tuple[Branch, ...]
    otherwise: Expression
    domain: Domain

    def __post_init__(self) -> None:
        if not self.branches or self.domain != _union(self.branches, self.otherwise):
            raise ValueError("not the domain of this CASE")


def case(branches: Sequence[Branch], otherwise: Expression) -> Case:
    return Case(tuple(branches), otherwise, _union(branches, otherwise))


def _union(branches: Sequence[Branch], otherwise: Expression) -> Domain:
    """All that one of the values can be. A NULL literal takes the others' kind (its domain is written as theirs)."""
    domains = [_of_branch(branch) for branch in branches] + [_of_otherwise(branches, otherwise)]
    nullable = any(domain.nullable for domain in domains)
    kinds = {(domain.kind, domain.grid) for domain in domains}
    if len(kinds) != 1:
        raise NoDomain("the values of a CASE are of one kind and grid")
    kind, grid = kinds.pop()
    if kind == "category":
        return Domain(kind, nullable, tuple(dict.fromkeys(text for domain in domains for text in domain.values)))
    if kind == "code":
        raise NoDomain("codes are compared, not chosen")
    low, high = min(domain.ends[0] for domain in domains), max(domain.ends[1] for domain in domains)
    if kind == "date":
        periods = {domain.period for domain in domains}
        return Domain(kind, nullable, (), low, high, period=periods.pop() if len(periods) == 1 else "day")
    stride = 0
    for domain in domains:
        stride = gcd(stride, domain.stride if domain.low != domain.high else 0, domain.ends[0] - low)
    return Domain(kind, nullable, (), low, high, grid, stride=stride or 1)


def _of_branch(branch: Branch) -> Domain:
    domain = branch.then.domain
    return replace(domain, nullable=False) if branch.when.not_null == branch.then else domain


def _of_otherwise(branches: Sequence[Branch], otherwise: Expression) -> Domain:
    """Where it is NULL, a branch that asks for that was taken."""
    taken = any(branch.when.null == otherwise for branch in branches)
    return replace(otherwise.domain, nullable=False) if taken else otherwise.domain


@dataclass(frozen=True, slots=True)
class Condition(Expression):
    """A predicate as a value: 1, 0, or NULL where it is unknown."""

    predicate: Predicate
    domain: Domain = BOOLEAN

    def __post_init__(self) -> None:
        if self.domain != BOOLEAN:
            raise ValueError("a condition is a truth value")
