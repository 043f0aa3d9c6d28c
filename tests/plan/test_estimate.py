"""Estimates are what the exact numbers would give but for the noise, and their intervals cover: exactly, from the laws, or
in 25,000 simulated draws."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from tests.plan.laws import draws as drawn
from tests.plan.laws import weights
from tests.plan.made import AGE, BORN, COST, KIND, PATIENTS, SEX, VISITS, WEIGHT, asking, number
from tre.plan.accuracy import half_width
from tre.plan.estimate import FINE, Estimate, Spread, estimator, mean, unit
from tre.plan.intervals import Noise, Term, ratio
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Plan
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, Draw
from tre.plan.rounding import rounded


def exact(plan: Plan, scale: float = 0.0625) -> tuple[Draw, ...]:
    """Draws of almost no noise."""
    return tuple(Draw(NOISY_MAX if m.kind == "ranks" else GAUSSIAN, scale, 1, 1) for m in measured(plan).measures)


def of_values(values: list[int], low: int, high: int, divisor: int) -> tuple[int, int, int]:
    """Rows, centred and square sums of one row a person."""
    width = high - low
    centred = [2 * x - (low + high) for x in values]
    return len(values), sum(centred), sum(math.trunc(Fraction(2 * c * c - width * width, divisor)) for c in centred)


def test_units() -> None:
    assert [unit(number(kind, WEIGHT)) for kind in ("sum", "avg", "mean_of_persons", "stddev", "var")] == [
        "0.1",
        "0.001",
        "0.001",
        "0.001",
        "0.0001",
    ]
    assert unit(number("persons")) == unit(number("rows", WEIGHT)) == unit(number("quantile", BORN, q="0.5")) == "1"
    assert unit(number("quantile", WEIGHT, q="0.5")) == "0.1" and unit(number("avg", AGE)) == "0.01"


def test_without_noise_the_statistics_are_the_values_own() -> None:
    dice = random.Random(3)
    plan = asking(PATIENTS, *(number(kind, WEIGHT, kind) for kind in ("sum", "avg", "var", "stddev")), number("persons"))
    kinds = [measure.kind for measure in measured(plan).measures]
    assert kinds == ["persons", "sum", "rows", "centred", "square"]
    divisor = measured(plan).measures[-1].divisor
    for _ in range(200):
        values = [dice.randint(200, 2_000) for _ in range(dice.randint(1, 400))]
        rows, centred, square = of_values(values, 200, 2_000, divisor)
        total, average, var, stddev, persons = estimator(plan, exact(plan), 5)((rows, sum(values), rows, centred, square))
        assert total is not None and total.value == sum(values) and persons is not None and persons.value == rounded(rows, 5)
        middle = Fraction(sum(values), rows)
        assert average is not None and abs(average.value - FINE * middle) <= Fraction(1, 2)
        spread = sum((x - middle) ** 2 for x in values) / rows
        assert var is not None and abs(var.value - FINE * spread) <= FINE * Fraction(divisor, 8) + 1
        assert stddev is not None and abs(stddev.value**2 - FINE**2 * spread) <= 2 * stddev.value + FINE**2 * divisor / 8 + 1


def test_counts_are_rounded_and_sums_are_not() -> None:
    plan = asking(VISITS, number("rows", alias="r"), number("sum", COST, "s"), keys=(KIND,))
    draws = (Draw(GAUSSIAN, 4.0, 1, 1), Draw(GAUSSIAN, 9.0, 1, 1), Draw(GAUSSIAN, 800.0, 1, 1))
    rows, total = estimator(plan, draws, 5)((31, 102, 4_321))
    near, far = half_width(GAUSSIAN, 9.0, 5), half_width(GAUSSIAN, 800.0, 1)
    assert rows == Estimate(100, 100 - near, 100 + near) and total == Estimate(4_321, 4_321 - far, 4_321 + far)


@pytest.mark.parametrize(("mechanism", "scale"), [(GAUSSIAN, 0.7), (GAUSSIAN, 12.3), (LAPLACE, 3.0), (LAPLACE, 11.0)])
@pytest.mark.parametrize("base", [1, 5])
def test_an_interval_of_a_count_covers_and_none_is_narrower(mechanism: str, scale: float, base: int) -> None:
    plan = asking(PATIENTS, number("persons"))
    estimate = estimator(plan, (Draw(mechanism, scale, 1, 1),), base)
    noise, chance = weights(mechanism, scale)
    worst, narrower = 1.0, 1.0
    for truth in range(1_000, 1_000 + base):
        covered = missed = 0.0
        for z, p in zip(noise, chance, strict=True):
            (found,) = estimate((truth + int(z),))
            assert found is not None and found.low is not None and found.high is not None
            covered += p * (found.low <= truth <= found.high)
            missed += p * (found.low + 1 <= truth <= found.high - 1)
        worst, narrower = min(worst, covered), min(narrower, missed)
    assert worst >= 0.95 > narrower
    assert scale < 10 * base or worst <= 0.96


MEANS = [(0, 1, 0.3), (0, 120, 0.5), (0, 120, 0.02), (-50, 950, 0.8)]


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize(("low", "high", "at"), MEANS)
@pytest.mark.parametrize(("scale", "rows"), [(0.4, 30), (1.3, 9), (4.67, 60), (14.0, 400)])
def test_a_mean_is_covered_exactly(mechanism: str, low: int, high: int, at: float, scale: float, rows: int) -> None:
    """For each noise of the rows, the noise of the centred sum at which the truth is covered is one stretch, whose ends are
    found by bisection: the chance is a double sum of the laws, no simulation."""
    width = high - low
    of_rows, of_centred = Noise(mechanism, scale), Noise(mechanism, scale * width)
    centred = round((2 * at - 1) * width * rows)
    truth = FINE * Fraction(low + high, 2) + Fraction(FINE * centred, 2 * rows)
    noise, chance = weights(mechanism, scale)
    wide, heavy = weights(mechanism, scale * width)
    below = np.concatenate([[0.0], np.cumsum(heavy)])
    covered = sure = 0.0
    for z, p in zip(noise, chance, strict=True):
        if p < 1e-9 or ratio([Term(1.0, 0, of_centred)], Term(1.0, rows + int(z), of_rows), 0.05) is None:
            continue
        sure += p

        def too_low(place: int, rows: int = rows + int(z)) -> bool:
            found = mean(low, high, rows, centred + int(wide[place]), of_rows, of_centred)
            assert found is not None and found.high is not None
            return found.high < truth

        def low_enough(place: int, rows: int = rows + int(z)) -> bool:
            found = mean(low, high, rows, centred + int(wide[place]), of_rows, of_centred)
            assert found is not None and found.low is not None
            return found.low <= truth

        first, last = _first(len(wide), lambda place: not too_low(place)), _first(len(wide), lambda place: not low_enough(place))
        covered += p * (below[last] - below[first])
    assert sure > 0.5 and covered / sure >= 0.95


def _first(size: int, holds) -> int:  # type: ignore[no-untyped-def]
    """The first place where what holds from some place on holds."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


