"""Discovered keys: the threshold that a group's noisy number of persons must reach before the group may be known to exist.

Promises that a group of one person alone is shown with a chance of at most delta, over all groups that one person can be in:
tau = 1 + the smallest z with 1 - (1 - P(Z >= z))^L0 <= delta, Z the discrete Gaussian of the persons' draw, from a tail that is
never understated. Concentrated accounting only: a pure promise has no room for delta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache

from tre.loss import DELTA_UNIT

SUMMED = 200.0  # up to this scale the tail is summed term by term
_UP, _DOWN = Context(prec=60, rounding=ROUND_CEILING), Context(prec=60, rounding=ROUND_FLOOR)
# A function's last digit is rounded half-even whatever the context, so this is more than 60 digits lose in all, either way.
_MORE, _LESS = Decimal("1." + "0" * 49 + "1"), Decimal("0." + "9" * 50)
_FLOATS = Decimal("1.00000000002")  # more than what floats lose in one erfc
DELTA_DIGITS = 18  # of DELTA_UNIT


@lru_cache(maxsize=512)
def tau(scale: float, groups: int, delta: int) -> int:
    """The threshold. ``delta`` in 10^-18."""
    if not 0 < delta < DELTA_UNIT // 2 or groups < 1:
        raise ValueError("a delta lies above 0 and below a half")
    tail = upper_tail(scale)
    low, high = 0, 1  # z: low is not enough, high is
    while not _rare(tail(high), groups, delta):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _rare(tail(middle), groups, delta) else (middle, high)
    return 1 + high


def _rare(p: Decimal, groups: int, delta: int) -> bool:
    """1 - (1 - p)^groups <= delta, the power rounded down."""
    if p >= 1:
        return False
    kept = _DOWN.multiply(_DOWN.power(_DOWN.subtract(Decimal(1), p), groups), _LESS)
    return _UP.subtract(Decimal(1), kept) <= Decimal(delta).scaleb(-DELTA_DIGITS)


@lru_cache(maxsize=64)
def upper_tail(scale: float) -> Callable[[int], Decimal]:
    """z >= 1 → P(Z >= z), never understated."""
    return _summed(scale) if scale <= SUMMED else lambda z: _beyond(z, scale)


def _summed(scale: float) -> Callable[[int], Decimal]:
    """Weights exp(-k^2 / 2 scale^2) in 60 digits, up to where less than 1e-40 is left, which is added as 1e-40."""
    width = 2 * Decimal(scale) ** 2
    most = math.ceil(14 * scale) + 2
    weights = [_UP.exp(_UP.divide(Decimal(-k * k), width)) for k in range(most + 1)]
    tails, total = [Decimal(0)] * (most + 2), Decimal(0)
    for k in range(most, -1, -1):
        tails[k] = total = _UP.add(total, weights[k])
    whole = _DOWN.subtract(_DOWN.multiply(2, total), weights[0])
    rest = Decimal("1e-40")
    return lambda z: _UP.add(_UP.multiply(_UP.divide(tails[min(z, most + 1)], whole), _MORE), rest)


def _beyond(z: int, scale: float) -> Decimal:
    """From one scale on the density is convex, so that each weight is at most its integral over the step around it; the weights
    sum to at least scale * sqrt(2 pi) (Poisson summation: every term of the other side is positive)."""
    if z - 0.5 < scale:
        return Decimal(1)
    return _UP.add(_UP.multiply(Decimal(math.erfc((z - 0.5) / (scale * math.sqrt(2))) / 2), _FLOATS), Decimal("1e-40"))
