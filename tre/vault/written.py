"""The keys and numbers of an answer: which keys there can be, in which order, and how numbers are written.

Promises that every combination of the key domains of a set is a cell, empty or not; that discovered keys have one order, that of
their values, NULL last; that numbers are JSON numbers: whole ones exact, others the double nearest to the decimal, which prints
as that decimal up to 15 digits. (Keys of decimals are text, exact on their grid, since they are compared.) Knows domains, never
records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import product

from tre.plan.nodes import Domain, Key, Scalar, first_day, period_of
from tre.vault.cells import EPOCH, values

LONGEST_CODE = 40


def keys_of_cells(keys: Sequence[Key]) -> Iterator[tuple[Scalar, ...]]:
    """The key values of every cell of public keys as a plan writes them, in the order of the cells."""
    return product(*(values(key.column.domain) for key in keys))


def day(number: int) -> str:
    """Days since 1970-01-01 in ISO 8601."""
    return (EPOCH + timedelta(days=number)).isoformat()


def number(value: Fraction, kind: str) -> int | float:
    """A number of an answer as JSON: ``kind`` integer or decimal."""
    return int(value) if kind == "integer" else float(value)


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
