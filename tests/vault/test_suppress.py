"""From noisy numbers to a statement: threshold, rounding, interval, record; and what a worker may say."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.building import DOMAINS, REGIMES, build, draw, order_of, plan_of
from tre.plan.nodes import Plan
from tre.plan.order import Order
from tre.plan.rounding import rounded, stated_scale
from tre.terms import canonical
from tre.vault.cells import labels, position
from tre.vault.noisy import NoisyTable
from tre.vault.suppress import NotShown, Shown, release, shown_from, suppress


@pytest.fixture
def held(store: Path) -> Any:
    return build(store, [])


def answered(held: Any, plan: Plan, *counts: tuple[int, ...], **more: Any) -> dict[str, Any]:
    order = order_of(plan, held, **more)
    found = release(suppress(NoisyTable(counts, len(counts[0])), order), order)
    body = json.loads(found.statement)
    assert canonical(body) == found.statement
    assert found.suppressed == body["disclosure"]["suppressed"]
    return body


def test_below_the_threshold_a_row_is_hidden_whole(held: Any) -> None:
    body = answered(held, plan_of("region"), (9, 10, -4))
    hidden = {"n": None, "n_low": None, "n_high": None, "suppressed": True}
    shown = {"n": 10, "n_low": 3, "n_high": 17, "suppressed": False}
    assert body["rows"] == [{"region": "North"} | hidden, {"region": "South"} | shown, {"region": "East"} | hidden]
    assert body["disclosure"]["suppressed"] == 2


def test_the_threshold_is_before_the_rounding(held: Any) -> None:
    """9 would be rounded to 10 and 13 to 15: the noisy number decides, not what is shown."""
    body = answered(held, plan_of("region"), (9, 13, 12))
    assert [row["n"] for row in body["rows"]] == [None, 15, 10]


def test_of_several_numbers_of_the_same_persons_the_smallest_decides(held: Any) -> None:
    body = answered(held, plan_of("region", statistics=("a", "b")), (30, 30, 9), (31, 9, 30))
    assert [(row["a"], row["b"], row["suppressed"]) for row in body["rows"]] == [
        (30, 30, False),
        (None, None, True),
        (None, None, True),
    ]


def test_the_statement_is_as_the_contract_has_it(held: Any) -> None:
    body = answered(held, plan_of("region"), (100, 103, 107), draws=[draw(scale=12.0, half_width=25)])
    order = order_of(plan_of("region"), held)
    assert list(body) == sorted(("dataset", "snapshot", "opt_outs_as_of", "plan", "columns", "rows", "disclosure"))
    assert (body["dataset"], body["snapshot"], body["opt_outs_as_of"]) == ("gp", held[0].id, held[1].as_of)
    assert body["plan"] == order.restricted.digest
    assert body["columns"] == [
        {"name": "region", "role": "key", "type": "string"},
        {
            "name": "n",
            "role": "statistic",
            "statistic": "count",
            "type": "integer",
            "mechanism": "discrete gaussian",
            "scale": round(math.sqrt(146), 6),
        },
    ]
    assert body["rows"][2] == {"region": "East", "n": 105, "n_low": 80, "n_high": 130, "suppressed": False}


def test_the_record_names_every_rule(held: Any) -> None:
    record = answered(held, plan_of("region"), (30, 13, 8), draws=[draw(scale=5.0)])["disclosure"]
    assert {name: record[name] for name in ("threshold", "rounding", "suppressed", "sandbox")} == {
        "threshold": 10, "rounding": 5, "suppressed": 1, "sandbox": "on",
    }  # fmt: skip
    assert record["policy"].startswith("sha256:")
    assert [rule["rule"] for rule in record["rules"]] == [
        "opt-outs", "noise", "all groups", "threshold", "rounding", "complementary suppression", "dominance", "class disclosure",
    ]  # fmt: skip
    assert ", ".join(REGIMES) in record["rules"][0]["how"]
    assert record["near_threshold"] == [1]  # 15 is within two scales of 10; 30 is not; the third is hidden


def test_base_one_rounds_nothing_and_says_so(held: Any) -> None:
    body = answered(held, plan_of("region"), (11, 12, 13), rounding=1)
    assert [row["n"] for row in body["rows"]] == [11, 12, 13]
    assert {rule["rule"]: rule["applied"] for rule in body["disclosure"]["rules"]}["rounding"] == "no"
    assert body["columns"][1]["scale"] == 2.0


def test_keys_are_written_in_words(held: Any) -> None:
    plan = plan_of("sex", "year_of_birth", "weight", "died_on")
    rows = list(labels(plan.keys))
    assert len(rows) == plan.cells == 3 * 6 * 8 * 5
    assert rows[0] == ("F", 1940, "0.0", "2024-02-27")
    assert rows[4] == ("F", 1940, "0.0", None)
    assert rows[8] == ("F", 1940, "0.5", "2024-03-01")
    assert rows[-1] == (None, 1945, None, None)
    body = answered(held, plan, (20,) * plan.cells)
    assert [column["type"] for column in body["columns"]] == ["string", "integer", "decimal", "date", "integer"]


@pytest.mark.parametrize(
    ("name", "stored", "place"),
    [
        ("region", 0, 0), ("region", 2, 2), ("region", 3, None), ("region", -1, None), ("region", None, None),
        ("region", "North", None), ("region", True, None), ("region", 1.0, None),
        ("sex", 1, 1), ("sex", None, 2), ("sex", 2, None),
        ("year_of_birth", 1940, 0), ("year_of_birth", 1945, 5), ("year_of_birth", 1946, None), ("year_of_birth", 1939, None),
        ("died_on", date(2024, 2, 29), 2), ("died_on", None, 4), ("died_on", date(2024, 3, 2), None), ("died_on", 19780, None),
        ("died_on", datetime(2024, 2, 29), None),
    ],
)  # fmt: skip
def test_a_stored_value_has_one_place_or_none(name: str, stored: Any, place: int | None) -> None:
    try:
        assert position(DOMAINS[name], stored) == place
    except ValueError:
        assert place is None


def test_without_keys_there_is_one_row(held: Any) -> None:
    assert answered(held, plan_of(), (44,))["rows"] == [{"n": 45, "n_low": 38, "n_high": 52, "suppressed": False}]


@given(st.integers(-(2**40), 2**40), st.integers(1, 1000))
def test_rounding_goes_to_the_nearest_and_half_up(value: int, base: int) -> None:
    near = rounded(value, base)
    assert near % base == 0
    assert -base < 2 * (near - value) <= base
    assert rounded(near, base) == near


@pytest.mark.parametrize(
    ("value", "base", "shown"),
    [(5, 10, 10), (-5, 10, 0), (15, 10, 20), (1, 2, 2), (-1, 2, 0), (12, 5, 10), (13, 5, 15), (7, 1, 7)],
)
def test_a_half_goes_up(value: int, base: int, shown: int) -> None:
    assert rounded(value, base) == shown


@pytest.mark.parametrize("base", [1, 2, 5, 10])
def test_the_stated_scale_is_the_error_of_rounding_too(base: int) -> None:
    errors = [rounded(value, base) - value for value in range(base)]
    assert stated_scale(3.0, base) == pytest.approx(math.sqrt(9 + sum(e * e for e in errors) / base))
    assert stated_scale(3.0, 5) == pytest.approx(math.sqrt(11))


HOSTILE: dict[str, Any] = {
    "no list": {"0": [10]},
    "too few rows": [[10], [10]],
    "too many rows": [[10]] * 4,
    "a number alone": [10, [10], [10]],
    "two numbers": [[10, 10], [10], [10]],
    "none": [[], [10], [10]],
    "below the threshold": [[5], [10], [10]],
    "off the grid": [[12], [10], [10]],
    "a float": [[10.0], [10], [10]],
    "a bool": [[True], [10], [10]],
    "text": [["10"], [10], [10]],
    "half hidden": [[None], [10], [10]],
    "beyond 64 bits": [[10 * 2**64], [10], [10]],
    "nothing": None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_worker_is_not_believed(held: Any, name: str) -> None:
    with pytest.raises(NotShown):
        shown_from(HOSTILE[name], order_of(plan_of("region"), held))


def test_a_worker_that_says_numbers_is(held: Any) -> None:
    assert shown_from([[10], None, [20]], order_of(plan_of("region"), held)) == Shown(((10,), None, (20,)))


@given(st.lists(st.integers(-100, 200), min_size=3, max_size=3), st.integers(5, 40), st.integers(1, 20))
def test_what_suppress_makes_is_believed(noisy: list[int], threshold: int, rounding: int) -> None:
    order: Order = order_of(plan_of("region"), UNUSED, threshold=threshold, rounding=rounding)
    shown = suppress(NoisyTable((tuple(noisy),), 3), order)
    assert shown_from(json.loads(json.dumps(shown.rows)), order) == shown
    assert [row is None for row in shown.rows] == [n < threshold for n in noisy]


@pytest.fixture(autouse=True, scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> None:
    global UNUSED
    UNUSED = build(tmp_path_factory.mktemp("store"), [])


UNUSED: Any = None
