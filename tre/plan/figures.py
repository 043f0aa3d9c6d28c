"""Derived figures: arithmetic on the numbers that are shown, for nothing, with the interval that follows from theirs.

Promises that a value is of what is shown (rounded, and NULL where a part is hidden, a denominator is 0, or it is beyond 10^300,
which an answer cannot write), and that an interval
covers what the bounded truths would have given in at least 95 % of draws: each of j parts misses in at most 5 / j %
(Bonferroni), and what lies between is interval arithmetic. There is none where that cannot be proved: a denominator not above 5
scales, or several parts of which one is a variance, a spread, a quantile, or a mean at an end of its range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tre.plan.accuracy import MISS
from tre.plan.estimate import FINE, Estimate, unit
from tre.plan.intervals import GRAIN, SURE, Noise, quantile
from tre.plan.margins import FIXED, MEANS
from tre.plan.measures import measured
from tre.plan.nodes import Combined, Literal, Number, OfStatistic, Plan, Statistic, numbers_of
from tre.plan.order import GAUSSIAN, Draw

Interval = tuple[Fraction, Fraction]
Values = Mapping[str, Fraction | None]
_Z = quantile(MISS)
LARGEST = 10**300  # a double reaches a little beyond


@dataclass(frozen=True, slots=True)
class Derived:
    """A figure of one row; both ends None where there is no interval."""

    value: Fraction
    low: Fraction | None
    high: Fraction | None


Row = Sequence[Estimate | None]


def shown(plan: Plan) -> Callable[[Row], dict[str, Fraction | None]]:
    """From one row's statistics to exact numbers, by their aliases."""
    units = [(one.alias, Fraction(unit(one))) for one in plan.statistics]
    return lambda row: {
        alias: None if found is None else found.value * one for (alias, one), found in zip(units, row, strict=True)
    }


def value_of(number: Number, values: Values) -> Fraction | None:
    """A number of one row; None (NULL) where a part is, or a denominator is 0. What HAVING and ORDER BY look at, too."""
    match number:
        case Literal(text):
            return Fraction(text)
        case OfStatistic(alias):
            return values[alias]
        case Combined(operator, left, right):
            one, other = value_of(left, values), value_of(right, values)
            return None if one is None or other is None else _combined(operator, one, other)
    raise TypeError("no such number")


def _combined(operator: str, one: Fraction, other: Fraction) -> Fraction | None:
    if operator == "/":
        return one / other if other else None
    return one + other if operator == "+" else one - other if operator == "-" else one * other


def figures(plan: Plan, draws: Sequence[Draw], rounding: int, parts: int = 1) -> Callable[[Row], tuple[Derived | None, ...]]:
    """From one row's statistics, as `estimator` gives them, to its figures in the plan's order."""
    if not plan.figures:
        return lambda _: ()
    places, exact = measured(plan).parts, shown(plan)
    wide = {
        statistic.alias: _Part(
            statistic, [Noise(draws[at].mechanism, draws[at].scale, parts) for at in places[statistic.alias]], rounding
        )
        for statistic in plan.statistics
    }

    def derive(row: Row) -> tuple[Derived | None, ...]:
        values = exact(row)
        found = dict(zip((one.alias for one in plan.statistics), row, strict=True))
        return tuple(_derived(figure.number, values, found, wide) for figure in plan.figures)

    return derive


