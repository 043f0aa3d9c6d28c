"""Intervals for ratios of noisy numbers, from the noise's own law.

Promises that an interval misses the ratio of the truths with at most the chance that was allowed, whatever they are. With
Gaussian noise it is Fieller's (Fieller 1954): the t for which |numerator - t denominator| is within z scales, each scale widened
by what whole numbers add; with Laplace noise the box of an interval for each (Bonferroni). None where the denominator is not
surely above 0: at most 5 scales.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from tre.plan.accuracy import MISS, half_width
from tre.plan.order import LAPLACE

SURE = 5  # a ratio has an interval where its denominator is above so many scales
GRAIN = 0.5 / 1.959964  # a scale so much wider covers the half step that whole numbers add

Ends = tuple[float, float]


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
        """The half-width of the number's own interval, after rounding to a base."""
        return half_width(self.mechanism, self.scale, base, self.parts, miss)


@dataclass(frozen=True, slots=True)
class Term:
    """A noisy number times a public factor."""

    factor: float
    number: int
    noise: Noise


def ratio(numerator: Sequence[Term], denominator: Term, miss: float) -> Ends | None:
    """An interval for (the sum of terms) / denominator, all truths."""
    if denominator.number <= SURE * denominator.noise.spread:
        return None
    top = math.fsum(term.factor * term.number for term in numerator)
    if denominator.noise.mechanism == LAPLACE:
        each = miss / (len(numerator) + 1)
        far = math.fsum(abs(term.factor) * term.noise.half(miss=each) for term in numerator)
        return _box(top, denominator.number, far, denominator.noise.half(miss=each))
    wide = math.hypot(*(term.factor * (term.noise.spread + GRAIN) for term in numerator))
    return _fieller(top, denominator.number, wide, denominator.noise.spread + GRAIN, quantile(miss))


@lru_cache(maxsize=64)
def quantile(miss: float) -> float:
    """z: a normal is beyond z on either side with a chance of ``miss``."""
    return NormalDist().inv_cdf(1 - miss / 2)


def _fieller(top: float, bottom: float, of_top: float, of_bottom: float, z: float) -> Ends | None:
    """The t with (top - t bottom)^2 ≤ z^2 (of_top^2 + t^2 of_bottom^2)."""
    a = bottom * bottom - (z * of_bottom) ** 2
    if a <= 0:
        return None
    middle = top * bottom
    # The discriminant is z^2 times this, but for z^4 times what it would be smaller by; written so as not to take squares apart.
    root = z * math.hypot(of_top * bottom, of_bottom * top)
    return (middle - root) / a, (middle + root) / a


def _box(top: float, bottom: float, of_top: float, of_bottom: float) -> Ends | None:
    """Every ratio of a number within ``of_top`` of the one and one within ``of_bottom`` of the other."""
    least, most = bottom - of_bottom, bottom + of_bottom
    if least <= 0:
        return None
    corners = [(top + way * of_top) / rows for way in (-1, 1) for rows in (least, most)]
    return min(corners), max(corners)
