"""From the noisy numbers of one group to its statistics, each with a 95 % noise interval.

Promises to be a function of the plan, the draws and the noisy numbers alone: after the noise, for nothing. Values and ends are
integers in units of `unit`; an interval covers the bounded truth (what the exact numbers would have given) in at least 95 % of
draws, before suppression. None where a statistic is not defined or its interval cannot be promised. Never sees an exact number.

In grid steps, with N, C and Q the rows, centred and square numbers of `plan.measures`, w = hi - lo and d the divisor:

    mean       (lo + hi)/2 + C/(2 N)
    variance   (w^2 + d Q/N)/8 - (C/N)^2/4, at least 0 after the noise, at most (w/2)^2

Ratios with Gaussian noise have Fieller's interval (Fieller 1954: the t for which |C - t N| is within z scales), of scales that
are widened by what the grid of the noise can add; with Laplace noise the box of two intervals (Bonferroni). Of a variance the
interval of Q/N misses in at most 4.5 % and that of C/N in at most 0.5 %. A quantile has no interval of its value: how far its
rank is off is on the preview.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

from tre.plan.accuracy import MISS, half_width
from tre.plan.measures import Measure, measured
from tre.plan.nodes import Plan, Statistic
from tre.plan.order import LAPLACE, Draw
from tre.plan.rounding import rounded

FINE = 100  # means and spreads are told in hundredths of a grid step
SURE = 5  # a ratio has an interval where its denominator is above so many scales
OF_MEAN = 0.1  # of a variance's allowed error, what the mean's part may miss
GRAIN = 0.5 / 1.959964  # a scale so much wider covers the half step that whole numbers add


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of one group, in units of `unit(statistic)`. ``low`` and ``high`` are both None where there is no interval."""

    value: int
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends")


Numbers = Sequence[int]
Estimator = Callable[[Numbers], tuple[Estimate | None, ...]]
_One = Callable[[Numbers], Estimate | None]
Ends = tuple[float, float]


