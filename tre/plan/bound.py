"""How far one person can move each noisy number: integers computed from the plan that runs, never declared.

Promises an upper bound over every pair of databases that differ in one person, whatever they hold; that sums
fit 64 bits, and what one person's rows come to on the way 126. Shares no code with `vault.check`, which measures what really
happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tre.plan.measures import Measure, groups_of_a_person, measured
from tre.plan.nodes import Plan, rows_per_person
from tre.plan.sets import drawn

ORDINALS = 2**31 - 1  # a person is a 32-bit ordinal: no dataset has more
LARGEST_CELL = 2**62  # half of 64 bits; the other half is room for noise, whose scale is below 2^50 (order.py)
LARGEST_FORMED = 2**126


@dataclass(frozen=True, slots=True)
class Bound:
    """What adding or removing one person changes at most in one measure, over all groups of all grouping sets that are drawn.

    ``groups``: L0. ``k``: rows in one group. ``cell``: in one group; of ranks, of one group's scores (`score_unit`). ``l1`` and
    ``squared_l2``: over all groups, at least 1; of ranks, of the scores with each group's largest change counted once.
    """

    groups: int
    k: int
    cell: int
    l1: int
    squared_l2: int


def sensitivities(plan: Plan) -> tuple[Bound, ...]:
    """The bound of each measure, in the order of `measured(plan)`."""
    return tuple(_bound(plan, measure) for measure in measured(plan).measures)


def score_unit(q: str) -> int:
    """b: scores are counted in parts of 1/b of a weight, so that with the rank q = a/b in lowest terms they are integers."""
    return Fraction(q).denominator


def score_change(q: str, weight: int) -> int:
    """The most that rows of so much weight move one score.

    The score of a candidate v among rows of weight N is -max(0, a N - b A, b B - a N), A the weight at most v, B the weight
    below v. Adding a weight w, of it u at most v, moves the second part by a w - b u, from -(b - a) w to a w, the third
    alike: at most max(a, b - a) w either way.
    """
    rank = Fraction(q)
    return max(rank.numerator, rank.denominator - rank.numerator) * weight


def _bound(plan: Plan, measure: Measure) -> Bound:
    l0s = [groups_of_a_person(plan, one) for one in drawn(plan)]
    groups, k = sum(l0s), measure.k
    if measure.kind == "ranks":
        assert measure.q is not None
        cell = score_change(measure.q, measure.cell)
        return Bound(groups, k, cell, groups * cell, groups * cell * cell)
    rows = rows_per_person(plan.relation)
    spreads = [_spread(measure, l0, rows) for l0 in l0s]
    return Bound(groups, k, measure.cell, max(1, sum(l1 for l1, _ in spreads)), max(1, sum(squared for _, squared in spreads)))


def _spread(measure: Measure, l0: int, rows: int) -> tuple[int, int]:
    """L1 and squared L2 over one set. One person has at most ``rows`` rows in all and each is in one group: as many groups as
    can be are filled with k rows, one more gets the rest; that is the most for a sum of squares. What r rows of a group add is
    at most r/k of the cell before it is cut to an integer (measures.py), except of persons: 1 however many rows they have."""
    cell, k = measure.cell, measure.k
    if measure.kind == "persons":
        return l0 * cell, l0 * cell * cell
    full = min(l0, rows // k)
    rest = rows - full * k if full < l0 else 0
    unit = _of_rows(measure)
    l1 = Fraction(full * k + rest) * unit
    squared = (full * k * k + rest * rest) * unit * unit
    return min(l0 * cell, int(l1)), min(l0 * cell * cell, int(squared))


def _of_rows(measure: Measure) -> Fraction:
    """The most that one row adds before numbers are cut to integers: the cell's own k-th part, or a square's before its divisor
    was cut."""
    if measure.kind != "square":
        return Fraction(measure.cell, measure.k)
    assert measure.value is not None
    low, high = measure.value.domain.ends
    return Fraction((high - low) ** 2, measure.divisor)


def sums_fit(plan: Plan, max_persons: int = ORDINALS) -> bool:
    """Whether every number of every group, and every score of a quantile, provably stays below 2^62 before noise: with the whole
    change of one person in one group, which is more than there can be."""
    reaches = zip(sensitivities(plan), measured(plan).measures, strict=True)
    return all(max_persons * max(bound.l1, _reach(measure)) < LARGEST_CELL for bound, measure in reaches)


def _reach(measure: Measure) -> int:
    """What one person adds at most to any number that is formed: of a quantile to b N."""
    return measure.cell if measure.q is None else score_unit(measure.q) * measure.cell


def rows_fit(plan: Plan) -> bool:
    """Whether every number that is formed of one person's rows stays within 126 bits: their sum, and that times k, which is then
    divided by their number (measures.py). An engine has no wider integers."""
    rows = rows_per_person(plan.relation)
    return all(
        rows * _of_a_row(measure) * (measure.k if rows > measure.k else 1) < LARGEST_FORMED for measure in measured(plan).measures
    )


def _of_a_row(measure: Measure) -> int:
    """The most that is added for one row, either way, and no less than what is formed on the way to it."""
    if measure.value is None or measure.kind not in ("sum", "centred", "square"):
        return 1
    low, high = measure.value.domain.ends
    return 4 * (high - low) ** 2 if measure.kind == "square" else 4 * max(abs(low), abs(high))
