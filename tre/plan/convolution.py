"""The law of a sum of independent noise, convolved: for totals of noisy cells whose noise is no longer of one draw.

Promises a lower bound of the chance to be within n, less than 1e-15 below it. Integers of 2^-80 throughout: whole vectors are
multiplied as one long integer each, with room between the numbers, and what is rounded is rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

BITS = 80  # of a probability
SLOT = 24  # bytes a number: two probabilities multiplied, summed over up to 2^32 places

Vector = list[int]  # P(Z = z) for z from -r to r, in 2^-BITS, rounded down


@lru_cache(maxsize=64)
def law_of_sum(mechanism: str, scale: float, parts: int) -> Callable[[int], float]:
    """n → P(|Z| ≤ n), Z the sum of ``parts`` draws."""
    weights = _power(_one(mechanism, scale), parts, _reach(mechanism, scale, parts))
    middle = len(weights) // 2
    pairs = [weights[middle], *(weights[middle - z] + weights[middle + z] for z in range(1, middle + 1))]
    sums = [number / 2**BITS for number in accumulate(pairs)]
    return lambda n: 0.0 if n < 0 else sums[min(n, middle)]


def _one(mechanism: str, scale: float) -> Vector:
    """The law of one draw, to where what is left out is below 1e-17."""
    reach = _reach(mechanism, scale, 1)
    gaussian = mechanism == "discrete gaussian"
    half = [math.exp(-z * z / (2 * scale * scale) if gaussian else -z / scale) for z in range(reach + 1)]
    whole = math.fsum(half) * 2 - half[0]
    fixed = [int(weight / whole * (1 - 2**-48) * 2**BITS) for weight in half]
    return [*reversed(fixed[1:]), *fixed]


def _reach(mechanism: str, scale: float, parts: int) -> int:
    """Beyond it lies less than 1e-16: 8.5 standard deviations, and of a Laplace's long tail 40 scales more."""
    spread = scale * math.sqrt(parts)
    return math.ceil(8.6 * spread) + 2 if mechanism == "discrete gaussian" else math.ceil(8.6 * 1.4143 * spread + 40 * scale) + 2


def _power(one: Vector, parts: int, reach: int) -> Vector:
    """A vector convolved with itself, by repeated squaring."""
    found: Vector | None = None
    while True:
        if parts & 1:
            found = one if found is None else _cut(_times(found, one), reach)
        parts >>= 1
        if not parts:
            assert found is not None
            return found
        one = _cut(_times(one, one), reach)


def _times(one: Vector, other: Vector) -> Vector:
    product = _long(one) * _long(other)
    places = len(one) + len(other) - 1
    raw = product.to_bytes(SLOT * places, "little")
    return [int.from_bytes(raw[at : at + SLOT], "little") >> BITS for at in range(0, SLOT * places, SLOT)]


def _long(vector: Vector) -> int:
    return int.from_bytes(b"".join(number.to_bytes(SLOT, "little") for number in vector), "little")


def _cut(vector: Vector, reach: int) -> Vector:
    middle = len(vector) // 2
    return vector if middle <= reach else vector[middle - reach : middle + reach + 1]
