"""From the noisy numbers of one group to its statistics, each with a 95 % noise interval.

Promises to be a function of the plan, the draws and the noisy numbers alone: after the noise, for nothing. Values and ends are
integers in units of `unit`; an interval covers the bounded truth (what the exact numbers would have given) in at least 95 % of
draws, before suppression. None where a statistic is not defined or its interval cannot be promised. Never sees an exact number.

In grid steps, with N, C and Q the rows, centred and square numbers of `plan.measures`, w = hi - lo and d the divisor:

    mean       (lo + hi)/2 + C/(2 N)
    variance   (w^2 + d Q/N)/8 - (C/N)^2/4, at least 0 after the noise, at most (w/2)^2

A ratio's interval is of `plan.intervals`. A variance is linear but for the square of t = C/N: whatever t is,

    variance - w^2/8 - t^2/4 = (d Q/8 - t C/2)/N

of the truths, whose interval misses in at most 4.5 %; the hull of these over an interval for t that misses in at most 0.5 % is
the variance's. A quantile has no interval of its value: how far its rank may be off is on the preview.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tre.plan.accuracy import MISS
from tre.plan.intervals import Ends, Noise, Term, ratio
from tre.plan.measures import Measure, measured
from tre.plan.nodes import Plan, Statistic
from tre.plan.order import Draw
from tre.plan.rounding import rounded

FINE = 100  # means and spreads are told in hundredths of a grid step
OF_MEAN = 0.1  # of a variance's allowed error, what the mean's part may miss


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
    ends = ratio([Term(1.0, centred, of_centred)], Term(1.0, rows, of_rows), MISS)
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
        whole = Term(1.0, rows, self.of_rows)
        ts = ratio([Term(1.0, centred, self.of_centred)], whole, MISS * OF_MEAN)
        if ts is None:
            return None
        lows, highs, width = [], [], float(self.high - self.low)
        for t in (ts[0], (ts[0] + centred / rows) / 2, centred / rows, (centred / rows + ts[1]) / 2, ts[1]):
            terms = [Term(self.divisor / 8, square, self.of_square), Term(-t / 2, centred, self.of_centred)]
            ends = ratio(terms, whole, MISS * (1 - OF_MEAN))
            if ends is None:
                return None
            lows.append(ends[0] + t * t / 4)
            highs.append(ends[1] + t * t / 4)
        return FINE * (min(lows) + width * width / 8), FINE * (max(highs) + width * width / 8)


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
