"""How near a released number is to the truth, and how likely a group is shown: functions of mechanism, scale and rounding alone.

Promises half-widths that cover at least 95 % whatever the truth, and the smallest that do: exact sums of the noise's own law
where they are short, a normal tail with a proven error elsewhere. Never sees a number of the records.

Noise is Z; a number is shown as rounded(truth + Z), so the residue of the truth decides which noise is harmless. All are tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

from tre.plan.convolution import law_of_sum

MISS = 0.05  # a 95 % interval
SLACK = 1e-10  # more than all rounding of the sums below
SUMMED = 1_000.0  # up to this scale the Gaussian's law is summed term by term
NORMAL = 2.0  # from this scale on, sums of discrete Gaussians are a discrete Gaussian but for 1e-30 a part
CONVOLVED = 100.0  # up to this standard deviation the law of a sum is convolved

Within = Callable[[int], float]  # n → a lower bound of P(|Z| ≤ n), exact but for SLACK where it can be


@lru_cache(maxsize=128)
def within(mechanism: str, scale: float, parts: int = 1) -> Within:
    """The law of the noise: of one draw, or of so many independent ones added up (a total of noisy cells)."""
    if mechanism not in ("discrete gaussian", "discrete laplace"):
        raise ValueError("no such mechanism")
    if parts > 1:
        return _of_sum(mechanism, scale, parts)
    if mechanism == "discrete laplace":
        return _laplace(scale)
    return _gaussian(scale) if scale <= SUMMED else _wide_gaussian(scale)


def _laplace(scale: float) -> Within:
    """P(|Z| > n) = 2 q^(n+1) / (1 + q), q = exp(-1/scale)."""
    half = 1 / (1 + math.exp(-1 / scale))
    return lambda n: 1 - 2 * half * math.exp(-(n + 1) / scale) if n >= 0 else 0.0


def _gaussian(scale: float) -> Within:
    """Weights exp(-k^2 / 2 scale^2), summed to where what is left out is below 1e-15."""
    most = math.ceil(8.5 * scale) + 2
    width = 2 * scale * scale
    sums = list(accumulate(math.exp(-k * k / width) for k in range(most + 1)))
    whole = 2 * sums[-1] - 1
    return lambda n: 0.0 if n < 0 else (2 * sums[n] - 1) / whole if n <= most else 1.0


def _wide_gaussian(scale: float) -> Within:
    """The sum from -n to n is the integral from -n - 1/2 to n + 1/2 but for the midpoint rule's error: at most max|f''| / 24 =
    1 / (24 scale^2) a term. The weights sum to scale * sqrt(2 pi) but for a factor of 1 + 2 exp(-2 pi^2 scale^2)."""
    error = 1 / (24 * scale**3 * math.sqrt(2 * math.pi))
    return lambda n: max(0.0, math.erf((n + 0.5) / (scale * math.sqrt(2))) - (2 * n + 1) * error) if n >= 0 else 0.0


def _of_sum(mechanism: str, scale: float, parts: int) -> Within:
    """Of added draws. A sum too wide to convolve is told from a narrower one: a Gaussian's is no wider than a Gaussian (it is
    sub-Gaussian of the same scale), a Laplace's is the narrower one stretched by the ratio of their standard deviations, with a
    step of the narrower grid to spare for the difference in shape."""
    spread = scale * math.sqrt(parts)
    if mechanism == "discrete gaussian":
        return within(mechanism, spread) if scale >= NORMAL or spread > CONVOLVED else law_of_sum(mechanism, scale, parts)
    widest = CONVOLVED / math.sqrt(2 * parts)
    if scale <= widest:
        return law_of_sum(mechanism, scale, parts)
    narrow, ratio = law_of_sum(mechanism, widest, parts), _deviation(scale) / _deviation(widest)
    return lambda n: narrow(int(n / ratio) - 1)


def _deviation(scale: float) -> float:
    """The standard deviation of a discrete Laplace: sqrt(2 q) / (1 - q)."""
    return math.sqrt(2) * math.exp(-0.5 / scale) / -math.expm1(-1 / scale)


@lru_cache(maxsize=4096)
def half_width(mechanism: str, scale: float, rounding: int, parts: int = 1, miss: float = MISS) -> int:
    """The smallest h such that, for every truth, a shown number is within h of it in at least 95 % of draws (1 - ``miss``)."""
    high = rounding
    while not covers(mechanism, scale, rounding, high, parts, miss):
        high *= 2
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if covers(mechanism, scale, rounding, middle, parts, miss) else (middle, high)
    return high


def covers(mechanism: str, scale: float, rounding: int, h: int, parts: int = 1, miss: float = MISS) -> bool:
    """Whether ±h holds in at least 95 % of draws, for every residue of the truth."""
    law = within(mechanism, scale, parts)
    return all(_chance(law, truth, rounding, h) >= 1 - miss + SLACK for truth in range(rounding))


def _chance(law: Within, truth: int, base: int, h: int) -> float:
    """P(|rounded(truth + Z) - truth| ≤ h). What is rounded to a multiple m lies from m - base//2 to m + (base - 1)//2."""
    lowest, highest = -((h - truth) // base) * base, (truth + h) // base * base
    below, above = truth - (lowest - base // 2), highest + (base - 1) // 2 - truth
    if lowest > highest or below < 0 or above < 0:
        return 0.0  # without Z = 0 it is less than a half
    return (law(below) + law(above)) / 2


def p_shown(mechanism: str, scale: float, persons: int, threshold: int, parts: int = 1) -> float:
    """The chance that a group of so many persons is shown: that persons + Z reaches the threshold."""
    law, short = within(mechanism, scale, parts), threshold - persons
    if short <= 0:
        return (1 + law(-short)) / 2
    return (1 - law(short - 1)) / 2
