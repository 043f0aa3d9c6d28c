"""The upper tail of the discrete Gaussian: how likely a group of one person alone is among the discovered keys.

Promises an upper bound, exact but for 10^-30 of itself up to `SUMMED` and within 10^-8 of itself above. Written apart from
`plan.selection`, which chooses the threshold: the two share the formula and nothing else. Source of the law: Canonne, Kamath and
Steinke 2020; P(Z = k) is in proportion to exp(-k^2 / 2 scale^2).
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache

SUMMED = 2.0**14  # up to this scale the law is summed term by term: 0.3 s, once
_DIGITS = 60
_ROUNDING = Decimal(1) + Decimal(10) ** -30  # more than all rounding of the sums


@lru_cache(maxsize=256)
def shown_alone(scale: float, threshold: int, groups: int) -> Decimal:
    """At least 1 - (1 - P(1 + Z >= threshold))^groups: that any of the groups of which one person is the only one is kept."""
    with localcontext() as context:
        context.prec = _DIGITS
        one = _at_least(scale, threshold - 1)
        return min(Decimal(1), (1 - (1 - one) ** groups) * _ROUNDING)


def _at_least(scale: float, z: int) -> Decimal:
    """At least P(Z >= z)."""
    if z <= 0:
        return Decimal(1)
    if scale <= SUMMED:
        return min(Decimal(1), _tail(scale, z) / (1 + 2 * _tail_below(scale)) * _ROUNDING)
    return _wide(scale, z)


def _tail(scale: float, z: int) -> Decimal:
    """At least the sum of exp(-k^2 / 2 scale^2) over k >= z, from factors alone: each term is the one before times a ratio that
    shrinks by the same factor."""
    term, ratio, shrink = _start(scale, z)
    total = Decimal(0)
    while term > total * Decimal(10) ** -40:
        total += term
        term, ratio = term * ratio, ratio * shrink
    return total + term / (1 - ratio)


def _tail_below(scale: float) -> Decimal:
    """At most the sum of exp(-k^2 / 2 scale^2) over k >= 1."""
    term, ratio, shrink = _start(scale, 1)
    total = Decimal(0)
    while term > Decimal(10) ** -45:
        total += term
        term, ratio = term * ratio, ratio * shrink
    return total


def _start(scale: float, z: int) -> tuple[Decimal, Decimal, Decimal]:
    width = 2 * Decimal(scale) ** 2
    return (-(z * z) / width).exp(), (-(2 * z + 1) / width).exp(), (-2 / width).exp()


def _wide(scale: float, z: int) -> Decimal:
    """Beyond the scale the weight is convex, so that a term is at most the integral from half a step before it to half a step
    after; all weights together are at least scale sqrt(2 pi) (Poisson's sum). Nearer than that the tail is not worth a threshold.
    The last factor is more than the rounding of ``erfc``."""
    if z - 0.5 < scale:
        return Decimal(1)
    return Decimal(math.erfc((z - 0.5) / (scale * math.sqrt(2))) / 2) * (1 + Decimal(10) ** -11)
