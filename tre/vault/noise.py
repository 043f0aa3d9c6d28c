"""An exact table becomes a noisy one: OpenDP's discrete Gaussian or Laplace, one vector call for each statistic.

Promises, before anything is drawn: the loss of all draws together is within the reservation, as an exact comparison of rationals
and once more by OpenDP's own privacy map; no sum can leave 64 bits (OpenDP saturates silently); no scale is 0 (OpenDP would give
the exact value). Every cell gets noise, empty ones too; the randomness is the operating system's. There is no seed here, and no
other way from exact to noisy. The only importer of opendp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opendp.prelude as dp

from tre.loss import UNIT, PrivacyLoss, gaussian_loss, laplace_loss
from tre.plan.order import Draw, Order
from tre.vault.exact import ExactTable
from tre.vault.noisy import NoisyTable

dp.enable_features("contrib")

# OpenDP rounds each step of its map up: at most 3.1e-16 above the exact rational in 12,000 tries. A double has 53 bits.
_MAP_ROUNDING = Fraction(1, 2**50)
_LARGEST = 2**62  # of an exact value; with a scale below 2^40 the noise does not reach the other half
_VECTOR = dp.vector_domain(dp.atom_domain(T="i64"))


class NotCovered(Exception):
    """The noise asked for costs more than was reserved, or its numbers may not fit. Nothing was drawn."""


@dataclass(slots=True)
class Counter:
    """How many vectors were drawn by this process: one for each statistic of each charged answer."""

    draws: int = 0


COUNTER = Counter()


def perturb(exact: ExactTable, order: Order) -> NoisyTable:
    """Draws once for each statistic."""
    measurements = [_measurement(draw) for draw in order.draws]
    _within_reservation(order, measurements)
    _within_64_bits(exact, order)
    noisy = tuple(_draw(measurement, counts) for measurement, counts in zip(measurements, exact.counts, strict=True))
    return NoisyTable(noisy, exact.cells)


def _measurement(draw: Draw) -> Any:
    if not (math.isfinite(draw.scale) and draw.scale > 0):
        raise NotCovered
    if draw.mechanism == "discrete gaussian":
        return dp.m.make_gaussian(_VECTOR, dp.l2_distance(T="f64"), scale=draw.scale)
    return dp.m.make_laplace(_VECTOR, dp.l1_distance(T="i64"), scale=draw.scale)


def _within_reservation(order: Order, measurements: list[Any]) -> None:
    """Both opinions, each summed over the draws: ours in exact rationals, OpenDP's map up to its own rounding."""
    reserved = order.reservation.loss
    if any((draw.mechanism == "discrete laplace") != reserved.pure for draw in order.draws):
        raise NotCovered
    if not sum((_exact_loss(draw) for draw in order.draws), PrivacyLoss()).fits(reserved):
        raise NotCovered
    theirs = sum(Fraction(measurement.map(_distance(draw))) for draw, measurement in zip(order.draws, measurements, strict=True))
    held = Fraction(reserved.epsilon if reserved.pure else reserved.rho, UNIT)
    if theirs > held * (1 + _MAP_ROUNDING):
        raise NotCovered


def _exact_loss(draw: Draw) -> PrivacyLoss:
    if draw.mechanism == "discrete gaussian":
        return gaussian_loss(draw.squared_sensitivity, draw.scale)
    return laplace_loss(draw.sensitivity, draw.scale)


def _distance(draw: Draw) -> float | int:
    """How far one person moves the vector; a square root is rounded up."""
    if draw.mechanism == "discrete laplace":
        return draw.sensitivity
    root = math.sqrt(draw.squared_sensitivity)
    return root if Fraction(root) ** 2 >= draw.squared_sensitivity else math.nextafter(root, math.inf)


def _within_64_bits(exact: ExactTable, order: Order) -> None:
    """By the public number of persons, not by the values: what one person adds to a cell is at most the L1 sensitivity."""
    if any(order.max_persons * draw.sensitivity >= _LARGEST for draw in order.draws):
        raise NotCovered
    if any(not -_LARGEST < count < _LARGEST for counts in exact.counts for count in counts):
        raise NotCovered


def _draw(measurement: Any, counts: tuple[int, ...]) -> tuple[int, ...]:
    COUNTER.draws += 1
    return tuple(measurement(list(counts)))
