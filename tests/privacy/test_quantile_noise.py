"""Quantiles by a noisy maximum: the scores, how far one person moves them, the law of the choice and its rank error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from tests.vault.answers import cost, draws_of, plan_of
from tre.loss import UNIT
from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.nodes import Plan
from tre.plan.order import Draw
from tre.vault import noise


def bins_of(values: Sequence[int], measure: Any) -> tuple[int, ...]:
    """The weights of values at the candidates: each at the largest that is at most it."""
    grid = candidates(measure.value.domain)
    weights = [0] * len(grid)
    for value in values:
        weights[max(n for n, v in enumerate(grid) if v <= value)] += 1
    return tuple(weights)


@pytest.mark.parametrize("q", ["0.5", "0.9", "0.25", "0.01", "0.3333"])
def test_scores_are_minus_the_distance_to_the_rank(q: str) -> None:
    """Against the definition, tie-aware: 0 where q N lies within [#(x < v), #(x <= v)]."""
    measure = measured(plan_of(statistics=[f"quantile:pulse:{q}"])).measures[1]
    values = [3, 3, 3, 7, 8, 8, 100, 100, 150, 200]
    weights, rank = bins_of(values, measure), Fraction(q) * len(values)
    for v, score in zip(candidates(measure.value.domain), noise.scores(weights, measure), strict=True):
        below, upto = sum(x < v for x in values), sum(x <= v for x in values)
        assert score == -Fraction(q).denominator * max(0, rank - upto, below - rank)


@pytest.mark.parametrize("q", ["0.5", "0.9", "0.25", "0.01"])
def test_one_person_moves_a_score_no_further_than_is_said(q: str) -> None:
    measure = measured(plan_of(statistics=[f"quantile:pulse:{q}"])).measures[1]
    base = [0, 3, 3, 7, 50, 200, 200]
    before = noise.scores(bins_of(base, measure), measure)
    moves = [
        abs(one - other)
        for value in range(0, 201, 5)
        for one, other in zip(before, noise.scores(bins_of([*base, value], measure), measure), strict=True)
    ]
    assert max(moves) == noise.score_of_a_person(measure)


@pytest.mark.parametrize("pure", [False, True])
def test_a_quantile_is_chosen_by_the_stated_law(pure: bool) -> None:
    """Gumbel noise: the exponential mechanism's own probabilities, to 5.3 standard errors of 6,000 choices. Exponential noise
    (pure): no worse than that on average, and every candidate with a higher score oftener."""
    plan = plan_of(statistics=["quantile:pulse:0.5"])
    measure, trials = measured(plan).measures[1], 6_000
    draws = draws_of(plan, 3.0, pure)
    weights = bins_of([40, 41, 42, 43, 44], measure)
    found = chosen(plan, draws, weights, trials, pure)
    relative = [math.exp(score / draws[1].scale) for score in noise.scores(weights, measure)]
    for candidate in (40, 42, 44, 0, 200):
        p = relative[candidate] / sum(relative)
        seen = found.count(candidate) / trials
        if not pure:
            assert abs(seen - p) < 5.3 * math.sqrt(p * (1 - p) / trials) + 1e-9
    best = sum(abs(value - 42) for value in found) / trials
    law = sum(abs(v - 42) * p for v, p in enumerate(relative)) / sum(relative)
    assert best < 1.1 * law


def chosen(plan: Plan, draws: Sequence[Draw], weights: tuple[int, ...], trials: int, pure: bool = False) -> list[int]:
    """The same group over and over: in tables of 25 public groups."""
    one = noise._measurement(draws[1], pure)
    measure = measured(plan).measures[1]
    (found,) = noise._chosen(one, measure, [[weights] * trials], [range(trials)])
    return list(found)


@pytest.mark.parametrize("q", ["0.5", "0.9"])
@pytest.mark.parametrize("persons", [200, 1_000])
def test_the_rank_error_of_a_quantile(q: str, persons: int) -> None:
    """95 % within 2 max(q, 1-q)/eps ln(grid/0.05), eps = sqrt(8 rho). Of 400 choices at 95 % more than 20 would miss half of the
    time; the bound is loose by more than twice, so that hardly any does."""
    plan = plan_of(statistics=[f"quantile:pulse:{q}"])
    measure, rank = measured(plan).measures[1], Fraction(q) * persons
    values = [(37 * n) % 150 + 20 for n in range(persons)]
    draws = draws_of(plan, 20.0)
    epsilon = math.sqrt(8 * cost(draws[1:]).rho / UNIT)
    bound = 2 * max(float(q), 1 - float(q)) / epsilon * math.log(len(candidates(measure.value.domain)) / 0.05)
    misses = 0
    for v in chosen(plan, draws, bins_of(values, measure), 400):
        below, upto = sum(x < v for x in values), sum(x <= v for x in values)
        misses += max(0, rank - upto, below - rank) > bound
    assert misses <= 20


def test_a_quantile_of_nobody_is_still_chosen() -> None:
    """Of an empty cell any candidate, alike."""
    plan = plan_of(statistics=["quantile:pulse:0.5"])
    found = chosen(plan, draws_of(plan), (0,) * 201, 300)
    assert len(set(found)) > 100 and set(found) <= set(range(201))
