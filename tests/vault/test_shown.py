"""What a worker may say: everything that `suppress` makes is believed, and nothing else is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault.answers import MANY_ROWS, draws_of, noisy_of, order_of, plan_of
from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.nodes import Plan
from tre.plan.order import Order, Selection
from tre.plan.sets import drawn
from tre.vault.shown import NotShown, shown_from, shown_to_json
from tre.vault.suppress import suppress

SETS = ((0, 1), (0,), ())
PLANS = {
    "a count": plan_of("region"),
    "no keys": plan_of(statistics=["n", "avg:bmi"]),
    "many statistics": plan_of("sex", statistics=["n", "rows:", "sum:pulse", "avg:pulse", "var:bmi"], relation=MANY_ROWS),
    "spreads and means": plan_of("alive", statistics=["stddev:bmi", "mean_of_persons:pulse", "quantile:bmi:0.9"]),
    "added totals": plan_of("region", "sex", sets=SETS),
    "crossed totals": plan_of("region", "sex", sets=((0, 1), (0,), (1,), ()), statistics=["n", "sum:bmi"]),
    "drawn totals": plan_of("region", sets=((0,), ()), statistics=["quantile:pulse:0.5"]),
    "discovered keys": plan_of("practice", "sex", statistics=["n", "avg:bmi"]),
    "discovered dates": plan_of("died_on", "board", "month"),
}


def order_for(plan: Plan, scale: float = 2.0, **more: Any) -> Order:
    return order_of(plan, scale=scale, selection=Selection(8, 9, 10**15) if plan.discovered else None, **more)


@st.composite
def noisy(draw: st.DrawFn, plan: Plan) -> Any:
    blocks, keys = [], []
    for one in drawn(plan):
        if plan.discovered:
            domains = [plan.keys[at].column.domain for at in one]
            choices = [_literals(domain) for domain in domains]
            found = draw(st.lists(st.tuples(*map(st.sampled_from, choices)), unique=True, max_size=6))
            keys.append(found)
        groups = len(keys[-1]) if plan.discovered else plan.cells_of(one)
        vectors = []
        for measure in measured(plan).measures:
            if measure.kind == "ranks":
                assert measure.value is not None
                numbers = st.sampled_from(candidates(measure.value.domain))
            else:
                numbers = st.integers(-50, 400) if measure.kind in ("persons", "rows") else st.integers(-(10**6), 10**6)
            vectors.append(draw(st.lists(numbers, min_size=groups, max_size=groups)))
        blocks.append(vectors)
    return noisy_of(*blocks, keys=keys)


def _literals(domain: Any) -> list[Any]:
    if domain.kind == "code":
        found: list[Any] = ["a", "B", "10", "é"]
    elif domain.kind == "category":
        found = list(domain.values)
    elif domain.period != "day":
        found = [19662, 19692, 19723, 19754]
    else:
        found = list(range(domain.low, domain.high + 1))
    return [*found, None] if domain.nullable else found


@pytest.mark.parametrize("name", PLANS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_what_suppress_makes_is_believed(name: str, data: st.DataObject) -> None:
    plan = PLANS[name]
    scale, rounding = data.draw(st.sampled_from([0.5, 2.0, 30.0])), data.draw(st.sampled_from([1, 2, 5]))
    order = order_for(plan, scale, threshold=data.draw(st.integers(5, 40)), rounding=rounding, max_rows_out=5)
    shown = suppress(data.draw(noisy(plan)), order)
    assert shown_from(json.loads(json.dumps(shown_to_json(shown))), order) == shown


def told(rows: Any, keys: Any = None) -> dict[str, Any]:
    return {"blocks": [{"keys": keys, "rows": rows}], "complementary": 0}


GOOD = [[True, [10, 5, 15]], None, [False, [20, 15, 25]]]
HOSTILE: dict[str, Any] = {
    "no object": GOOD,
    "nothing": None,
    "a word more": told(GOOD) | {"exact": [1, 2, 3]},
    "no blocks": told(GOOD) | {"blocks": []},
    "a block more": told(GOOD) | {"blocks": [{"keys": None, "rows": GOOD}] * 2},
    "blocks as text": told(GOOD) | {"blocks": "x"},
    "a block that is none": told(GOOD) | {"blocks": [GOOD]},
    "a block that says more": told(GOOD) | {"blocks": [{"keys": None, "rows": GOOD, "exact": 3}]},
    "complementary where no total is": told(GOOD) | {"complementary": 1},
    "complementary below 0": told(GOOD) | {"complementary": -1},
    "complementary as truth": told(GOOD) | {"complementary": True},
    "too few rows": told(GOOD[:2]),
    "too many rows": told([*GOOD, None]),
    "rows by name": told({"0": GOOD[0], "1": None, "2": None}),
    "keys of public cells": told(GOOD, [["North"], ["South"], ["East"]]),
    "a number alone": told([10, None, None]),
    "two numbers": told([[True, [10, 5, 15], [10, 5, 15]], None, None]),
    "no number": told([[True], None, None]),
    "no side": told([[[10, 5, 15]], None, None]),
    "a side that is a number": told([[1, [10, 5, 15]], None, None]),
    "the other side": told([[False, [10, 5, 15]], None, None]),
    "the other side, far away": told([[True, [100, 95, 105]], None, None]),
    "below the threshold": told([[True, [5, 0, 10]], None, None]),
    "off the grid": told([[True, [12, 7, 17]], None, None]),
    "a narrower interval": told([[True, [10, 6, 14]], None, None]),
    "an interval elsewhere": told([[True, [10, 6, 16]], None, None]),
    "no interval": told([[True, [10, None, None]], None, None]),
    "half an interval": told([[True, [10, 5, None]], None, None]),
    "a float": told([[True, [10.0, 5, 15]], None, None]),
    "truth": told([[True, [True, 5, 15]], None, None]),
    "text": told([[True, ["10", 5, 15]], None, None]),
    "not defined": told([[True, None], None, None]),
    "half hidden": told([[True, [None, None, None]], None, None]),
    "beyond 64 bits": told([[False, [10 * 2**64, 10 * 2**64 - 5, 10 * 2**64 + 5]], None, None]),
}


def test_a_worker_that_says_numbers_is_believed() -> None:
    shown = shown_from(told(GOOD), order_for(PLANS["a count"]))
    assert shown.hidden == 1 and shown_to_json(shown) == told(GOOD)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_worker_is_not_believed(name: str) -> None:
    with pytest.raises(NotShown):
        shown_from(HOSTILE[name], order_for(PLANS["a count"]))


KEYED = {
    "keys": [["a", "F"], ["a", None], ["b", "M"], [None, "F"]],
    "rows": [[False, [20, 15, 25], [3_600_0, 3_500_0, 3_700_0]], None, None, [False, [50, 45, 55], None]],
}
BAD_KEYS: dict[str, Any] = {
    "none": None,
    "one too few": KEYED["keys"][:3],
    "one too many": [*KEYED["keys"], [None, "M"]],
    "another order": [KEYED["keys"][n] for n in (1, 0, 2, 3)],
    "twice": [["a", "F"], ["a", "F"], ["b", "M"], [None, "F"]],
    "too short": [["a"], ["b"], ["c"], ["d"]],
    "too long": [["a", "F", 1], *KEYED["keys"][1:]],
    "no lists": ["aF", "aM", "bF", "bM"],
    "a number for a code": [[1, "F"], *KEYED["keys"][1:]],
    "a code that is too long": [["a" * 41, "F"], ["b", None], ["c", "M"], [None, "F"]],
    "an empty code": [["", "F"], *KEYED["keys"][1:]],
    "a category that is none": [["a", "X"], *KEYED["keys"][1:]],
    "text for a list": [["a", "F"], ["a", None], ["b", ["M"]], [None, "F"]],
}


def test_discovered_keys_are_believed() -> None:
    order = order_for(PLANS["discovered keys"])
    assert shown_from({"blocks": [KEYED], "complementary": 0}, order).blocks[0].keys == (
        ("a", "F"), ("a", None), ("b", "M"), (None, "F"),
    )  # fmt: skip


@pytest.mark.parametrize("name", BAD_KEYS)
def test_keys_that_cannot_be_are_not_believed(name: str) -> None:
    with pytest.raises(NotShown):
        shown_from({"blocks": [KEYED | {"keys": BAD_KEYS[name]}], "complementary": 0}, order_for(PLANS["discovered keys"]))


def test_more_rows_than_the_policy_allows_are_not_believed() -> None:
    told_keys = {"blocks": [KEYED], "complementary": 0}
    shown_from(told_keys, order_for(PLANS["discovered keys"], max_rows_out=4))
    with pytest.raises(NotShown):
        shown_from(told_keys, order_for(PLANS["discovered keys"], max_rows_out=3))


@pytest.mark.parametrize(
    "key", [[19_780, "x", 19_723], [19_780, "x", 19_724], [19_000, "x", 19_723], [19_784, "x", 19_723], [True, "x", 19_723]]
)
def test_dates_are_days_and_first_days_of_their_range(key: list[Any]) -> None:
    """2024-02-27 and January 2024 can be; the second of January, 2022, 2 March and truth cannot."""
    order = order_for(PLANS["discovered dates"])
    reply = {"blocks": [{"keys": [key], "rows": [None]}], "complementary": 0}
    if key == [19_780, "x", 19_723]:
        assert shown_from(reply, order).hidden == 1
    else:
        with pytest.raises(NotShown):
            shown_from(reply, order)


def test_ratios_and_quantiles_stay_in_their_range() -> None:
    """A mean within the clamp bounds, no spread below 0, a quantile among its candidates; hidden or not defined is all else."""
    plan = plan_of(statistics=["avg:bmi", "var:bmi", "quantile:bmi:0.5"])
    order = order_for(plan)
    good = [False, [26_000, 25_000, 27_000], [5, 0, 9], [260, None, None]]
    shown_from(told([good]), order)
    for place, wrong in (
        (1, [26_000, 26_500, 27_000]), (1, [60_001, 60_000, 60_002]), (1, [9_999, 9_999, 10_000]), (1, [26_000, 9_999, 27_000]),
        (1, [26_000, 25_000, 25_500]), (2, [5, -1, 9]), (2, [-1, -1, 9]), (2, [5, 6, 9]), (2, [2**121, 0, 2**122]),
        (3, [601, None, None]), (3, [99, None, None]), (3, [260, 250, 270]), (3, [260.0, None, None]),
    ):  # fmt: skip
        row = copy.deepcopy(good)
        row[place] = wrong
        with pytest.raises(NotShown):
            shown_from(told([row]), order)


def test_a_sum_says_the_interval_of_its_noise() -> None:
    plan = plan_of(statistics=["sum:bmi"])
    order = order_for(plan, 1_000.0)
    assert len(draws_of(plan)) == 2
    shown_from(told([[False, [26_003, 24_043, 27_963]]]), order)
    for wrong in ([26_003, 24_044, 27_962], [26_003, 24_043, 27_964], [26_003, None, None]):
        with pytest.raises(NotShown):
            shown_from(told([[False, wrong]]), order)
