"""Release times: steps, chosen from the plan and the published size alone."""

from __future__ import annotations

import pytest

from tests.plan.made import AGE, BOARD, BOTH, COST, KIND, PATIENTS, PRACTICE, PRESSURE, SEX, VISITS, asking, count, number
from tre.errors import Reason, Refusal
from tre.plan.nodes import (
    Combined,
    Compare,
    Filter,
    Grouped,
    Named,
    Number,
    OfStatistic,
    OneOf,
    Or,
    Plan,
    Scan,
    SemiJoin,
    computed,
)
from tre.plan.sets import crossing
from tre.plan.steps import DISCOVERED, ROOM, expected, lists_of, release_time, steps_of

REGION = count(SEX)
MANY_WAYS = Or(tuple(Compare("=", AGE, n) for n in range(100)))
FILTERED = count(relation=Filter(PATIENTS, MANY_WAYS))
LISTED = count(relation=Filter(PATIENTS, OneOf(PRACTICE, tuple(f"P{n:05}" for n in range(50)))))
MANY = count(BOARD, AGE)
CELLS = 42 * 121
FIRST = Grouped(VISITS, "firsts", (), (computed("first_on", "min", PRESSURE, None, 50),))
LATER = Scan("visits", 50, 5, 3, "visits_2")
RATIO: Number = OfStatistic("n")
for _ in range(15):
    RATIO = Combined("/", OfStatistic("n"), RATIO)
DEARER = {
    "long figures": asking(PATIENTS, number("persons"), keys=(BOARD, AGE), figures={"f": RATIO}),
    "filtered": FILTERED,
    "listed": LISTED,
    "many cells": MANY,
    "a mean": asking(PATIENTS, number("avg", AGE), keys=(SEX,)),
    "rows": asking(VISITS, number("rows"), keys=(KIND,)),
    "grouped": asking(FIRST, number("persons")),
    "semi-join": asking(SemiJoin(PATIENTS, VISITS), number("persons")),
    "joined": asking(BOTH, number("rows"), keys=(SEX,)),
    "found": asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True),
    "a median": asking(PATIENTS, number("quantile", AGE, q="0.5"), keys=(SEX,)),
}


@pytest.mark.parametrize(
    ("persons", "seconds"),
    [(2_000, 1.0), (100_000, 1.0), (1_000_000, 1.0), (10_000_000, 4.0), (60_000_000, 16.0)],
)
def test_a_count_by_region(persons: int, seconds: float) -> None:
    assert release_time(REGION, persons, 250, 60.0) == seconds


def test_at_least_four_times_what_was_measured() -> None:
    """Seconds of one quiet thread, by what was measured at this size."""
    for persons, slowest in ((1_000_000, 0.018), (60_000_000, 1.8)):
        assert release_time(REGION, persons, 250, 60.0) >= ROOM * slowest
    assert release_time(FILTERED, 1_000_000, 250, 60.0) >= ROOM * 0.03
    assert release_time(LISTED, 1_000_000, 250, 60.0) >= ROOM * 0.033
    assert release_time(MANY, 1_000_000, 250, 60.0) >= ROOM * CELLS * 0.000_052
    assert release_time(DEARER["long figures"], 1_000_000, 250, 60.0) > release_time(MANY, 1_000_000, 250, 60.0)
    rows = {"visits": 598_000_000}
    for plan, slowest in (
        (DEARER["semi-join"], 8.0),
        (DEARER["grouped"], 34.0),
        (DEARER["joined"], 82.0),
        (DEARER["rows"], 82.0),
    ):
        assert expected(plan, 60_000_000, rows) >= slowest


def test_every_release_time_is_a_step() -> None:
    steps = {0.25 * 2**power for power in range(12)} | {600.0}
    for plan in (REGION, *DEARER.values()):
        for persons in (1, 10**5, 10**6, 3 * 10**6):
            seconds = release_time(plan, persons, 250, 600.0)
            assert seconds in steps and seconds >= ROOM * expected(plan, persons)


@pytest.mark.parametrize("name", DEARER)
def test_more_work_takes_longer(name: str) -> None:
    for persons in (10**5, 10**6, 10**7):
        assert expected(DEARER[name], persons) > expected(REGION, persons) * (1 - 1e-9)


def test_what_a_quantile_and_found_groups_add() -> None:
    assert expected(DEARER["a median"], 1_000) - expected(REGION, 1_000) >= 4 * 0.005
    assert expected(DEARER["found"], 1_000) >= DISCOVERED * 0.000_052
    twice = asking(PATIENTS, number("persons"), keys=(BOARD, AGE), sets=((0, 1), (0,)))
    assert expected(twice, 10**6) == pytest.approx(expected(MANY, 10**6), rel=0.02)  # totals that are added take no scan


def test_published_rows_of_a_table_are_believed() -> None:
    plan = asking(VISITS, number("rows"), keys=(KIND,))
    assert expected(plan, 10**6, {"visits": 2 * 10**6}) < expected(plan, 10**6) < expected(plan, 10**6, {"visits": 10**8})
    few = asking(Scan("visits", 3, 3), number("rows"))
    assert expected(few, 10**6) < expected(asking(Scan("visits", 2_000, 3), number("rows")), 10**6)


def test_a_join_of_many_with_many_is_as_many_pairs() -> None:
    plan: Plan = asking(SemiJoin(VISITS, LATER), number("rows"))
    assert expected(plan, 10**6) > 4 * expected(asking(VISITS, number("rows")), 10**6)


def test_what_a_condition_is_worth() -> None:
    assert steps_of(MANY_WAYS) == 101 and lists_of(MANY_WAYS) == 0
    listed = OneOf(PRACTICE, ("A", "B"))
    assert lists_of(listed) == 1 and lists_of(Or((listed, Compare("=", PRACTICE, "C")))) == 2
    assert steps_of(OneOf(AGE, tuple(range(120)))) == 3 and steps_of(Named("x", COST)) == 1


def test_never_below_the_quantum_nor_above_the_deadline() -> None:
    assert release_time(REGION, 1_000, 300, 60.0) == 1.0
    assert release_time(REGION, 1_000, 2_000, 60.0) == 2.0
    assert release_time(REGION, 60_000_000, 250, 15.5) == 15.5
    with pytest.raises(Refusal) as raised:
        release_time(REGION, 60_000_000, 250, 7.0)
    assert raised.value.reason == Reason.TOO_LARGE and "7 s" in raised.value.detail


def test_totals_that_cross_take_longer_than_totals_in_a_row() -> None:
    """What must be hidden beside a hidden cell is looked for in all of them together."""
    rollup = asking(PATIENTS, number("persons"), keys=(BOARD, AGE), sets=((0, 1), (0,), ()))
    crossed = asking(PATIENTS, number("persons"), keys=(BOARD, AGE), sets=((0, 1), (0,), (1,)))
    assert crossing(crossed) and not crossing(rollup)
    assert expected(crossed, 1_000) - expected(rollup, 1_000) >= CELLS * 0.000_02