def unit(statistic: Statistic) -> str:
    """In what a statistic's integers count, as decimal text: 1 for counts and for dates (days), else of the value's grid."""
    if statistic.kind in ("persons", "rows"):
        return "1"
    assert statistic.value is not None
    grid = Decimal(statistic.value.domain.grid)
    if statistic.kind in ("avg", "mean_of_persons", "stddev"):
        grid /= FINE
    elif statistic.kind == "var":
        grid = grid * grid / FINE
    return format(grid.normalize(), "f")


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one noisy number: of one draw, or of ``parts`` independent cells that were added up."""

    mechanism: str
    scale: float
    parts: int = 1

    @property
    def spread(self) -> float:
        """The scale of the sum: of independent noise squares add up."""
        return self.scale * math.sqrt(self.parts)

    def half(self, base: int = 1, miss: float = MISS) -> int:
        return half_width(self.mechanism, self.scale, base, self.parts, miss)


def estimator(plan: Plan, draws: Sequence[Draw], rounding: int, parts: int = 1) -> Estimator:
    """From one group's noisy numbers, one a measure, to the statistics in the plan's order. ``parts``: how many noisy cells each
    number was added up from (`sets.parts`)."""
    found = measured(plan)
    noises = [Noise(draw.mechanism, draw.scale, parts) for draw in draws]
    ones = [_one(statistic, found.parts[statistic.alias], found.measures, noises, rounding) for statistic in plan.statistics]
    return lambda numbers: tuple(one(numbers) for one in ones)


def _one(statistic: Statistic, places: tuple[int, ...], measures: Sequence[Measure], noises: Sequence[Noise], base: int) -> _One:
    kind, own = statistic.kind, [noises[place] for place in places]
    if kind in ("persons", "rows", "sum"):
        return _number(places[0], own[0], 1 if kind == "sum" else base)
    assert statistic.value is not None
    if kind == "quantile":
        return lambda numbers: Estimate(numbers[places[1]], None, None) if numbers[places[0]] > 0 else None
    low, high = statistic.value.domain.ends
    if kind in ("avg", "mean_of_persons"):
        return lambda numbers: mean(low, high, *(numbers[place] for place in places), *own)  # type: ignore[arg-type]
    spread = Spread(low, high, measures[places[2]].divisor, *own)
    return lambda numbers: spread.estimate(kind, *(numbers[place] for place in places))


def _number(place: int, noise: Noise, base: int) -> _One:
    half = noise.half(base)

    def estimate(numbers: Numbers) -> Estimate:
        shown = rounded(numbers[place], base)
        return Estimate(shown, shown - half, shown + half)

    return estimate


def mean(low: int, high: int, rows: int, centred: int, of_rows: Noise, of_centred: Noise) -> Estimate | None:
    """The mean in hundredths of a grid step, forced with its interval into the clamp bounds, in which the truth is."""
    if rows <= 0:
        return None
    middle, half = FINE * (low + high) // 2, FINE // 2
    value = round(middle + Fraction(half * centred, rows))
    ends = ratio(centred, rows, of_centred, of_rows, MISS)
    return _within(value, ends and (middle + half * ends[0], middle + half * ends[1]), FINE * low, FINE * high)


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance and standard deviation of values from ``low`` to ``high`` grid steps."""

    low: int
    high: int
    divisor: int
    of_rows: Noise
    of_centred: Noise
    of_square: Noise

    def estimate(self, kind: str, rows: int, centred: int, square: int) -> Estimate | None:
        if rows <= 0:
            return None
        width = self.high - self.low
        most = FINE * width * width // 4  # a whole number
        u, t = Fraction(self.divisor * square, rows), Fraction(centred, rows)
        exact = min(max(FINE * ((width * width + u) / 8 - t * t / 4), Fraction(0)), Fraction(most))
        ends = self._ends(rows, centred, square)
        if kind == "var":
            return _within(round(exact), ends, 0, most)
        low, high = (min(max(end, 0.0), float(most)) for end in ends or (0.0, 0.0))
        roots = ends and (math.sqrt(FINE * low), math.sqrt(FINE * high))
        return _within(_root(exact * FINE), roots, 0, FINE * width // 2)

    def _ends(self, rows: int, centred: int, square: int) -> Ends | None:
        """Of the variance, in hundredths of a squared grid step, before it is forced into its range."""
        u = ratio(square, rows, self.of_square, self.of_rows, MISS * (1 - OF_MEAN))
        t = ratio(centred, rows, self.of_centred, self.of_rows, MISS * OF_MEAN)
        if u is None or t is None:
            return None
        width = float(self.high - self.low)
        most = max(abs(end) for end in t)
        least = 0.0 if t[0] <= 0 <= t[1] else min(abs(end) for end in t)
        low, high = ((width * width + self.divisor * end) / 8 for end in u)
        return FINE * (low - most * most / 4), FINE * (high - least * least / 4)


def ratio(numerator: int, denominator: int, of_numerator: Noise, of_denominator: Noise, miss: float) -> Ends | None:
    """An interval for the ratio of two noisy numbers' truths that misses with a chance of at most ``miss``."""
    if denominator <= SURE * of_denominator.spread:
        return None
    if of_numerator.mechanism == LAPLACE:
        return _box(numerator, denominator, of_numerator.half(miss=miss / 2), of_denominator.half(miss=miss / 2))
    return _fieller(numerator, denominator, of_numerator.spread, of_denominator.spread, NormalDist().inv_cdf(1 - miss / 2))


def _fieller(numerator: float, denominator: float, top: float, bottom: float, z: float) -> Ends | None:
    """The t with (numerator - t denominator)^2 ≤ z^2 (top^2 + t^2 bottom^2), the scales widened by half a step."""
    top, bottom = z * (top + GRAIN), z * (bottom + GRAIN)
    a = float(denominator) ** 2 - bottom * bottom
    if a <= 0:
        return None
    b = float(numerator) * float(denominator)
    root = math.hypot(top * denominator, bottom * numerator)  # b^2 - a c, but for top^2 bottom^2, without taking squares apart
    return (b - root) / a, (b + root) / a


def _box(numerator: int, denominator: int, top: int, bottom: int) -> Ends | None:
    """Every ratio of a number within ``top`` of the numerator and one within ``bottom`` of the denominator."""
    least, most = denominator - bottom, denominator + bottom
    if least <= 0:
        return None
    corners = [(numerator + way * top) / rows for way in (-1, 1) for rows in (least, most)]
    return min(corners), max(corners)


def _within(value: int, ends: Ends | None, least: int, most: int) -> Estimate:
    """An estimate forced into its range, with its ends on the grid outside the interval."""
    value = min(max(value, least), most)
    if ends is None:
        return Estimate(value, None, None)
    slack = 1e-9 * max(1.0, abs(ends[0]), abs(ends[1]))  # more than the rounding of the floats above
    low, high = math.floor(ends[0] - slack), math.ceil(ends[1] + slack)
    low, high = min(max(low, least), most), min(max(high, least), most)
    return Estimate(value, min(low, value), max(high, value))


def _root(number: Fraction) -> int:
    """The whole number nearest to a square root."""
    return (math.isqrt(math.floor(4 * number)) + 1) // 2
