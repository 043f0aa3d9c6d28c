"""T-FP1, T-FP2, T-FP3: the low bits of a noisy number tell the truth apart. Naive float noise falls; ours is whole grid steps.

Naive: noise computed in doubles and added in doubles (Mironov 2012; Haney et al. 2022; Jin et al. 2022). Ours, through the
vault's own noise and release: every number is an integer multiple of a public step, and every such multiple is possible whatever
the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from tests.vault.answers import MANY_ROWS, answered, column, exact_of, order_of, plan_of
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Key, Plan, Scan, Statistic
from tre.vault.noise import perturb

DRAWS = 200_000
Noise = Callable[[np.random.Generator], np.ndarray]


def laplace(rng: np.random.Generator) -> np.ndarray:
    """The textbook: the logarithm of a uniform double."""
    return np.log(uniform(rng)) * rng.choice([-1.0, 1.0], DRAWS)


def gaussian(rng: np.random.Generator) -> np.ndarray:
    """The textbook: Box and Muller."""
    return np.sqrt(-2 * np.log(uniform(rng))) * np.cos(2 * np.pi * uniform(rng))


def uniform(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, 2**53, DRAWS) / 2.0**53


def test_t_fp1_naive_outputs_are_impossible_under_the_neighbour() -> None:
    """Of the answers to 0 more than a quarter are ones that no uniform double turns into from 1: the neighbour is ruled out."""
    answers = laplace(np.random.default_rng(1))
    off = answers - 1.0
    near = np.rint(np.exp(-np.abs(off)) * 2.0**53)
    possible = np.zeros(DRAWS, dtype=bool)
    for step in range(-48, 49):
        noise = np.log(np.clip(near + step, 1, 2**53) / 2.0**53)
        possible |= (1.0 + np.where(off < 0, noise, -noise)) == answers
    assert np.mean(~possible) > 0.25


@pytest.mark.parametrize("noise", [laplace, gaussian], ids=["t_fp2", "t_fp3"])
def test_naive_answers_are_told_by_their_last_bits(noise: Noise) -> None:
    """What is added to 1 is a multiple of 2^-53 whatever the noise; of the answers to 0 a quarter and more are not."""
    step = 2.0**53
    ones = 1.0 + noise(np.random.default_rng(2))
    zeros = 0.0 + noise(np.random.default_rng(3))
    assert np.all(ones * step == np.floor(ones * step))
    assert np.mean(zeros * step != np.floor(zeros * step)) >= 0.25


def wide(cells: int) -> Plan:
    key = Key("place", Column("patients", "place", Domain("integer", False, low=1, high=cells)))
    return Plan("gp", Scan("patients", 1), (key,), (Statistic("n", "persons"),), ("place", "n"))


@pytest.mark.parametrize("pure", [True, False], ids=["laplace", "gaussian"])
def test_ours_is_whole_steps_and_all_of_them_are_possible(pure: bool) -> None:
    """200,000 answers, half of them to 0 and half to 1, at scale 1: whole numbers, none that the neighbour could not give. (The
    discrete laws have every whole number; that the common ones are there on both sides is seen.)"""
    plan, half = wide(DRAWS), DRAWS // 2
    (block,) = perturb(exact_of(plan, [[0] * half + [1] * half]), order_of(plan, scale=1.0, pure=pure)).blocks
    found = block.numbers[0]
    assert all(type(n) is int for n in found)
    assert set(range(-2, 4)) <= set(found[:half]) & set(found[half:])


def test_every_released_number_is_a_multiple_of_its_public_step() -> None:
    """As it is written in the answer, to the last digit: counts of the rounding base, sums of the grid, means of a hundredth."""
    plan = plan_of(
        "year_of_birth", "weight", "sex", statistics=["n", "sum:bmi", "avg:bmi", "var:bmi", "stddev:bmi"], relation=MANY_ROWS
    )
    order = order_of(plan, scale=40.0)
    vectors = [[100 * (1 + place) + 7 * n for n in range(plan.cells)] for place in range(len(measured(plan).measures))]
    noisy = perturb(exact_of(plan, vectors), order)
    body = answered(noisy, order)
    rows = json.loads(json.dumps(body["rows"]), parse_float=Fraction, parse_int=Fraction)
    steps = {"n": Fraction(5), "sum_bmi": Fraction(1, 10), "avg_bmi": Fraction(1, 1_000), "stddev_bmi": Fraction(1, 1_000)}
    steps["var_bmi"] = Fraction(1, 10_000)
    shown = 0
    for alias, step in steps.items():
        for row in rows:
            if row[alias] is not None:
                shown += 1
                assert (row[alias] / step).denominator == 1
    assert shown > 4 * plan.cells
    assert column("bmi").domain.grid == "0.1"
