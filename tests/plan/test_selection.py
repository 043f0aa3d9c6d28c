"""The threshold of discovered keys against brute force in 80 digits, and by simulation at a large delta."""

from __future__ import annotations

import math
import random
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from tre.loss import DELTA_UNIT, budget, gaussian_scale
from tre.plan.accuracy import p_shown
from tre.plan.selection import SUMMED, tau, upper_tail


def exact_tail(scale: float, z: int) -> Decimal:
    """P(Z >= z), summed as far as anything is left in 80 digits."""
    with localcontext() as context:
        context.prec = 80
        width, reach = 2 * Decimal(scale) ** 2, math.ceil(20 * scale) + 20
        weights = {k: (Decimal(-k * k) / width).exp() for k in range(-reach, reach + 1)}
        return sum((weight for k, weight in weights.items() if k >= z), Decimal(0)) / sum(weights.values())


def shown_alone(scale: float, groups: int, threshold: int) -> Decimal:
    """The chance that of so many one-person groups any is shown: that 1 + Z reaches the threshold in one of them."""
    with localcontext() as context:
        context.prec = 80
        return 1 - (1 - exact_tail(scale, threshold - 1)) ** groups


@pytest.mark.parametrize("scale", [0.0625, 0.5, 1.0, 2.0, 4.669, 14.76, 60.0])
@pytest.mark.parametrize("groups", [1, 2, 10, 37])
@pytest.mark.parametrize("delta", [10**6, 5 * 10**9, 5 * 10**11, 10**15, 3 * 10**17])
def test_the_smallest_that_is_rare_enough(scale: float, groups: int, delta: int) -> None:
    found, allowed = tau(scale, groups, delta), Decimal(delta) / DELTA_UNIT
    assert shown_alone(scale, groups, found) <= allowed
    assert found == 2 or shown_alone(scale, groups, found - 1) > allowed


def test_the_tail_is_never_understated_and_hardly_overstated() -> None:
    for scale in (1.0, 2.0, 33.3):
        for z in (1, 2, 3, round(4 * scale), round(7 * scale), round(9 * scale)):
            exact = exact_tail(scale, z)
            assert exact <= upper_tail(scale)(z) <= exact * (1 + Decimal("1e-15")) + Decimal("1e-39")


def test_the_proven_bound_of_wide_noise_is_above_the_sum_and_near() -> None:
    just, wide = upper_tail(SUMMED), upper_tail(SUMMED + 1e-9)
    for z in (250, 500, 900, 1_400):
        assert just(z) < wide(z) < just(z) * Decimal("1.001")
    assert wide(100) == 1  # nearer than a scale no threshold is sought
    for delta in (10**6, 10**9, 5 * 10**11):
        assert 0 <= tau(SUMMED + 1e-9, 3, delta) - tau(SUMMED, 3, delta) <= 1


def test_the_numbers_of_the_design() -> None:
    """The whole of (1, 1e-6): shown with even chances at 25 persons where L0 is 1, at 81 where it is 10."""
    whole = budget(Decimal(1), Decimal("1e-6"))
    for groups, most in ((1, 25), (10, 81)):
        scale = gaussian_scale(groups, whole.rho)
        threshold = tau(scale, groups, whole.delta)
        assert threshold <= most and p_shown("discrete gaussian", scale, most, threshold) >= 0.5


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("groups", [1, 4])
def test_a_person_alone_is_shown_no_more_often_than_delta(scale: float, groups: int) -> None:
    """A million one-person groups at a delta large enough to see."""
    dice, delta = random.Random(11), DELTA_UNIT // 500
    threshold, reach = tau(scale, groups, delta), math.ceil(12 * scale)
    weights = [math.exp(-k * k / (2 * scale * scale)) for k in range(-reach, reach + 1)]
    draws = dice.choices(range(-reach, reach + 1), weights, k=1_000_000)
    people = 1_000_000 // groups
    shown = sum(any(1 + z >= threshold for z in draws[at * groups : (at + 1) * groups]) for at in range(people))
    allowed = delta / DELTA_UNIT
    assert shown / people <= allowed + 4.9 * math.sqrt(allowed / people)
    exact = float(shown_alone(scale, groups, threshold))
    assert abs(shown / people - exact) <= 4.9 * math.sqrt(exact / people) and exact <= allowed


def test_more_groups_or_less_delta_is_a_higher_threshold() -> None:
    found = [tau(5.0, groups, 10**11) for groups in (1, 2, 5, 20, 100, 10_000)]
    assert found == sorted(found) and found[0] < found[-1]
    found = [tau(5.0, 1, 10**power) for power in range(17, 3, -1)]
    assert found == sorted(found)


@pytest.mark.parametrize(("groups", "delta"), [(1, 0), (1, DELTA_UNIT // 2), (0, 10**9), (1, -1)])
def test_what_is_no_delta(groups: int, delta: int) -> None:
    with pytest.raises(ValueError, match="delta"):
        tau(1.0, groups, delta)


def test_a_large_delta_is_exact_too() -> None:
    assert Fraction(1, 3) >= Fraction(shown_alone(1.0, 1, tau(1.0, 1, DELTA_UNIT // 3)))
