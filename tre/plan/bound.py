"""How far one person can move each statistic: integers computed from the plan that runs, never declared.

Promises an upper bound over every pair of databases that differ in one person, whatever they hold, and that sums fit 64 bits.
Shares no code with `vault.check`, which measures what really happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes import Filter, Plan, Relation, Scan

ORDINALS = 2**31 - 1  # a person is a 32-bit ordinal: no dataset has more
LARGEST_CELL = 2**62  # half of 64 bits; the other half is room for noise, which at a scale below 2^40 leaves it once in e^(2^22)


@dataclass(frozen=True, slots=True)
class Bound:
    """What adding or removing one person changes at most. ``l0``: groups. ``k``: rows in one group. ``l1`` and ``squared_l2``:
    the change over all groups, and the sum of its squares."""

    alias: str
    l0: int
    k: int
    l1: int
    squared_l2: int


def rows_per_person(relation: Relation) -> int:
    """The most rows of one person."""
    match relation:
        case Scan(row_cap=row_cap):
            return row_cap
        case Filter(relation=inner):
            return rows_per_person(inner)
    raise TypeError("no such relation")


def sensitivities(plan: Plan) -> tuple[Bound, ...]:
    """The bound of each statistic, in the plan's order. A row is in one group, so a person with n rows is in at most n groups,
    adds n in all, and moves the sum of squares most when all n rows are in one group."""
    rows = rows_per_person(plan.relation)
    return tuple(Bound(count.alias, min(rows, plan.cells), rows, rows, rows * rows) for count in plan.statistics)


def sums_fit(plan: Plan, max_persons: int = ORDINALS) -> bool:
    """Whether every cell, before noise, provably stays below 2^62."""
    return all(max_persons * bound.k < LARGEST_CELL for bound in sensitivities(plan))
