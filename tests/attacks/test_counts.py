"""T-DIFF, T-TRACK, T-REP, T-SIG, T-BND: a person worked out of several counts. Naive targets fall; ours costs each of them.

Naive: exact counts behind a minimum; noise that is free, sticky or bounded (Denning 1979; Gadotti et al. 2019; Asghar and Kaafar
2020). Ours: whatever is asked and however often, all of it together costs one budget, so no estimate from all of the answers is
nearer than one answer for the whole budget: a standard deviation of 1 / sqrt(2 rho).

Chance of failure below 1e-6: Clopper-Pearson or 4.9 standard errors.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist
from zlib import crc32

import numpy as np
import pytest
from scipy.stats import beta

from tests.attacks.cells import BUDGET, ours, share, wide
from tests.vault.answers import answered, noisy_of, order_of
from tre.loss import UNIT, laplace_loss
from tre.plan.order import LAPLACE

FLOOR = 1 / math.sqrt(2 * BUDGET.rho / UNIT)  # 4.67 persons
FEWEST = 10  # the naive minimum


def guessed(right: int, tries: int) -> float:
    """A lower bound of the chance of a right guess, at 1e-6."""
    return float(beta.ppf(1e-6, right, tries - right + 1))


def pure_bound(epsilon: float) -> float:
    """The most that a guess between two neighbours succeeds under a pure epsilon."""
    return math.exp(epsilon) / (1 + math.exp(epsilon))


def least(count: int) -> int | None:
    """A naive answer: exact, unless there are too few."""
    return count if count >= FEWEST else None


def difference(all_of_them: int | None, but_one: int | None) -> int:
    assert all_of_them is not None and but_one is not None
    return all_of_them - but_one


# -- T-DIFF


@pytest.mark.parametrize("tries", [30_000, pytest.param(200_000, marks=pytest.mark.audit)])
def test_t_diff(tries: int) -> None:
    """Has the person the illness? All who have it, and all but the person: naive 100 %, ours within what both cost together; and
    one who knows all the others, and needs one answer only, within what that one costs."""
    rng, scale = np.random.default_rng(1), 2.0
    ill = rng.integers(0, 2, tries)
    others = rng.integers(FEWEST, 1_000, tries)
    assert all(difference(least(o + i), least(o)) == i for o, i in zip(others.tolist(), ill.tolist(), strict=True))
    each = laplace_loss(1, scale).epsilon / UNIT
    with_all = np.array(ours((others + ill).tolist(), scale, LAPLACE))
    without = np.array(ours(others.tolist(), scale, LAPLACE))
    for found, epsilon in ((with_all - without, 2 * each), (with_all - others, each)):
        right = int(np.sum((found >= 1) == (ill == 1)))
        assert right / tries > 0.5
        assert guessed(right, tries) <= pure_bound(epsilon)
    assert pure_bound(2 * each) < 0.7312


# -- T-TRACK


def shown(truths: Sequence[int], scale: float) -> list[int | None]:
    """As released: the small ones hidden, the others rounded to 5."""
    plan = wide(len(truths))
    order = order_of(plan, scale=scale, pure=True)
    rows = answered(noisy_of([ours(truths, scale, LAPLACE)]), order)["rows"]
    return [row["n"] for row in rows]


def test_t_track() -> None:
    """A hidden cell of 3 or 4 persons, asked by everybody less the others. Naive: each is recovered. Ours: no oftener than the
    two answers' cost allows; and what is hidden is decided by noise, so that being hidden tells no more than that."""
    rng, tries, scale = np.random.default_rng(2), 3_000, 2.0
    cell = rng.integers(3, 5, tries)
    others = rng.integers(500, 600, tries)
    assert all(least(c) is None for c in cell.tolist())
    assert all(difference(least(o + c), least(o)) == c for o, c in zip(others.tolist(), cell.tolist(), strict=True))
    everybody, rest = shown((others + cell).tolist(), scale), shown(others.tolist(), scale)
    found = np.array([difference(a, b) for a, b in zip(everybody, rest, strict=True)])
    right = int(np.sum((found >= 4) == (cell == 4)))
    assert guessed(right, tries) <= pure_bound(2 * laplace_loss(1, scale).epsilon / UNIT)
    hidden = [sum(n is None for n in shown([truth] * tries, scale)) / tries for truth in (9, 11)]
    assert 0.5 < hidden[0] < 0.9 and 0.1 < hidden[1] < 0.5


