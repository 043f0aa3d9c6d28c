"""The preview says what the answer will say of itself, and warns."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.plan.made import (
    AGE,
    BOARD,
    BORN,
    BOTH,
    CODE,
    COST,
    KIND,
    PATIENTS,
    PRACTICE,
    PRESSURE,
    SEX,
    VISITS,
    WEIGHT,
    asking,
    number,
)
from tre.loss import DELTA_UNIT, UNIT, budget, of_epsilon
from tre.plan.accuracy import half_width
from tre.plan.estimate import estimator
from tre.plan.nodes import Plan
from tre.plan.order import GAUSSIAN
from tre.plan.preview import preview
from tre.plan.price import quote
from tre.plan.rounding import stated_scale
from tre.terms import Asking, canonical

STATED = budget(Decimal(20), Decimal("1e-6"))
SMALL = budget(Decimal(1), Decimal("1e-6"))
PLAN = asking(PATIENTS, number("persons"), keys=(BOARD, SEX))


def told(asking_: Asking = Asking(), stated=STATED, plan: Plan = PLAN, rounding: int = 5) -> dict[str, Any]:  # type: ignore[no-untyped-def]  # noqa: B008
    return preview(plan, quote(plan, stated, asking_, Decimal("0.01"), rounding, 10), stated, 0.25)


def one(said: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [statistic for statistic in said["statistics"] if statistic["name"] == name]
    return found


def test_what_it_says_of_a_count() -> None:
    priced = quote(PLAN, STATED, Asking(), Decimal("0.01"), 5, 10)
    said = told()
    assert said["charge"]["epsilon"] is None and said["charge"]["delta"] == "0"
    assert Decimal(said["charge"]["rho"]) * UNIT == priced.loss.rho and said["dataset_charge"] == said["charge"]
    assert (
        said["share"] == 0.01 and said["cells"] == 42 * 4 and said["release_time_s"] == 0.25 and said["groups_of_a_person"] == 1
    )
    assert said["keys"] == [
        {"name": "k0", "column": "patients.board", "keys": "public", "values": 42},
        {"name": "k1", "column": "patients.sex", "keys": "public", "values": 4},
    ]
    statistic = one(said, "n")
    assert statistic["margin"] == half_width(GAUSSIAN, priced.draws[0].scale, 5)
    assert statistic["scale"] == round(stated_scale(priced.draws[0].scale, 5), 6) and statistic["max_rows"] == 1
    assert said["noisy_numbers"] == [
        {"of": "persons", "max_rows": 1, "mechanism": GAUSSIAN, "scale": round(priced.draws[0].scale, 6)}
    ]
    shown = {entry["persons"]: entry["probability"] for entry in said["shown"]}
    assert {0, 5, 10, 20, 50, 100} <= set(shown) and list(shown.values()) == sorted(shown.values())
    assert said["disclosure"] == {"threshold": 10, "rounding": 5} and "discovered" not in said and "totals" not in said


def test_the_same_bytes_again() -> None:
    """Plan, quote and budget are all it is made of: no record, no clock, no earlier question."""
    assert canonical(told()) == canonical(told())


def test_sums_means_and_spreads_in_their_own_units() -> None:
    plan = asking(
        PATIENTS, *(number(kind, WEIGHT, kind) for kind in ("sum", "avg", "var", "stddev")), number("rows", WEIGHT, "known")
    )
    said, priced = told(plan=plan), quote(plan, STATED, Asking(), Decimal("0.01"), 5, 10)
    assert len(said["noisy_numbers"]) == 5
    total = one(said, "sum")
    assert (
        total["margin"] == format(half_width(GAUSSIAN, priced.draws[1].scale, 1) * Decimal("0.1"), "f") and total["unit"] == "0.1"
    )
    assert total["clamp"] == ["20.0", "200.0"] and "clamp" not in one(said, "known")
    # What is said of a mean of 1,000 rows is what the answer's interval will be, at an end of the range and in the middle.
    (at,) = [entry for entry in one(said, "avg")["margins"] if entry["rows"] == 1_000]
    estimate = estimator(plan, priced.draws, 5)
    numbers = [1_000, 0, 1_000, 0, 0]
    found = estimate(tuple(numbers))[1]
    assert found is not None and found.low is not None and found.high is not None
    assert abs(Decimal(at["margin_at_middle"]) * 1_000 - max(found.value - found.low, found.high - found.value)) <= 2
    assert Decimal(at["margin"]) > Decimal(at["margin_at_middle"])
    margins = [Decimal(entry["margin"]) for entry in one(said, "avg")["margins"] if entry["margin"] is not None]
    assert margins == sorted(margins, reverse=True) and len(margins) >= 3
    for kind in ("var", "stddev"):
        even = [Decimal(entry["margin_if_even"]) for entry in one(said, kind)["margins"] if entry["margin_if_even"] is not None]
        assert even == sorted(even, reverse=True) and len(even) >= 3


def test_a_margin_for_so_few_rows_that_there_is_none() -> None:
    plan = asking(PATIENTS, number("avg", AGE, "m"))
    margins = {entry["rows"]: entry["margin"] for entry in one(told(stated=SMALL, plan=plan), "m")["margins"]}
    assert margins[20] is margins[100] is None and margins[1_000] is not None


def test_a_quantile_says_how_far_its_rank_may_be_off() -> None:
    """2 max(q, 1 - q) / e ln(grid / 0.05), e = sqrt(8 rho of the quantile)."""
    plan = asking(PATIENTS, number("quantile", BORN, "q", q="0.9"))
    said, priced = told(plan=plan), quote(plan, STATED, Asking(), Decimal("0.01"), 5, 10)
    statistic = one(said, "q")
    e = math.sqrt(8 * priced.loss.rho / 2 / UNIT)
    bar = 2 * 0.9 / e * math.log(statistic["candidates"]["of"] / 0.05)
    assert statistic["rank_margin"] == math.ceil(bar) and statistic["candidates"]["of"] <= 1_024
    assert statistic["clamp"] == ["1900-01-01", "2026-12-31"] and "margin" not in statistic
    many = asking(VISITS, number("quantile", PRESSURE, "q", q="0.5"))
    assert (
        one(told(plan=many), "q")["rank_margin"]
        > 5 * one(told(plan=asking(PATIENTS, number("quantile", AGE, "q", q="0.5"))), "q")["rank_margin"]
    )


def test_discovered_keys_say_their_threshold_and_its_delta() -> None:
    plan = asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True)
    said = told(Asking(share=Fraction(1)), SMALL, plan)
    threshold = said["discovered"]["threshold"]
    assert threshold <= 25 and said["disclosure"]["threshold"] == threshold and said["cells"] is None
    assert Decimal(said["discovered"]["delta"]) * DELTA_UNIT == SMALL.delta and Decimal(said["charge"]["delta"]) == Decimal(
        "5e-7"
    )
    (even,) = [entry["probability"] for entry in said["shown"] if entry["persons"] == threshold]
    assert 0.5 <= even < 0.6 and said["keys"][0]["keys"] == "discovered" and said["keys"][0]["values"] is None
    many = told(Asking(share=Fraction(1)), SMALL, asking(VISITS, number("rows"), keys=(CODE,), discovered=True))
    assert many["discovered"]["groups"] == many["groups_of_a_person"] == 3


def test_totals_for_nothing_beside_totals_drawn() -> None:
    plan = asking(PATIENTS, number("persons"), keys=(BOARD, SEX), sets=((0, 1), (0,), ()))
    finest, boards, whole = told(plan=plan)["totals"]
    assert [entry["cells"] for entry in (finest, boards, whole)] == [168, 42, 1] and finest["made"] == "drawn"
    assert boards["keys"] == ["k0"] and "for nothing" in boards["made"] and whole["keys"] == []
    scale = quote(plan, STATED, Asking(), Decimal("0.01"), 5, 10).draws[0].scale
    assert boards["margins"] == {"n": half_width(GAUSSIAN, scale, 5, 4)}
    assert whole["margins"]["n"] > whole["margins_if_each_set_were_drawn"]["n"] == half_width(GAUSSIAN, scale * 3**0.5, 5)
    drawn = told(plan=asking(BOTH, number("rows"), keys=(SEX, KIND), sets=((0, 1), (0,))))["totals"]
    assert [entry["made"] for entry in drawn] == ["drawn", "drawn"] and [entry["groups_of_a_person"] for entry in drawn] == [3, 1]
    assert "margins_if_each_set_were_drawn" not in drawn[0]


def test_an_empty_group_that_may_be_shown_is_warned_of() -> None:
    assert any("empty group is shown with probability 0.42" in warning for warning in told(stated=SMALL)["warnings"])
    assert not any("empty group" in warning for warning in told(Asking(margin=5))["warnings"])


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (asking(PATIENTS, number("persons"), number("rows", AGE, "m")), "same number"),
        (asking(PATIENTS, number("avg", AGE, "m")), "clamp bounds"),
        (asking(VISITS, number("sum", COST, "s")), "max_rows"),
        (asking(VISITS, number("rows"), keys=(KIND,)), "max_groups"),
        (asking(VISITS, number("quantile", COST, "q", q="0.5")), "multiple of 1/1,000"),
    ],
)
def test_what_the_bounds_do_is_warned_of(plan: Plan, words: str) -> None:
    assert any(words in warning for warning in told(plan=plan)["warnings"])
    assert not any(words in warning for warning in told()["warnings"])


def test_nothing_is_warned_of_where_nothing_is_cut() -> None:
    assert not any("max_groups" in warning for warning in told(plan=asking(BOTH, number("rows"), keys=(SEX,)))["warnings"])
    per_person = asking(VISITS, number("mean_of_persons", COST, "m"))
    assert not any("max_rows" in warning for warning in told(plan=per_person)["warnings"])


def test_other_warnings() -> None:
    assert any("Rounding to 5" in warning for warning in told(Asking(margin=2))["warnings"])
    assert any("above the project's whole budget" in warning for warning in told(Asking(rho=STATED.rho + 10))["warnings"])
    assert any("below 17" in warning for warning in told()["warnings"])


def test_a_pure_question_says_what_it_does_to_the_dataset() -> None:
    said = told(Asking(epsilon=of_epsilon(Fraction(1)).epsilon), budget(Decimal(2), Decimal(0)))
    assert said["charge"] == {"rho": None, "epsilon": "1.000000000000", "delta": "0"} and said["share"] == 0.5
    assert Decimal(said["dataset_charge"]["rho"]) == Decimal("0.5")
    assert any("about (5.4, 1e-6)" in warning for warning in said["warnings"])
