"""The tail behind discovered keys, against sums of the mass function and against the room that chooses the threshold."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from tre.plan.selection import tau
from tre.vault.tail import SUMMED, _at_least, _wide, shown_alone


def mass_above(scale: float, z: int) -> float:
    reach = math.ceil(12 * scale) + z
    masses = {k: math.exp(-(k * k) / (2 * scale * scale)) for k in range(-reach, reach + 1)}
    return math.fsum(m for k, m in masses.items() if k >= z) / math.fsum(masses.values())


@pytest.mark.parametrize("scale", [0.0625, 0.3, 1.0, 2.5, 46.7, 300.0])
@pytest.mark.parametrize("deviations", [0.5, 2.0, 5.0, 8.0])
def test_the_tail_is_the_sum_of_the_masses(scale: float, deviations: float) -> None:
    z = max(1, math.ceil(scale * deviations))
    found, sums = _at_least(scale, z), mass_above(scale, z)
    assert float(found) == pytest.approx(sums, rel=1e-9)
    assert found >= Decimal(sums) * (1 - Decimal(10) ** -12)


@pytest.mark.parametrize("deviations", [1.1, 3.0, 5.0, 7.0])
def test_beyond_the_sums_the_bound_is_above_and_near(deviations: float) -> None:
    """At the largest scale that is summed, both are there: the bound is above, by less than 1e-8 of it."""
    z = math.ceil(SUMMED * deviations)
    exact, bound = _at_least(SUMMED, z), _wide(SUMMED, z)
    assert exact <= bound <= exact * (1 + Decimal(10) ** -8)


def test_a_threshold_of_one_shows_everything() -> None:
    assert shown_alone(3.0, 1, 1) == 1
    assert shown_alone(1e6, 2, 1) == 1


def test_more_groups_are_shown_oftener() -> None:
    one = shown_alone(4.0, 22, 1)
    assert float(shown_alone(4.0, 22, 10)) == pytest.approx(float(1 - (1 - Fraction(one)) ** 10), rel=1e-9)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.3, 46.7, 199.0, 201.0, 1234.5, 2.0**14, 2.0**15 + 0.1])
@pytest.mark.parametrize("groups", [1, 10, 144])
@pytest.mark.parametrize("delta", [10**9, 5 * 10**11, 10**15])
def test_the_threshold_that_is_chosen_passes_and_none_lower(scale: float, groups: int, delta: int) -> None:
    chosen = tau(scale, groups, delta)
    assert shown_alone(scale, chosen, groups) * 10**18 <= delta
    assert shown_alone(scale, chosen - 1, groups) * 10**18 > delta or scale > 200  # there the chooser's bound is wider
