"""The formulae of privacy loss: against OpenDP's own conversion, against published numbers, and never rounded for the asker."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import opendp.prelude as dp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tre import loss
from tre.loss import UNIT, PrivacyLoss

dp.enable_features("contrib")
DELTA = Decimal("1e-6")


def opendp_epsilon(rho: int, delta: float) -> float:
    """What OpenDP's conversion says of a Gaussian of that rho: the second opinion."""
    scale = loss.gaussian_scale(1, rho)
    gaussian = dp.m.make_gaussian(dp.atom_domain(T="i64"), dp.absolute_distance(T="f64"), scale=scale)
    epsilon: float = dp.c.make_zCDP_to_approxDP(gaussian).map(1.0).epsilon(delta)
    return epsilon


def test_the_published_conversions() -> None:
    assert loss.budget(Decimal(1), DELTA).rho == pytest.approx(0.022937 * UNIT, abs=10**6)
    assert loss.budget(Decimal(1), DELTA, Decimal(0)).rho == pytest.approx(0.024356 * UNIT, abs=10**6)
    assert loss.budget(Decimal(1), DELTA).delta == 5 * 10**11


@pytest.mark.parametrize("epsilon", ["0.01", "0.1", "1", "5.4", "20", "50"])
@pytest.mark.parametrize("delta", ["1e-5", "1e-6", "1e-9", "1e-12"])
def test_opendp_agrees_with_the_conversion(epsilon: str, delta: str) -> None:
    rho = loss.rho_within(Decimal(epsilon), Decimal(delta))
    assert opendp_epsilon(rho, float(delta)) == pytest.approx(float(epsilon), rel=2e-4)
    assert opendp_epsilon(rho, float(delta)) <= float(epsilon) * (1 + 1e-4)


@given(st.integers(1, 10**13), st.sampled_from(["1e-5", "1e-6", "1e-9"]))
def test_the_way_back_is_never_lower(rho: int, delta: str) -> None:
    epsilon = loss.epsilon_for(rho, Decimal(delta))
    assert loss.rho_within(epsilon, Decimal(delta)) >= rho
    assert loss.rho_within(epsilon - Decimal("0.000002"), Decimal(delta)) < rho or epsilon <= Decimal("0.000002")


@given(st.integers(1, 199), st.integers(1, 50), st.integers(1, 10**13))
def test_a_scale_never_costs_more_than_its_charge_and_not_much_less(groups: int, rows: int, rho: int) -> None:
    squared = groups * rows * rows
    scale = loss.gaussian_scale(squared, rho)
    assert Fraction(squared) / (2 * Fraction(scale) ** 2) <= Fraction(rho, UNIT)
    assert loss.gaussian_loss(squared, scale).rho == rho
    assert Fraction(squared) / (2 * Fraction(scale * (1 - 1e-12)) ** 2) > Fraction(rho, UNIT)


@given(st.integers(1, 500), st.integers(1, 10**14))
def test_a_laplace_scale_likewise(sensitivity: int, epsilon: int) -> None:
    scale = loss.laplace_scale(sensitivity, epsilon)
    assert Fraction(sensitivity) / Fraction(scale) <= Fraction(epsilon, UNIT)
    assert loss.laplace_loss(sensitivity, scale).epsilon == epsilon


def test_a_million_small_losses_are_exactly_their_sum() -> None:
    small, total = loss.of_rho(Fraction(1, 10**6)), PrivacyLoss()
    for _ in range(10**6):
        total += small
    assert total == PrivacyLoss(rho=UNIT)


@given(st.fractions(Fraction(1, 10**6), 1), st.integers(1, 10**13))
def test_equal_shares_never_exceed_the_whole(share: Fraction, rho: int) -> None:
    part = loss.share_of(PrivacyLoss(rho=rho), share)
    assert part.rho * int(1 / share) <= rho


def test_a_pure_loss_counts_as_half_its_square() -> None:
    assert PrivacyLoss(epsilon=UNIT).concentrated() == PrivacyLoss(rho=UNIT // 2)
    assert PrivacyLoss(epsilon=1).concentrated() == PrivacyLoss(rho=1)
    assert PrivacyLoss(rho=7, delta=3).concentrated() == PrivacyLoss(rho=7, delta=3)


def test_only_whole_non_negative_amounts_of_one_kind_are_a_loss() -> None:
    for wrong in ({"rho": 0.1}, {"rho": True}, {"epsilon": float("nan")}):
        with pytest.raises(TypeError):
            PrivacyLoss(**wrong)  # type: ignore[arg-type]
    for wrong in ({"rho": -1}, {"rho": 1, "epsilon": 1}, {"epsilon": 1, "delta": 1}):
        with pytest.raises(ValueError):
            PrivacyLoss(**wrong)


def test_fits_looks_at_every_part() -> None:
    ceiling = PrivacyLoss(rho=10, delta=5)
    assert PrivacyLoss(rho=10, delta=5).fits(ceiling)
    assert not PrivacyLoss(rho=11).fits(ceiling) and not PrivacyLoss(delta=6).fits(ceiling)
    assert not PrivacyLoss(epsilon=1).fits(ceiling)


@pytest.mark.parametrize(("epsilon", "delta"), [("-1", "0"), ("1", "1"), ("1", "-1e-6")])
def test_what_is_no_budget_is_refused(epsilon: str, delta: str) -> None:
    with pytest.raises(ValueError):
        loss.budget(Decimal(epsilon), Decimal(delta))


@given(st.integers(1, 40), st.integers(1, 90_000), st.floats(0.0625, 1e9))
def test_a_noisy_maximum_costs_what_opendp_says(groups: int, sensitivity: int, scale: float) -> None:
    """OpenDP's map of one group, times the groups that one person is in; ours is exact and rounded up, so never below."""
    vector = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64", monotonic=False)
    for pure, measure in ((False, dp.zero_concentrated_divergence()), (True, dp.max_divergence())):
        theirs = groups * Fraction(dp.m.make_noisy_max(*vector, measure, scale=scale).map(sensitivity))
        ours = loss.noisy_max_loss(groups, sensitivity, scale, pure)
        amount = Fraction(ours.epsilon if pure else ours.rho, UNIT)
        assert theirs * (1 - Fraction(1, 2**45)) <= amount <= theirs * (1 + Fraction(1, 2**45)) + Fraction(1, UNIT)


@given(st.integers(1, 10**13), st.integers(0, 10**12), st.fractions(Fraction(1, 1000), Fraction(1)))
def test_keys_delta_is_charged_in_the_same_fraction(rho: int, delta: int, share: Fraction) -> None:
    stated = PrivacyLoss(rho=rho, delta=delta)
    part = loss.share_of(stated, share)
    charged = loss.keys_delta_of(stated, part.rho)
    assert charged <= delta * share and charged * rho <= delta * part.rho < (charged + 1) * rho
    assert (PrivacyLoss(rho=part.rho, delta=charged) + PrivacyLoss(rho=rho - part.rho)).fits(stated)
    assert loss.keys_delta_of(stated, 2 * rho) == delta and loss.keys_delta_of(PrivacyLoss(delta=delta), 5) == 0