@pytest.mark.parametrize("at", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("rows", [100, 5_000])
def test_the_error_of_a_mean_is_what_is_promised(at: float, rows: int) -> None:
    """95 % of errors within 1.96 sqrt(h^2 / (2 rho_s) + (m - mid)^2 / (2 rho_n)) / n, to 5 %, at rho_s = rho_n = 0.0115: the
    whole of (1, 1e-6) for COUNT and AVG. 60,000 draws, whose 95th percentile is good to 0.9 %."""
    low, high, rho, size = 0, 120, 0.022937 / 2, 60_000
    half = (high - low) / 2
    of_rows, of_centred = Noise(GAUSSIAN, 1 / math.sqrt(2 * rho)), Noise(GAUSSIAN, 2 * half / math.sqrt(2 * rho))
    centred = round(2 * half * at * rows)
    n, c = drawn(GAUSSIAN, of_rows.scale, size, 1), drawn(GAUSSIAN, of_centred.scale, size, 2)
    truth = FINE * (low + half + centred / rows / 2)
    errors = []
    for z, y in zip(n.tolist(), c.tolist(), strict=True):
        found = mean(low, high, rows + z, centred + y, of_rows, of_centred)
        assert found is not None
        errors.append(abs(found.value - truth) / FINE)
    promised = 1.96 * math.sqrt(half**2 / (2 * rho) + (half * at) ** 2 / (2 * rho)) / rows
    assert float(np.quantile(errors, 0.95)) == pytest.approx(promised, rel=0.05, abs=0.01)


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 120), (200, 2_000)])
@pytest.mark.parametrize(("rows", "skew"), [(60, 0.0), (400, 0.35), (5_000, 0.48)])
def test_variances_and_deviations_are_covered(mechanism: str, low: int, high: int, rows: int, skew: float) -> None:
    """No fewer than 95 % of 25,000 draws cover (of 4,000 in most cases), at a scale of 4.67 a row."""
    size, width = 25_000 if (rows, high) == (400, 120) else 4_000, high - low
    dice = np.random.default_rng(rows + width)
    values = np.clip(np.round(dice.normal((low + high) / 2 + skew * width, width / 5, rows)), low, high).astype(int).tolist()
    plan = asking(PATIENTS, number("var", Column("patients", "v", Domain("integer", False, (), low, high))))
    divisor = measured(plan).measures[-1].divisor
    truth = of_values(values, low, high, divisor)
    scales = [4.67, 4.67 * width, 4.67 * max(1, width * width // divisor)]
    spread = Spread(low, high, divisor, *(Noise(mechanism, scale) for scale in scales))
    exact_var = _variance(*truth, low, high, divisor)
    noises = [
        drawn(mechanism, min(scale, 50_000.0) if mechanism == LAPLACE else scale, size, place)
        for place, scale in enumerate(scales)
    ]
    if scales[2] > 50_000 and mechanism == LAPLACE:  # a law too long to list: stretched
        noises[2] = np.round(noises[2] * (scales[2] / 50_000)).astype(np.int64)
    told = covered = rooted = 0
    for n, c, q in zip(*(noise.tolist() for noise in noises), strict=True):
        var = spread.estimate("var", truth[0] + n, truth[1] + c, truth[2] + q)
        root = spread.estimate("stddev", truth[0] + n, truth[1] + c, truth[2] + q)
        if var is None or root is None or var.low is None or var.high is None or root.low is None or root.high is None:
            continue
        assert 0 <= var.low <= var.value <= var.high <= FINE * width * width / 4 and 0 <= root.low <= root.value <= root.high
        told += 1
        covered += var.low <= exact_var <= var.high
        rooted += root.low <= math.sqrt(FINE * exact_var) <= root.high
    assert told > size * 0.95 and min(covered, rooted) / told >= 0.95


def _variance(rows: int, centred: int, square: int, low: int, high: int, divisor: int) -> float:
    width = high - low
    return max(0.0, FINE * float((width * width + Fraction(divisor * square, rows)) / 8 - Fraction(centred, rows) ** 2 / 4))


def test_a_negative_variance_is_none_after_the_noise() -> None:
    plan = asking(PATIENTS, number("var", AGE, "v"), number("stddev", AGE, "s"))
    draws = (Draw(GAUSSIAN, 4.0, 1, 1), Draw(GAUSSIAN, 500.0, 1, 1), Draw(GAUSSIAN, 60_000.0, 1, 1))
    rows, centred, square = of_values([60] * 40, 0, 120, 1)
    var, stddev = estimator(plan, draws, 5)((rows, centred, square - 10_000))
    assert var is not None and stddev is not None and var.value == stddev.value == 0
    assert var.low == stddev.low == 0 and (var.high or 0) > 0 and (stddev.high or 0) > 0
    # The interval of a small deviation is lopsided: its low end is nobody's spread, its high end is far.
    var, stddev = estimator(plan, draws, 5)((rows, centred, square + 5_000))
    assert stddev is not None and stddev.low is not None and stddev.high is not None
    assert stddev.value - stddev.low != stddev.high - stddev.value


def test_what_is_not_defined() -> None:
    plan = asking(
        PATIENTS, *(number(kind, WEIGHT, kind) for kind in ("avg", "var", "stddev")), number("quantile", WEIGHT, "q", q="0.5")
    )
    assert [measure.kind for measure in measured(plan).measures] == ["persons", "centred", "square", "ranks"]
    estimate = estimator(plan, exact(plan, 4.0), 5)
    assert estimate((0, 5, 5, 700)) == estimate((-3, 5, 5, 700)) == (None, None, None, None)
    few = estimate((20, 5, 5, 700))  # five scales of 4
    assert all(found is not None and found.low is None and found.high is None for found in few)
    enough = estimate((21, 5, 5, 700))
    assert all(found is not None and found.low is not None for found in enough[:3]) and enough[3] == Estimate(700, None, None)


def test_a_mean_is_inside_its_clamp_bounds() -> None:
    dice = random.Random(5)
    for mechanism in (GAUSSIAN, LAPLACE):
        for _ in range(500):
            rows = dice.randint(1, 200)
            found = mean(0, 120, rows, dice.randint(-30_000, 30_000), Noise(mechanism, 4.67), Noise(mechanism, 560.0))
            assert found is not None and 0 <= found.value <= 12_000
            assert found.low is None or (found.high is not None and 0 <= found.low <= found.value <= found.high <= 12_000)


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize(("scale", "parts"), [(0.3, 9), (1.5, 40), (4.67, 7), (20.0, 42)])
def test_a_total_that_was_added_covers(mechanism: str, scale: float, parts: int) -> None:
    """25,000 totals of so many independent cells."""
    plan = asking(PATIENTS, number("persons"), keys=(SEX,), sets=((0,), ()))
    estimate, size = estimator(plan, (Draw(mechanism, scale, 1, 1),), 5, parts), 25_000
    noise = drawn(mechanism, scale, size * parts, 9).reshape(size, parts).sum(axis=1)
    (found,) = estimate((1_002,))
    assert found is not None and found.high is not None
    half = found.high - found.value
    seen = float(np.mean([abs(rounded(1_002 + z, 5) - 1_002) <= half for z in noise.tolist()]))
    assert seen >= 0.95 - 4.9 * math.sqrt(0.95 * 0.05 / size)
    assert half <= 2 + 1.07 * 1.96 * float(noise.std()) + 5


def test_large_numbers_keep_their_digits() -> None:
    """70 million persons of twenty rows: ends stay on both sides of the value and within twice what the noise is."""
    rows, width = 1_400_000_000, 2**31
    of_rows, of_centred = Noise(GAUSSIAN, 900.0), Noise(GAUSSIAN, 900.0 * width)
    found = mean(0, width, rows, 123_456_789 * rows, of_rows, of_centred)
    assert found is not None and found.low is not None and found.high is not None
    promised = FINE * 1.96 * math.hypot(900.0 * width, 123_456_789 * 900.0) / (2 * rows)
    assert found.value == FINE * width // 2 + FINE // 2 * 123_456_789
    assert found.high - found.low == pytest.approx(2 * promised, rel=0.01)