# -- T-REP


def test_t_rep_naive_free_noise_is_averaged_away() -> None:
    """10,000 times the same question at scale 2: the mean has a standard error of 0.02."""
    noise = np.random.default_rng(3).normal(0, 2, 10_000)
    assert abs(float(np.mean(1_000 + noise)) - 1_000) < 0.1


@pytest.mark.parametrize("times", [1, 10, 100, pytest.param(1_000, marks=pytest.mark.audit)])
def test_t_rep_ours_pays_for_each_fresh_draw(times: int) -> None:
    """The whole budget on one question, asked afresh so many times: the mean is as far off as one answer for all of it."""
    researchers = 600
    draws = np.array(ours([1_000] * (researchers * times), share(times))).reshape(researchers, times)
    off = np.mean(draws, axis=1) - 1_000
    assert statistics.pstdev(off.tolist()) >= FLOOR * (1 - 4.9 / math.sqrt(2 * researchers))
    assert np.mean(np.abs(off) < 0.1) < 0.16
    assert pytest.approx(4.67, rel=0.01) == FLOOR


# -- T-SIG

CLONES = 304  # the median of Gadotti et al.


def test_t_sig_naive_sticky_noise_is_cloned_away() -> None:
    """The noise is seeded by the words of the question; a condition that changes nothing makes other words."""
    users = 100
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2, users)
    told = np.empty(users)
    for user, bit in enumerate(bits):
        seeds = [crc32(f"person {user} AND ill AND age < {200 + clone}".encode()) for clone in range(CLONES)]
        told[user] = np.mean([bit + np.random.default_rng(seed).normal(0, 2) for seed in seeds])
    assert np.mean((told > 0.5) == (bits == 1)) >= 0.9


@pytest.mark.parametrize("users", [200, pytest.param(10_000, marks=pytest.mark.audit)])
def test_t_sig_ours_charges_every_clone(users: int) -> None:
    """A clone that is another question is drawn and charged: all of them within one budget. At most 0.55, and 4.9 errors."""
    bits = np.random.default_rng(5).integers(0, 2, users)
    draws = np.array(ours(np.repeat(bits, CLONES).tolist(), share(CLONES))).reshape(users, CLONES)
    right = np.mean((np.mean(draws, axis=1) > 0.5) == (bits == 1))
    assert right <= 0.55 + 4.9 * 0.5 / math.sqrt(users)
    assert NormalDist().cdf(0.5 / FLOOR) < 0.55  # the best guess from one answer for the whole budget


# -- T-BND

ATTRIBUTES = 95  # of two values each: 190 questions


def test_t_bnd_naive_bounded_noise_is_summed_away() -> None:
    """Noise of -2 to 2, the same each time it is asked: the two parts by each of 95 attributes add up to the count."""
    tries, rng = 400, np.random.default_rng(6)
    noise = rng.integers(-2, 3, (tries, ATTRIBUTES, 2))
    parts = rng.integers(100, 400, (tries, ATTRIBUTES))
    count = 500 + rng.integers(0, 100, tries)
    answers = np.stack([parts, count[:, None] - parts], axis=2) + noise
    assert np.mean(np.rint(answers.sum(axis=2).mean(axis=1)) == count) >= 0.9


def test_t_bnd_ours_stays_as_far_off_as_the_ledger_says() -> None:
    """The same 190 counts for one budget: the best estimate is no nearer than one answer for all of it, and hardly ever right."""
    tries = 400
    truths = [200, 300] * (ATTRIBUTES * tries)
    found = np.array(ours(truths, share(ATTRIBUTES))).reshape(tries, ATTRIBUTES, 2).sum(axis=2).mean(axis=1) - 500
    assert statistics.pstdev(found.tolist()) >= FLOOR
    assert np.mean(np.rint(found) == 0) < 0.15
