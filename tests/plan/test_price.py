"""Prices: what a share buys, what a margin costs, and that the charge is exact and never above what was asked."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tre.errors import Reason, Refusal
from tre.loss import UNIT, PrivacyLoss, budget, gaussian_loss, laplace_loss, share_of
from tre.plan.accuracy import half_width
from tre.plan.nodes import Plan
from tre.plan.parse import parse
from tre.plan.price import SMALLEST_SCALE, Quote, quote
from tre.terms import Asking

ONE = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", CATALOGUE, CODELISTS)
TWO = parse("SELECT COUNT(*) AS n, COUNT(*) AS m FROM patients", CATALOGUE, CODELISTS)
CONCENTRATED = budget(Decimal(1), Decimal("1e-6"))
PURE = budget(Decimal(1), Decimal(0))
SHARE = Decimal("0.01")


def priced(asking: Asking, stated: PrivacyLoss = CONCENTRATED, plan: Plan = ONE, rounding: int = 5) -> Quote:
    return quote(plan, stated, asking, SHARE, rounding, 10)


def refused(asking: Asking, stated: PrivacyLoss = CONCENTRATED, rounding: int = 5) -> Refusal:
    with pytest.raises(Refusal) as raised:
        priced(asking, stated, rounding=rounding)
    return raised.value


def test_one_count_of_a_hundred_at_1_and_a_millionth() -> None:
    """The numbers of the design: 46.7 with half of delta for keys, 45.4 with none; basic composition would need 141."""
    (draw,) = priced(Asking()).draws
    assert 46.6 < draw.scale <= 46.7
    (draw,) = priced(Asking(), budget(Decimal(1), Decimal("1e-6"), Decimal(0))).draws
    assert 45.2 < draw.scale <= 45.4


def test_a_hundred_default_questions_fit_and_one_more_does_not() -> None:
    loss = priced(Asking()).loss
    assert PrivacyLoss(rho=100 * loss.rho).fits(CONCENTRATED) and not PrivacyLoss(rho=101 * loss.rho).fits(CONCENTRATED)


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
def test_the_charge_is_the_scales_own_and_never_above_what_was_asked(stated: PrivacyLoss) -> None:
    dice = random.Random(1)
    for _ in range(300):
        amount = math.ceil(10 ** dice.uniform(0, 13))
        asking = Asking(epsilon=amount) if stated.pure else Asking(rho=amount)
        for plan in (ONE, TWO):
            if amount < len(plan.statistics):
                continue
            asked = priced(asking, stated, plan)
            exact = [laplace_loss(1, draw.scale) if stated.pure else gaussian_loss(1, draw.scale) for draw in asked.draws]
            assert asked.loss == sum(exact, PrivacyLoss())
            assert (asked.loss.epsilon if stated.pure else asked.loss.rho) <= amount
            assert all(draw.scale >= SMALLEST_SCALE for draw in asked.draws)
            assert asked.loss.pure == stated.pure
            assert {draw.mechanism for draw in asked.draws} == {"discrete laplace" if stated.pure else "discrete gaussian"}


def test_nearly_all_of_what_was_asked_is_used() -> None:
    for share in (Fraction(1, 1000), Fraction(1, 7), Fraction(1)):
        asked = share_of(CONCENTRATED, share).rho
        assert asked - priced(Asking(share=share)).loss.rho <= 2
        assert asked - priced(Asking(share=share), plan=TWO).loss.rho <= 4


def test_two_numbers_share_the_charge_equally() -> None:
    one, two = priced(Asking(rho=10**9)), priced(Asking(rho=10**9), plan=TWO)
    assert two.draws[0].scale == two.draws[1].scale == pytest.approx(one.draws[0].scale * math.sqrt(2))
    one, two = priced(Asking(epsilon=10**9), PURE), priced(Asking(epsilon=10**9), PURE, TWO)
    assert two.draws[0].scale == pytest.approx(2 * one.draws[0].scale)


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
@pytest.mark.parametrize("margin", [2, 3, 7, 40, 92, 1_000, 123_456])
@pytest.mark.parametrize("rounding", [1, 5])
def test_a_margin_is_met_at_the_smallest_loss(stated: PrivacyLoss, margin: int, rounding: int) -> None:
    asked = priced(Asking(margin=margin), stated, rounding=rounding)
    (draw,) = asked.draws
    assert draw.half_width <= margin and draw.half_width == half_width(draw.mechanism, draw.scale, rounding)
    amount = asked.loss.epsilon if stated.pure else asked.loss.rho
    if amount > 1:
        dearer = Asking(epsilon=amount - 1) if stated.pure else Asking(rho=amount - 1)
        assert priced(dearer, stated, rounding=rounding).draws[0].half_width > margin


def test_each_count_keeps_the_margin() -> None:
    one, two = priced(Asking(margin=40)), priced(Asking(margin=40), plan=TWO)
    assert two.margins == {"n": 40, "m": 40} and two.loss.rho == 2 * one.loss.rho


@pytest.mark.parametrize(("margin", "rounding", "least"), [(1, 5, 2), (4, 10, 5), (49, 100, 50)])
def test_a_margin_below_the_rounding_is_told(margin: int, rounding: int, least: int) -> None:
    told = refused(Asking(margin=margin), rounding=rounding)
    assert told.reason == Reason.INVALID_REQUEST and f"margin of {least}" in told.suggestion
    assert priced(Asking(margin=least), rounding=rounding).draws[0].half_width == least


def test_no_charge_buys_exactness() -> None:
    for stated, asking in ((CONCENTRATED, Asking(rho=10**20)), (PURE, Asking(epsilon=10**20))):
        asked = priced(asking, stated)
        assert asked.draws[0].scale == SMALLEST_SCALE
    assert priced(Asking(rho=10**20)).loss == gaussian_loss(1, SMALLEST_SCALE)


@pytest.mark.parametrize(
    ("asking", "stated", "reason"),
    [
        (Asking(epsilon=1), CONCENTRATED, Reason.INVALID_REQUEST),
        (Asking(rho=1), PURE, Reason.INVALID_REQUEST),
        (Asking(margin=2**41), CONCENTRATED, Reason.INVALID_REQUEST),
        (Asking(), PrivacyLoss(), Reason.BUDGET_EXHAUSTED),
        (Asking(share=Fraction(1, 10**12)), CONCENTRATED, Reason.INVALID_REQUEST),
        (Asking(share=Fraction(1, 10**13)), PURE, Reason.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_priced_is_told(asking: Asking, stated: PrivacyLoss, reason: Reason) -> None:
    told = refused(asking, stated)
    assert told.reason == reason and told.detail and told.suggestion


def test_less_than_a_unit_for_each_number_buys_nothing() -> None:
    with pytest.raises(Refusal):
        priced(Asking(rho=1), plan=TWO)
    assert priced(Asking(rho=1)).draws[0].scale == pytest.approx(math.sqrt(UNIT / 2))


def test_sums_that_may_not_fit_are_refused() -> None:
    with pytest.raises(Refusal) as raised:
        quote(ONE, CONCENTRATED, Asking(), SHARE, 5, 10, 2**62)
    assert raised.value.reason == Reason.BOUNDS_MISSING


def test_the_chance_to_be_shown_is_of_all_numbers() -> None:
    one, two = priced(Asking(rho=10**9)), priced(Asking(rho=2 * 10**9), plan=TWO)
    assert two.p_shown(12) == pytest.approx(one.p_shown(12) ** 2)
