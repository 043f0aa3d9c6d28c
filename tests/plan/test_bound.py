"""Bounds are computed from the plan, and attained: by brute force over every way to spread one person's rows over groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import pytest

from tests.plan.made import AGE, BOARD, BOTH, COST, KIND, PATIENTS, PRESSURE, SEX, VISITS, WEIGHT, asking, count, number
from tre.plan.bound import ORDINALS, Bound, rows_fit, score_change, score_unit, sensitivities, sums_fit
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Join, Plan, Relation, Scan, Statistic
from tre.vault.compile import compile


def test_one_row_per_person_moves_one_count_by_one() -> None:
    assert sensitivities(count(BOARD, SEX)) == (Bound(1, 1, 1, 1, 1),)


def test_a_mean_and_a_spread_of_one_row() -> None:
    plan = asking(PATIENTS, number("avg", AGE, "m"), number("var", AGE, "v"), keys=(BOARD,))
    rows, centred, square = sensitivities(plan)
    assert rows == Bound(1, 1, 1, 1, 1)
    assert centred == Bound(1, 1, 120, 120, 120**2) and square == Bound(1, 1, 120**2, 120**2, 120**4)


def test_a_sum_moves_by_its_larger_end_and_not_by_a_null() -> None:
    (persons, total) = sensitivities(asking(PATIENTS, number("sum", WEIGHT)))
    assert persons.cell == 1 and total == Bound(1, 1, 2_000, 2_000, 2_000**2)
    nothing = Column("patients", "x", Domain("integer", False, (), 0, 0))
    assert sensitivities(asking(PATIENTS, number("sum", nothing)))[1] == Bound(1, 1, 0, 1, 1)  # a draw needs a sensitivity


def spreads(rows: int, groups: int, l0: int) -> Iterator[tuple[int, ...]]:
    """Every way to have at most ``rows`` rows in at most ``l0`` of the groups."""
    for spread in itertools.product(range(rows + 1), repeat=groups):
        if sum(spread) <= rows and sum(n > 0 for n in spread) <= l0:
            yield spread


@pytest.mark.parametrize(("rows", "k", "l0"), [(1, 1, 1), (3, 2, 2), (4, 2, 3), (5, 2, 4), (5, 3, 2), (4, 4, 4), (6, 1, 3)])
@pytest.mark.parametrize("kind", ["rows", "sum", "avg", "var"])
def test_the_bound_is_what_the_worst_person_does(rows: int, k: int, l0: int, kind: str) -> None:
    """Of all spreads over four groups, all rows at the end that moves most: no more than the bound, and the worst attains it."""
    value = Column("t", "x", Domain("integer", False, (), -3, 7))
    key = Column("t", "c", Domain("category", False, ("a", "b", "c", "d")))
    relation = Scan("t", rows, max_rows=k, max_groups=l0)
    statistic = number(kind) if kind == "rows" else number(kind, value)
    plan = asking(relation, statistic, keys=(key,))
    for measure, bound in zip(measured(plan).measures, sensitivities(plan), strict=True):
        one = {"persons": 1, "rows": 1, "sum": 7, "centred": 10, "square": 100}[measure.kind]
        adds = [
            [int(n > 0) if measure.kind == "persons" else min(n, measure.k) * one for n in spread]
            for spread in spreads(rows, 4, l0)
        ]
        assert bound.l1 == max(sum(change) for change in adds)
        assert bound.squared_l2 == max(sum(n * n for n in change) for change in adds)
        assert bound.cell == max(max(change) for change in adds)


def test_a_divisor_that_cuts_keeps_the_bound_above() -> None:
    """Wide squares are divided: what each group adds is cut to an integer, and the bound is not below any spread's sum."""
    value = Column("t", "x", Domain("integer", False, (), 0, 9_001))
    key = Column("t", "c", Domain("category", False, ("a", "b", "c", "d")))
    for rows, k, l0 in ((5, 2, 4), (7, 3, 3), (4, 4, 4), (3, 1, 2)):
        plan = asking(Scan("t", rows, max_rows=k, max_groups=l0), number("var", value), keys=(key,))
        measure, bound = measured(plan).measures[-1], sensitivities(plan)[-1]
        assert measure.kind == "square" and measure.divisor > 1
        for spread in spreads(rows, 4, l0):
            change = [min(n, k) * 9_001**2 // measure.divisor for n in spread]
            assert sum(change) <= bound.l1 and sum(n * n for n in change) <= bound.squared_l2


def test_rows_of_one_person_are_fewer_than_full_groups() -> None:
    """Eight rows fill one group of five and leave three: 25 + 9, not 3 groups of 25."""
    plan = asking(Scan("visits", 8, max_rows=5, max_groups=3), number("rows"), keys=(KIND,))
    persons, rows = sensitivities(plan)
    assert persons == Bound(3, 1, 1, 3, 3) and rows == Bound(3, 5, 5, 8, 34)


def test_smaller_bounds_that_were_asked_for() -> None:
    assert sensitivities(asking(VISITS, number("rows", bound=2), keys=(KIND,)))[1] == Bound(3, 2, 2, 6, 12)
    assert sensitivities(asking(VISITS, number("mean_of_persons", COST), keys=(KIND,)))[1].squared_l2 == 3 * 1_000**2
    assert sensitivities(asking(BOTH, number("rows"), keys=(SEX,)))[1] == Bound(1, 5, 5, 5, 25)


def test_grouping_sets_add_up_unless_totals_are_added() -> None:
    rollup = ((0, 1), (0,), ())
    assert sensitivities(asking(PATIENTS, number("persons"), keys=(BOARD, SEX), sets=rollup)) == (Bound(1, 1, 1, 1, 1),)
    many = asking(BOTH, number("rows"), keys=(SEX, KIND), sets=rollup)
    persons, rows = sensitivities(many)
    assert persons == Bound(5, 1, 1, 5, 5)  # 3 kinds, one sex, one whole
    assert rows == Bound(5, 5, 5, 25, 125)
    chosen = asking(PATIENTS, number("quantile", AGE, q="0.5"), keys=(BOARD, SEX), sets=rollup)
    assert sensitivities(chosen)[1] == Bound(3, 1, 1, 3, 3)


@pytest.mark.parametrize("q", ["0.5", "0.25", "0.9", "0.333"])
def test_a_score_moves_by_what_is_said_and_attains_it(q: str) -> None:
    rank = Fraction(q)
    a, b = rank.numerator, rank.denominator
    assert score_unit(q) == b

    def score(below: int, at_most: int, whole: int) -> int:
        return -max(0, a * whole - b * at_most, b * below - a * whole)

    seen = 0
    for weight in (1, 3):
        for below, at, above in itertools.product(range(7), repeat=3):
            before = score(below, below + at, below + at + above)
            for first in range(weight + 1):
                for second in range(weight + 1 - first):
                    third = weight - first - second
                    after = score(below + first, below + first + at + second, below + at + above + weight)
                    assert abs(after - before) <= score_change(q, weight), third
                    seen = max(seen, abs(after - before)) if weight == 1 else seen
    assert seen == score_change(q, 1)


def test_a_quantile_of_many_rows_is_of_parts_of_a_row() -> None:
    plan = asking(VISITS, number("quantile", PRESSURE, q="0.9"), keys=(KIND,))
    ranks = sensitivities(plan)[-1]
    assert ranks == Bound(3, 5, 9 * 5_000, 3 * 45_000, 3 * 45_000**2)
    # With one row counted, a row of a person who has several still weighs its part: no person's weight is cut to nothing.
    alone = asking(VISITS, number("quantile", PRESSURE, q="0.9", bound=1), keys=(KIND,))
    assert measured(alone).measures[-1].weight == 1_000 and sensitivities(alone)[-1].cell == 9_000
    assert measured(asking(PATIENTS, number("quantile", AGE, q="0.9"))).measures[-1].weight == 1


def test_sums_fit_64_bits_or_are_told() -> None:
    def counting(rows: int) -> Plan:
        return asking(Scan("t", rows, max_rows=rows), Statistic("n", "rows"))

    assert sums_fit(counting(1)) and sums_fit(counting(2**30))
    assert not sums_fit(counting(2**32)) and not sums_fit(counting(4), 2**60)
    fine = asking(PATIENTS, number("quantile", AGE, q="0." + "1" * 18))
    assert not sums_fit(fine) and sums_fit(asking(PATIENTS, number("quantile", AGE, q="0.001")), ORDINALS)


@pytest.mark.parametrize("kind", ["sum", "avg", "var", "stddev"])
def test_what_the_engine_cannot_form_is_told_before(kind: str) -> None:
    """Joins of more and more tables of many rows: what has no text is what does not fit, and nothing of which the bounds fit has
    no text."""
    value = Column("t0", "x", Domain("integer", False, (), 0, 2**20))
    told = set()
    for tables in range(1, 12):
        relation: Relation = Scan("t", 4_096, max_rows=1, label="t0")
        for place in range(1, tables):
            relation = Join(relation, Scan("t", 4_096, max_rows=1, label=f"t{place}"))
        plan = asking(relation, number(kind, value, bound=1))
        told.add(rows_fit(plan))
        assert sums_fit(plan)
        if rows_fit(plan):
            compile(plan)
    assert told == {True, False}
