"""The dense order of an answer's cells: which key values a cell has, and which cell a stored row belongs to.

Promises that every combination of the key domains is a cell, empty or not, in the policy's order with NULL last, the first key
the slowest. Pure; knows domains, never data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

from tre.plan.nodes import Domain, Key, Scalar, first_day, period_of

EPOCH = date(1970, 1, 1)


def position(domain: Domain, stored: object) -> int:
    """The place of a stored value in its domain. ValueError for a value that the domain does not hold."""
    size = domain.size
    assert size is not None
    if stored is None and domain.nullable:
        return size - 1
    place = _place(domain, literal(domain, stored))
    if not 0 <= place < size - domain.nullable:
        raise ValueError("a stored value outside its domain")
    return place


def literal(domain: Domain, stored: object) -> int:
    """A stored value as a number: the place of a category among its values, the days of a date, grid steps, truth as 0 and 1."""
    if domain.kind == "date" and type(stored) is date:
        return (stored - EPOCH).days
    if domain.kind != "date" and type(stored) is int:
        return stored
    raise ValueError("a stored value of another type than its domain")


def _place(domain: Domain, number: int) -> int:
    if domain.kind == "category":
        return number
    low = domain.ends[0]
    if domain.kind == "date" and domain.period != "day":
        count = period_of(domain.period, number)
        if first_day(domain.period, count) != number:
            raise ValueError("a day within a period")
        return count - period_of(domain.period, low)
    place, beside = divmod(number - low, domain.stride)
    if beside:
        raise ValueError("a stored value between two strides")
    return place


def values(domain: Domain) -> list[Scalar]:
    """The values of a domain in order, as a plan writes literals."""
    found: list[Scalar] = list(domain.values)
    if domain.kind == "date" and domain.period != "day":
        first, last = (period_of(domain.period, end) for end in domain.ends)
        found = [first_day(domain.period, number) for number in range(first, last + 1)]
    elif domain.kind != "category":
        low, high = domain.ends
        found = list(range(low, high + 1, domain.stride))
    return [*found, None] if domain.nullable else found


def shown(domain: Domain, value: Scalar) -> str | int | None:
    """A value as an answer writes it: dates in ISO 8601, decimals as text on their grid, truth as true and false."""
    if value is None or domain.kind in ("category", "code"):
        return value
    assert isinstance(value, int)
    if domain.kind == "date":
        return (EPOCH + timedelta(days=value)).isoformat()
    if domain.kind == "decimal":
        return format(Decimal(domain.grid) * value, "f")
    return bool(value) if domain.kind == "boolean" else value


def shown_values(domain: Domain) -> list[str | int | None]:
    """The values of a domain in order, as an answer writes them."""
    return [shown(domain, value) for value in values(domain)]


def labels(keys: Sequence[Key]) -> Iterator[tuple[str | int | None, ...]]:
    """The key values of every cell, in the order of the cells."""
    return product(*(shown_values(key.column.domain) for key in keys))


def key_type(domain: Domain) -> str:
    """How an answer names the type of a key."""
    return {"category": "string", "code": "string"}.get(domain.kind, domain.kind)
