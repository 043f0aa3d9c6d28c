"""The dense order of an answer's cells: which key values a cell has, and which cell a stored row belongs to.

Promises that every combination of the key domains is a cell, empty or not, in the policy's order with NULL last, the first key
the slowest. Pure; knows domains, never data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

from tre.plan.nodes import Domain, Key

EPOCH = date(1970, 1, 1)


def position(domain: Domain, stored: object) -> int:
    """The place of a stored value in its domain. ValueError for a value that the domain does not hold."""
    size = domain.size
    assert size is not None
    if stored is None and domain.nullable:
        return size - 1
    place = _place(domain, stored)
    if not 0 <= place < size - domain.nullable:
        raise ValueError("a stored value outside its domain")
    return place


def _place(domain: Domain, stored: object) -> int:
    if domain.kind == "date" and type(stored) is date:
        return (stored - EPOCH).days - (domain.low or 0)
    if domain.kind != "date" and type(stored) is int:
        return stored - (domain.low or 0)
    raise ValueError("a stored value of another type than its domain")


def shown_values(domain: Domain) -> list[str | int | None]:
    """The values of a domain in order, as an answer writes them: dates in ISO 8601, decimals as text on their grid."""
    values: list[str | int | None] = list(domain.values)
    if domain.kind != "category":
        assert domain.low is not None and domain.high is not None
        values = [_shown(domain, step) for step in range(domain.low, domain.high + 1)]
    return [*values, None] if domain.nullable else values


def _shown(domain: Domain, step: int) -> str | int:
    if domain.kind == "date":
        return (EPOCH + timedelta(days=step)).isoformat()
    if domain.kind == "decimal":
        return format(Decimal(domain.grid) * step, "f")
    return step


def labels(keys: Sequence[Key]) -> Iterator[tuple[str | int | None, ...]]:
    """The key values of every cell, in the order of the cells."""
    return product(*(shown_values(key.column.domain) for key in keys))


def key_type(domain: Domain) -> str:
    """How an answer names the type of a key."""
    return {"category": "string", "integer": "integer", "decimal": "decimal", "date": "date"}[domain.kind]
