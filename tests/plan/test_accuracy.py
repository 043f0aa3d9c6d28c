"""Half-widths against brute force: the exact law term by term, in 50 digits, and simulated draws."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from decimal import Decimal, localcontext

import pytest

from tre.plan.accuracy import covers, half_width, p_shown, within
from tre.plan.convolution import law_of_sum
from tre.plan.rounding import rounded

GAUSSIAN, LAPLACE = "discrete gaussian", "discrete laplace"


def weights(mechanism: str, scale: float, reach: int) -> dict[int, Decimal]:
    """P(Z = z), normalised over a reach that leaves out less than 1e-20."""
    with localcontext() as context:
        context.prec = 50
        width = Decimal(scale)
        weigh: Callable[[int], Decimal] = (
            (lambda z: (-Decimal(z * z) / (2 * width * width)).exp())
            if mechanism == GAUSSIAN
            else (lambda z: (-Decimal(abs(z)) / width).exp())
        )
        raw = {z: weigh(z) for z in range(-reach, reach + 1)}
        whole = sum(raw.values())
        return {z: weight / whole for z, weight in raw.items()}


def reach(mechanism: str, scale: float) -> int:
    return math.ceil((10 if mechanism == GAUSSIAN else 48) * scale) + 8


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("scale", [0.0625, 0.3, 0.9, 1.0, 2.5, 7.7, 20.0, 46.7])
@pytest.mark.parametrize("rounding", [1, 2, 5, 10])
def test_the_smallest_that_covers(mechanism: str, scale: float, rounding: int) -> None:
    law = weights(mechanism, scale, reach(mechanism, scale))
    h = half_width(mechanism, scale, rounding)

    def coverage(width: int) -> Decimal:
        return min(
            sum((p for z, p in law.items() if abs(rounded(truth + z, rounding) - truth) <= width), Decimal(0))
            for truth in range(1_000, 1_000 + rounding)
        )

    assert coverage(h) >= Decimal("0.95") > coverage(h - 1)


@pytest.mark.parametrize("scale", [10.0, 46.69, 200.0, 999.0])
@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
def test_coverage_is_near_95_where_noise_is_wide(mechanism: str, scale: float) -> None:
    """94 to 96 % where the scale is ten grid steps, rounding included."""
    rounding = max(1, int(scale // 10) // 2 * 2 + 1) if scale < 100 else 5
    h, law = half_width(mechanism, scale, rounding), within(mechanism, scale)
    for truth in range(rounding):
        lowest, highest = -((h - truth) // rounding) * rounding, (truth + h) // rounding * rounding
        chance = (law(truth - lowest + rounding // 2) + law(highest + (rounding - 1) // 2 - truth)) / 2
        assert 0.95 <= chance <= 0.97
    assert sum(covers(mechanism, scale, rounding, width) for width in (h - 1, h)) == 1


def test_the_normal_tail_is_the_sum_where_both_are_known() -> None:
    """Just above the scale up to which the law is summed, the tail with its proven error is as good as the sum."""
    for scale in (1_000.5, 1_500.0, 4_000.0):
        most = math.ceil(9 * scale)
        sums = [0.0]
        for k in range(most):
            sums.append(sums[-1] + math.exp(-k * k / (2 * scale * scale)))
        whole = 2 * sums[-1] - 1
        tail = within(GAUSSIAN, scale)
        for n in (0, 1, int(scale), int(1.96 * scale), int(3 * scale)):
            exact = (2 * sums[n + 1] - 1) / whole
            assert exact - 1e-6 < tail(n) <= exact + 1e-12
        h = half_width(GAUSSIAN, scale, 1)
        assert (2 * sums[h + 1] - 1) / whole >= 0.95 > (2 * sums[h] - 1) / whole


def test_continuous_from_one_form_to_the_other() -> None:
    assert half_width(GAUSSIAN, 1_000.0, 5) <= half_width(GAUSSIAN, 1_000.0001, 5) <= half_width(GAUSSIAN, 1_000.0, 5) + 1


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
def test_half_widths_grow_with_the_scale(mechanism: str) -> None:
    scales = [2 ** (step / 8 - 4) for step in range(8 * 30)]
    widths = [half_width(mechanism, scale, 5) for scale in scales]
    assert widths == sorted(widths)
    assert widths[-1] == pytest.approx((1.96 if mechanism == GAUSSIAN else math.log(20)) * scales[-1], rel=1e-3)


@pytest.mark.parametrize(("mechanism", "scale"), [(GAUSSIAN, 3.0), (LAPLACE, 4.0), (GAUSSIAN, 30.0)])
def test_simulated_draws_are_covered(mechanism: str, scale: float) -> None:
    """25,000 draws: the share within the half-width, rounding included, within 5 standard errors of the exact chance."""
    dice = random.Random(7)
    law = {z: float(p) for z, p in weights(mechanism, scale, reach(mechanism, scale)).items()}
    draws = dice.choices(list(law), list(law.values()), k=25_000)
    for base, truth in ((5, 102), (5, 100), (1, 3), (10, 5)):
        h = half_width(mechanism, scale, base)
        exact = sum(p for z, p in law.items() if abs(rounded(truth + z, base) - truth) <= h)
        seen = sum(abs(rounded(truth + z, base) - truth) <= h for z in draws) / len(draws)
        assert abs(seen - exact) < 5 * math.sqrt(exact * (1 - exact) / len(draws)) + 1e-9
        assert exact >= 0.95


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
def test_the_chance_to_be_shown_is_exact(mechanism: str) -> None:
    for scale in (0.5, 4.67, 12.0):
        law = weights(mechanism, scale, reach(mechanism, scale))
        for persons in (0, 5, 9, 10, 11, 20, 50):
            exact = float(sum((p for z, p in law.items() if persons + z >= 10), Decimal(0)))
            assert p_shown(mechanism, scale, persons, 10) == pytest.approx(exact, abs=1e-9)


def test_the_documented_chances_of_an_empty_group() -> None:
    assert round(p_shown(GAUSSIAN, 4.67, 0, 10), 2) == 0.02
    assert round(p_shown(GAUSSIAN, 46.7, 0, 10), 2) == 0.42


@pytest.mark.alone
def test_half_widths_are_quick() -> None:
    """2 ms typically, uncached; ten times that is allowed on a busy machine."""
    took = []
    for scale in (1.23, 45.31, 46.69, 333.3, 999.9, 12_345.6, 1e9):
        for mechanism in (GAUSSIAN, LAPLACE):
            half_width.cache_clear()
            within.cache_clear()
            began = time.perf_counter()
            half_width(mechanism, scale, 5)
            took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.002 and max(took) < 0.02


def test_an_unknown_mechanism_has_no_law() -> None:
    with pytest.raises(ValueError, match="no such mechanism"):
        half_width("uniform", 1.0, 5)


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("miss", [0.05, 0.025, 0.005])
def test_other_levels_than_95(mechanism: str, miss: float) -> None:
    law = weights(mechanism, 3.3, reach(mechanism, 3.3))
    h = half_width(mechanism, 3.3, 1, 1, miss)
    inside = [sum((p for z, p in law.items() if abs(z) <= width), Decimal(0)) for width in (h, h - 1)]
    assert inside[0] >= Decimal(1) - Decimal(str(miss)) > inside[1]


def sums(mechanism: str, scale: float, parts: int) -> list[float]:
    """P(Z = z) of a sum, convolved term by term, from the middle up."""
    one = {z: float(p) for z, p in weights(mechanism, scale, reach(mechanism, scale)).items()}
    law = {0: 1.0}
    for _ in range(parts):
        found: dict[int, float] = {}
        for z, p in law.items():
            for w, r in one.items():
                found[z + w] = found.get(z + w, 0.0) + p * r
        law = found
    return [law[z] for z in range(max(law) + 1)]


@pytest.mark.parametrize(
    ("mechanism", "scale", "parts"),
    [(GAUSSIAN, 0.3, 5), (GAUSSIAN, 1.4, 4), (GAUSSIAN, 2.0, 3), (LAPLACE, 0.8, 3), (LAPLACE, 2.5, 2)],
)
def test_the_law_of_a_sum_is_a_convolution(mechanism: str, scale: float, parts: int) -> None:
    law = sums(mechanism, scale, parts)
    told = within(mechanism, scale, parts)
    chance = law[0]
    for n in range(1, len(law) // 2):
        assert chance - 1e-12 <= told(n - 1) + 1e-12 and told(n - 1) <= chance + 1e-9
        chance += 2 * law[n]


def test_a_sum_too_wide_to_convolve_is_told_a_little_wider() -> None:
    """Against the convolution itself, slow as it is there, and against a normal's standard deviation for many."""
    for parts in (2, 3):
        wide = half_width(LAPLACE, 90.0, 1, parts)
        exact = law_of_sum(LAPLACE, 90.0, parts)
        assert exact(wide) >= 0.95 and exact(round(wide / 1.035)) < 0.95
    many = half_width(LAPLACE, 1_000.0, 1, 5_000)
    assert 1 <= many / (1.96 * 1_000 * math.sqrt(2 * 5_000)) < 1.02
    tiny = half_width(GAUSSIAN, 1.5, 1, 90_000)
    assert 1 <= tiny / (1.96 * 1.5 * 300) < 1.01


def test_the_chance_to_be_shown_of_a_total() -> None:
    law = sums(LAPLACE, 2.5, 2)
    assert p_shown(LAPLACE, 2.5, 5, 10, 2) == pytest.approx(sum(law[5:]), abs=1e-9)
    assert p_shown(LAPLACE, 2.5, 13, 10, 2) == pytest.approx(sum(law) + sum(law[1:4]), abs=1e-9)
