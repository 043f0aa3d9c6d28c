"""The preview says what the answer will say of itself, and warns."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tests.plan.offers import CATALOGUE, CODELISTS
from tre.loss import UNIT, budget, of_epsilon
from tre.plan.parse import parse
from tre.plan.preview import preview
from tre.plan.price import quote
from tre.plan.rounding import stated_scale
from tre.terms import Asking, canonical

STATED = budget(Decimal(20), Decimal("1e-6"))
PLAN = parse("SELECT region AS r, sex, COUNT(*) AS n FROM patients WHERE sex = 'F' GROUP BY 1, 2", CATALOGUE, CODELISTS)


def told(asking: Asking = Asking(), stated=STATED, plan=PLAN, rounding: int = 5):  # type: ignore[no-untyped-def]  # noqa: B008
    return preview(plan, quote(plan, stated, asking, Decimal("0.01"), rounding, 10), stated, 0.25)


def test_what_it_says() -> None:
    priced = quote(PLAN, STATED, Asking(), Decimal("0.01"), 5, 10)
    said = told()
    assert (
        said["charge"]["epsilon"] is None
        and said["charge"]["delta"] == "0"
        and len(said["charge"]["rho"].partition(".")[2]) == 12
    )
    assert Decimal(said["charge"]["rho"]) * UNIT == priced.loss.rho and said["dataset_charge"] == said["charge"]
    assert said["share"] == 0.01 and said["cells"] == 28 and said["release_time_s"] == 0.25
    assert said["keys"] == [
        {"name": "r", "column": "patients.region", "keys": "public", "values": 7},
        {"name": "sex", "column": "patients.sex", "keys": "public", "values": 4},
    ]
    (statistic,) = said["statistics"]
    assert statistic["name"] == "n" and statistic["margin"] == priced.draws[0].half_width
    assert statistic["scale"] == round(stated_scale(priced.draws[0].scale, 5), 6)
    shown = {entry["persons"]: entry["probability"] for entry in said["shown"]}
    assert {5, 10, 20, 50, 100} <= set(shown) and list(shown.values()) == sorted(shown.values())
    assert said["disclosure"] == {"threshold": 10, "rounding": 5}


def test_the_same_bytes_again() -> None:
    assert canonical(told()) == canonical(told())


def test_an_empty_group_that_may_be_shown_is_warned_of() -> None:
    coarse = budget(Decimal(1), Decimal("1e-6"))
    assert any("empty group is shown with probability 0.42" in warning for warning in told(stated=coarse)["warnings"])
    assert not any("empty group" in warning for warning in told(Asking(margin=5))["warnings"])


def test_other_warnings() -> None:
    twice = parse("SELECT COUNT(*) AS n, COUNT(person) AS m FROM patients", CATALOGUE, CODELISTS)
    assert any("same number" in warning for warning in told(plan=twice)["warnings"])
    assert any("Rounding to 5" in warning for warning in told(Asking(margin=2))["warnings"])
    assert any("above the project's whole budget" in warning for warning in told(Asking(rho=STATED.rho + 10))["warnings"])
    assert any("below 17" in warning for warning in told()["warnings"])


def test_a_pure_question_says_what_it_does_to_the_dataset() -> None:
    said = told(Asking(epsilon=of_epsilon(Fraction(1)).epsilon), budget(Decimal(2), Decimal(0)))
    assert said["charge"] == {"rho": None, "epsilon": "1.000000000000", "delta": "0"} and said["share"] == 0.5
    assert Decimal(said["dataset_charge"]["rho"]) == Decimal("0.5")
    assert any("about (5.4, 1e-6)" in warning for warning in said["warnings"])
