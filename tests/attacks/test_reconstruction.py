"""T-LIN, T-HOMER: many counts together give away everybody's secret, or who is among the patients. Naive falls; ours does not.

Linear reconstruction (Dinur and Nissim 2003): secret bits from counts of random subsets, by least squares in [0, 1]. Membership
(Homer et al. 2008): how much nearer a person's attributes are to the counts than to the population's shares.

Ours: all counts together for one budget, (1, 1e-6). No test of membership then has an AUC above ``BOUND``: under rho-zCDP a total
variation of sqrt(rho / 2) at most between neighbours (Pinsker).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import rankdata

from tests.attacks.cells import BUDGET, ours, share
from tre.loss import UNIT
from tre.plan.rounding import rounded

BITS, RUNS = 100, 12
TV = math.sqrt(BUDGET.rho / UNIT / 2)
BOUND = 0.5 + TV - TV**2 / 2  # the area under the largest curve with TP - FP <= TV


def naive(counts: list[int]) -> list[int]:
    """Rounded to 5, and 0 where there are fewer than 10."""
    return [rounded(count, 5) if count >= 10 else 0 for count in counts]


def restored(questions: int, seed: int, private: bool) -> float:
    """The fraction of secret bits that are right."""
    rng = np.random.default_rng(seed)
    secret = rng.integers(0, 2, BITS)
    subsets = rng.integers(0, 2, (questions, BITS))
    counts = (subsets @ secret).tolist()
    told = ours(counts, share(questions)) if private else naive(counts)

    def squares(guess: np.ndarray) -> tuple[float, np.ndarray]:
        off = subsets @ guess - told
        return float(off @ off), 2 * subsets.T @ off

    found = minimize(squares, np.full(BITS, 0.5), jac=True, bounds=[(0, 1)] * BITS, method="L-BFGS-B").x
    return float(np.mean((found > 0.5) == (secret == 1)))


@pytest.mark.parametrize("questions", [400, pytest.param(800, marks=pytest.mark.audit)])
def test_t_lin_naive_gives_the_secrets_away(questions: int) -> None:
    assert np.mean([restored(questions, seed, False) for seed in range(2)]) >= 0.95


@pytest.mark.parametrize("questions", [100, 400, *(pytest.param(n, marks=pytest.mark.audit) for n in (200, 800))])
def test_t_lin_ours_keeps_them(questions: int) -> None:
    """Over 12 runs at most 0.60: of 1,200 bits, each guessed as well as one answer for all of the budget allows (0.53), 4.9
    standard errors."""
    assert np.mean([restored(questions, seed, True) for seed in range(RUNS)]) <= 0.60


# -- T-HOMER

ATTRIBUTES, PATIENTS = 1_000, 50
SIZES = [100, pytest.param(1_000, marks=pytest.mark.audit)]


def area(members: list[float], others: list[float]) -> float:
    """AUC, by ranks."""
    ranks = rankdata([*members, *others])[: len(members)]
    return float((ranks.sum() - len(members) * (len(members) + 1) / 2) / (len(members) * len(others)))


def membership(private: bool, groups: int, seed: int) -> float:
    """AUC of Homer's statistic: of a person who is among the patients, and of one who is not."""
    rng, found = np.random.default_rng(seed), []
    scale = share(ATTRIBUTES)
    for _ in range(groups):
        shares = rng.uniform(0.25, 0.75, ATTRIBUTES)
        people = rng.random((PATIENTS, ATTRIBUTES)) < shares
        both = []
        for patients in (people, people[1:]):
            counts = patients.sum(axis=0).tolist()
            told = np.array(ours(counts, scale) if private else naive(counts))
            both.append(float(np.sum((people[0] - shares) * (told - len(patients) * shares))))
        found.append(both)
    return area([one for one, _ in found], [other for _, other in found])


@pytest.mark.parametrize("groups", SIZES)
def test_t_homer_naive_tells_who_is_among_them(groups: int) -> None:
    assert membership(False, groups, 1) >= 0.95


@pytest.mark.parametrize("groups", SIZES)
def test_t_homer_ours_does_not(groups: int) -> None:
    """At most the bound, 0.60, and 4.9 standard errors of an AUC of so many on each side."""
    assert membership(True, groups, 2) <= BOUND + 4.9 * math.sqrt(1 / (6 * groups))
    assert BOUND < 0.61
