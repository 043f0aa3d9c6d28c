"""The values of keys and numbers as an answer writes them, and the order in which public keys come.

Promises that every combination of the key domains of a set is a cell, empty or not, in the policy's order with NULL last, the
first key the slowest; that discovered keys have one order, that of their values, NULL last. Knows domains, never records.
Keys of decimals are text, exact on their grid, since they are compared; numbers are JSON numbers: whole ones exact, others the
double nearest to the decimal, which prints as that decimal up to 15 digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

from tre.plan.nodes import Domain, Key, Scalar, first_day, period_of

EPOCH = date(1970, 1, 1)
LONGEST_CODE = 40
Written = str | int | bool | None


def literals(domain: Domain) -> list[Scalar]:
    """The values of a public domain in order, as a plan writes them."""
    values: list[Scalar] = list(domain.values)
    if domain.kind == "date" and domain.period != "day":
        first, last = (period_of(domain.period, end) for end in domain.ends)
        values = [first_day(domain.period, number) for number in range(first, last + 1)]
    elif domain.ranged:
        low, high = domain.ends
        values = list(range(low, high + 1, domain.stride))
    return [*values, None] if domain.nullable else values


def cells(keys: Sequence[Key]) -> Iterator[tuple[Scalar, ...]]:
    """The key values of every cell of public keys, in the order of the cells."""
    return product(*(literals(key.column.domain) for key in keys))


def written(domain: Domain, literal: Scalar) -> Written:
    """A literal as an answer has it: dates in ISO 8601, decimals as text on their grid, truth as true and false."""
    if literal is None or isinstance(literal, str):
        return literal
    if domain.kind == "date":
        return day(literal)
    if domain.kind == "decimal":
        return format(Decimal(domain.grid) * literal, "f")
    return bool(literal) if domain.kind == "boolean" else literal


def day(number: int) -> str:
    """Days since 1970-01-01 in ISO 8601."""
    return (EPOCH + timedelta(days=number)).isoformat()


def number(value: Fraction, kind: str) -> int | float:
    """A number of an answer as JSON: ``kind`` integer or decimal."""
    return int(value) if kind == "integer" else float(value)


def key_type(domain: Domain) -> str:
    """How an answer names the type of a key."""
    return {"category": "string", "code": "string"}.get(domain.kind, domain.kind)


def holds(domain: Domain, literal: object) -> bool:
    """Whether a key can have this value."""
    if literal is None:
        return domain.nullable
    if domain.kind == "category":
        return literal in domain.values
    if domain.kind == "code":
        return isinstance(literal, str) and 0 < len(literal) <= LONGEST_CODE
    if type(literal) is not int:
        return False
    low, high = domain.ends
    if domain.kind == "date" and domain.period != "day":
        first, last = (period_of(domain.period, end) for end in (low, high))
        at = period_of(domain.period, literal) if low - 366 <= literal <= high else last + 1
        return first <= at <= last and first_day(domain.period, at) == literal
    return low <= literal <= high and (literal - low) % domain.stride == 0


def place(domains: Sequence[Domain], key: Sequence[Scalar]) -> tuple[tuple[bool, str | int], ...]:
    """What discovered keys are ordered by: categories in the policy's order, all else by value, NULL last."""
    return tuple(_place(domain, literal) for domain, literal in zip(domains, key, strict=True))


def _place(domain: Domain, literal: Scalar) -> tuple[bool, str | int]:
    if literal is None:
        return True, 0
    return False, domain.values.index(str(literal)) if domain.kind == "category" else literal