@dataclass(frozen=True, slots=True)
class _Part:
    """One statistic, and how far its truth may be from what is shown."""

    statistic: Statistic
    noises: Sequence[Noise]
    rounding: int

    def interval(self, found: Estimate, several: int) -> Interval | None:
        """Misses in at most 5 / ``several`` %."""
        one = Fraction(unit(self.statistic))
        if self.statistic.kind in FIXED:
            half = self.noises[0].half(self._base, MISS / several)
            return (found.value - half) * one, (found.value + half) * one
        if found.low is None or found.high is None:
            return None
        if several == 1:
            return found.low * one, found.high * one
        factor = self._stretch(several)
        if self.statistic.kind not in MEANS or factor is None or found.value * one in self._range:
            return None
        low, high = (
            found.value + way * (factor * (abs(end - found.value) + 1) + 1) for way, end in ((-1, found.low), (1, found.high))
        )
        return max(Fraction(low) * one, self._range[0]), min(Fraction(high) * one, self._range[1])

    def sure(self, found: Estimate) -> Interval | None:
        """So far from the shown value that a denominator whose interval leaves out 0 is above 5 scales."""
        one = Fraction(unit(self.statistic))
        if self.statistic.kind in FIXED:
            far = math.ceil(SURE * self.noises[0].spread)
            return (found.value - far) * one, (found.value + far) * one
        if found.low is None or found.high is None:
            return None
        far = math.ceil(SURE / _Z * max(found.value - found.low, found.high - found.value))
        return (found.value - far) * one, (found.value + far) * one

    @property
    def _base(self) -> int:
        return 1 if self.statistic.kind == "sum" else self.rounding

    @property
    def _range(self) -> Interval:
        assert self.statistic.value is not None
        low, high = self.statistic.value.domain.ends
        one = Fraction(unit(self.statistic)) * FINE
        return low * one, high * one

    def _stretch(self, several: int) -> Fraction | None:
        """By what Fieller's interval grows from z to f z. Its ends are (t ± z s) / (1 - g), g the squared ratio of z widened
        scales of the denominator to the denominator; their distance to t grows at most by f^2 (1 - g) / (1 - f^2 g), which grows
        with g, and g is largest at 5 scales."""
        if self.noises[0].mechanism != GAUSSIAN:
            return None
        f = quantile(MISS / several) / _Z
        g = (_Z * (1 + GRAIN / self.noises[0].spread) / SURE) ** 2
        return Fraction(f * f * (1 - g) / (1 - f * f * g)) if f * f * g < 1 else None


def _derived(number: Number, values: Values, found: Mapping[str, Estimate | None], wide: Mapping[str, _Part]) -> Derived | None:
    value = value_of(number, values)
    if value is None or abs(value) > LARGEST:
        return None
    near: dict[str, Interval | None] = {}
    far: dict[str, Interval | None] = {}
    aliases = numbers_of(number)
    for alias in aliases:
        estimate = found[alias]
        assert estimate is not None  # else the value were NULL
        near[alias], far[alias] = wide[alias].interval(estimate, len(aliases)), wide[alias].sure(estimate)
    ends, _ = _intervals(number, near, far)
    if ends is not None and max(map(abs, ends)) > LARGEST:
        ends = None
    return Derived(value, None, None) if ends is None else Derived(value, min(ends[0], value), max(ends[1], value))


Intervals = Mapping[str, Interval | None]


def _intervals(number: Number, near: Intervals, far: Intervals) -> tuple[Interval | None, Interval | None]:
    """Interval arithmetic, from the near ends and from the far ones, which are what a denominator must be away from 0 by. Both at
    once: each by itself would be twice the work for every denominator in a denominator."""
    match number:
        case Literal(text):
            return (Fraction(text), Fraction(text)), (Fraction(text), Fraction(text))
        case OfStatistic(alias):
            return near[alias], far[alias]
        case Combined(operator, left, right):
            one, other = _intervals(left, near, far), _intervals(right, near, far)
            return _together(operator, one[0], other[0], other[1]), _together(operator, one[1], other[1], other[1])
    raise TypeError("no such number")


def _together(operator: str, one: Interval | None, other: Interval | None, sure: Interval | None) -> Interval | None:
    """``sure``: the far ends of the right side."""
    if one is None or other is None:
        return None
    if operator == "/" and (sure is None or any(ends[0] <= 0 <= ends[1] for ends in (sure, other))):
        return None
    return _ends(operator, one, other)


def _ends(operator: str, one: Interval, other: Interval) -> Interval:
    """Of operations that are monotone in each argument where they are used."""
    corners = [corner for a in one for b in other if (corner := _combined(operator, a, b)) is not None]
    return min(corners), max(corners)
