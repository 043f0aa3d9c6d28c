"""T-AUDIT: what the draws alone say of the loss, without a look at how they are made. A lower bound of the loss that was charged
stays at or below it; of a mechanism a quarter too loud for its charge it does not.

An event is chosen on draws of its own (a tenth as many) and judged on the others: Clopper-Pearson, 5e-7 a side, so an honest
mechanism is accused once in a million. Sizes: 60,000 draws a side put the bound of the loud ones at 1.20 with a standard error
of 0.008, 200,000 at 1.22 with 0.0045: the bars of 1.15 and 1.2 are 5 and more of these away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import beta

from tests.attacks.cells import ours
from tests.privacy.drawing import drawn, gaussian, laplace
from tests.vault.answers import order_of, plan_of
from tre.loss import UNIT, PrivacyLoss, gaussian_loss, gaussian_scale, laplace_loss, laplace_scale
from tre.plan.order import GAUSSIAN, LAPLACE

SIZES = [(60_000, 1.15), pytest.param(200_000, 1.2, marks=pytest.mark.audit)]
FAR = 100  # a person's most, in units: so far apart a discrete Gaussian tells no more than a continuous one
LOUD = 1.25
Told = Callable[[float, float], float]  # of a lower bound of the true positives and an upper one of the false


def low(hits: int, tries: int) -> float:
    return float(beta.ppf(5e-7, hits, tries - hits + 1)) if hits else 0.0


def high(hits: int, tries: int) -> float:
    return float(beta.ppf(1 - 5e-7, hits + 1, tries - hits)) if hits < tries else 1.0


def epsilon(true: float, false: float) -> float:
    """ln P(event | with the person) - ln P(event | without)."""
    return math.log(true / false) if true else -math.inf


def mu(true: float, false: float) -> float:
    """The distance between two normal laws of variance 1 that the event tells apart as well."""
    normal = NormalDist()
    return normal.inv_cdf(true) - normal.inv_cdf(false) if true > 0 and false < 1 else -math.inf


def bound(told: Told, with_person: Sequence[int], without: Sequence[int], at: int) -> float:
    """Of the event that an answer is ``at`` or more."""
    hits = [int(np.sum(np.asarray(side) >= at)) for side in (with_person, without)]
    return told(low(hits[0], len(with_person)), high(hits[1], len(without)))


def audit(told: Told, scale: float, mechanism: str, far: int, draws: int) -> float:
    """The lower bound of the loss, from draws on both sides of a person who moves the number by ``far``."""
    chosen, judged = ([ours([truth] * n, scale, mechanism, far) for truth in (far, 0)] for n in (draws // 10, draws))
    at = max(sorted({*chosen[0], *chosen[1]}), key=lambda place: bound(told, *chosen, place))
    return bound(told, *judged, at)


@pytest.mark.parametrize(("draws", "bar"), SIZES)
def test_laplace_costs_what_is_charged(draws: int, bar: float) -> None:
    """At epsilon 1. Loud: the scale of epsilon 1.25, which the noise does not draw for a charge of 1."""
    scale = laplace_scale(1, UNIT)
    charged = laplace_loss(1, scale).epsilon / UNIT
    assert 0.9 < audit(epsilon, scale, LAPLACE, 1, draws) <= charged == 1
    assert audit(epsilon, scale / LOUD, LAPLACE, 1, draws) >= bar
    assert not drawn(order_of(plan_of(), [laplace(scale / LOUD)], PrivacyLoss(epsilon=UNIT)))


@pytest.mark.parametrize(("draws", "bar"), SIZES)
def test_gaussian_costs_what_is_charged(draws: int, bar: float) -> None:
    """At rho 1/2: mu, the square root of 2 rho, is 1. Loud: the scale of mu 1.25."""
    scale = gaussian_scale(FAR**2, UNIT // 2)
    charged = math.sqrt(2 * gaussian_loss(FAR**2, scale).rho / UNIT)
    assert 0.9 < audit(mu, scale, GAUSSIAN, FAR, draws) <= charged == pytest.approx(1)
    assert audit(mu, scale / LOUD, GAUSSIAN, FAR, draws) >= bar
    assert not drawn(order_of(plan_of(), [gaussian(scale / LOUD, FAR**2, FAR)], PrivacyLoss(rho=UNIT // 2)))
