"""Rounding of a noisy number to the policy's base, written once: the vault applies it, the price reckons with it.

Promises halves go up (``floor((value + base/2) / base) * base``, in integers), whatever the sign, so that no number depends on
its neighbour's parity; and the stated scale of a rounded number. Never rounds an exact value: it is called after the noise.
"""

from __future__ import annotations

import math


def rounded(value: int, base: int) -> int:
    """The multiple of ``base`` nearest to ``value``; half-way goes up. Base 1 changes nothing."""
    return (2 * value + base) // (2 * base) * base


def stated_scale(scale: float, base: int) -> float:
    """The scale of a number after rounding: the rounding error is uniform over ``base`` residues, variance (base^2 - 1) / 12
    (2 at base 5). For an even base the half that goes up adds a bias of half a step, which is in the same square."""
    bias = 0.0 if base % 2 else 0.5
    return math.sqrt(scale * scale + (base * base - 1) / 12 + bias * bias)
