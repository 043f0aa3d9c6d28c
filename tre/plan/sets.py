"""Grouping sets: which of them are drawn, and which cells of the finest add up to a total that costs nothing.

Promises that a total that is added is the total: each person is in one group of the finest set, every number adds up, and every
cell is there. Knows the plan alone.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise, product
from math import prod

from tre.plan.measures import groups_of_a_person, measured
from tre.plan.nodes import Plan

Set = tuple[int, ...]


@lru_cache(maxsize=512)
def added(plan: Plan) -> bool:
    """Whether the coarser sets are added from the finest set's noisy cells, for nothing. Otherwise each set is drawn."""
    return (
        len(plan.sets) > 1
        and not plan.discovered
        and groups_of_a_person(plan, plan.sets[0]) == 1
        and all(measure.kind != "ranks" for measure in measured(plan).measures)
    )


def drawn(plan: Plan) -> tuple[Set, ...]:
    """The grouping sets that get noise of their own."""
    return plan.sets[:1] if added(plan) else plan.sets


def crossing(plan: Plan) -> bool:
    """Whether not each set, from the finest to the coarsest, is a part of the one before (CUBE): what follows from its totals is
    then not a matter of a tree."""
    ranked = sorted(plan.sets, key=lambda one: -len(one))
    return not all(set(coarse) <= set(fine) for fine, coarse in pairwise(ranked))


def groups(plan: Plan) -> int:
    """L0: the groups one person can be in, over all sets that are drawn."""
    return sum(groups_of_a_person(plan, one) for one in drawn(plan))


def parts(plan: Plan, one: Set) -> int:
    """How many cells of the finest set add up to one cell of a set: 1 where it is drawn itself."""
    if not added(plan):
        return 1
    return prod(_sizes(plan, tuple(place for place in plan.sets[0] if place not in one)))


def cell_of(plan: Plan, one: Set) -> tuple[int, ...]:
    """For each cell of the finest set, in their dense order, the cell of a coarser set that it is a part of."""
    finest = plan.sets[0]
    steps, step = {}, 1
    for place in reversed(one):
        steps[place], step = step, step * _sizes(plan, (place,))[0]
    weights = [steps.get(place, 0) for place in finest]
    ranges = map(range, _sizes(plan, finest))
    return tuple(sum(at * weight for at, weight in zip(cell, weights, strict=True)) for cell in product(*ranges))


def _sizes(plan: Plan, places: Set) -> list[int]:
    return [plan.keys[place].column.domain.size or 0 for place in places]
