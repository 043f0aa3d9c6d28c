"""`bound => auto`: which bounds on one person's rows there are to choose among, and by what a choice is made.

The bound decides the error of a number of many rows more than its noise does: one that is too small leaves rows out, one that is
too large makes the noise of everybody as loud as the one person with the most rows. So a part of the charge buys one noisy
quantile, over persons, of the most rows that a person has in one group, on a public grid of bounds. All statistics of a question
that say auto share it.

A person has one place on the grid: the smallest bound that leaves none of their rows out in any group that they keep, or beyond
all. So one person moves one number of persons by one. Beside the bound, the noisy number of persons beyond it is told. (Not how
many rows were left out: one person changes that by as many as the policy lets them have.)

Promises a function of the plan alone: knows no records, no scale and no charge.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from tre.plan import sets
from tre.plan.hints import invalid, not_offered
from tre.plan.measures import Measure, rows_that_count
from tre.plan.nodes import Expression, Plan, Statistic
from tre.plan.nodes.asked import AUTO

QUANTILE = "0.95"  # of the persons, at least so many should have no row left out
CHOOSING, CLAMPED = Fraction(1, 10), Fraction(1, 20)  # of the charge: the choice, and the number of persons beyond it

PLACES = Measure("ranks", None, 1, 1, q=QUANTILE)  # persons by their place on the grid: each has one, of weight 1
BEYOND = Measure("persons", None, 1, 1)


def automatic(plan: Plan) -> tuple[Statistic, ...]:
    """The statistics whose bound is to be chosen."""
    return tuple(statistic for statistic in plan.statistics if statistic.bound == AUTO)


@lru_cache(maxsize=512)
def bounds(plan: Plan) -> tuple[int, ...]:
    """The public grid, ascending: 1, 2, 3, 5, 8, 13 … (each the sum of the two before) below the policy's bound, and that."""
    largest = max(rows_that_count(plan, statistic) for statistic in automatic(plan))
    found, following = [1], 2
    while following < largest:
        found.append(following)
        following += found[-2]
    return tuple(found) if largest == 1 else (*found, largest)


@lru_cache(maxsize=512)
def bounded(plan: Plan, k: int) -> Plan:
    """The plan with a bound in the place of auto."""
    return replace(plan, statistics=tuple(replace(one, bound=k) if one.bound == AUTO else one for one in plan.statistics))


def counted(plan: Plan) -> tuple[Expression | None, ...]:
    """The values whose rows count towards a person's place, each by itself: rows where one is not NULL; None for all rows."""
    values = [one.value if one.value is not None and one.value.domain.nullable else None for one in automatic(plan)]
    return (None,) if None in values else tuple(dict.fromkeys(values))


def check(plan: Plan) -> None:
    """`Refusal` where there is nothing to choose, or no one choice."""
    if len(bounds(plan)) == 1:
        raise invalid("One row of a person counts in a group here: there is no bound to choose.", "Leave bound => auto out.")
    if len(sets.drawn(plan)) > 1:
        raise not_offered(
            "bound => auto is not offered for several sets of groups that are drawn apart: a person's rows differ between them.",
            "State a bound, bound => 3, or ask for each set of groups by itself.",
        )
