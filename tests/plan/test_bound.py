"""Bounds are computed from the plan, and attained."""

from __future__ import annotations

import itertools

from tests.plan.offers import CATALOGUE, CODELISTS
from tre.plan.bound import Bound, sensitivities, sums_fit
from tre.plan.nodes import Column, Domain, Filter, IsNull, Key, Plan, Scan, Statistic
from tre.plan.parse import parse

COLUMN = Column("t", "c", Domain("category", False, ("a", "b", "c")))


def counting(rows: int, keys: bool) -> Plan:
    relation = Filter(Scan("t", rows), IsNull(COLUMN))
    return Plan("d", relation, (Key("c", COLUMN),) if keys else (), (Statistic("n", "count"),), ("c", "n") if keys else ("n",))


def test_one_row_per_person_moves_one_count_by_one() -> None:
    plan = parse(
        "SELECT region, sex, COUNT(*) AS n, COUNT(person) AS m FROM patients WHERE sex = 'F' GROUP BY 1, 2", CATALOGUE, CODELISTS
    )
    assert sensitivities(plan) == (Bound("n", 1, 1, 1, 1), Bound("m", 1, 1, 1, 1))


def test_the_bound_is_what_the_worst_person_does() -> None:
    """Every way to spread up to n rows over three groups: the largest change is the bound, in each norm."""
    for rows in range(1, 5):
        spreads = [spread for spread in itertools.product(range(rows + 1), repeat=3) if sum(spread) <= rows]
        (bound,) = sensitivities(counting(rows, keys=True))
        assert bound.l0 == max(sum(n > 0 for n in spread) for spread in spreads)
        assert bound.k == max(max(spread) for spread in spreads)
        assert bound.l1 == max(sum(spread) for spread in spreads)
        assert bound.squared_l2 == max(sum(n * n for n in spread) for spread in spreads)


def test_sums_fit_64_bits_or_are_told() -> None:
    assert sums_fit(counting(1, keys=False)) and sums_fit(counting(2**30, keys=False))
    assert not sums_fit(counting(2**32, keys=False)) and not sums_fit(counting(4, keys=False), 2**60)
