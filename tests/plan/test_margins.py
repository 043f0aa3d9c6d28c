"""What is said of a quantile before it is asked: its rank is off by no more than that in 95 % of draws, ties counted in."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from tests.plan.made import AGE, BORN, PATIENTS, asking, number
from tre.plan.bound import score_change
from tre.plan.candidates import candidates
from tre.plan.margins import of_rank
from tre.plan.measures import measured
from tre.plan.nodes import Expression


@pytest.mark.parametrize("q", ["0.5", "0.9", "0.05"])
@pytest.mark.parametrize("value", [AGE, BORN])
@pytest.mark.parametrize("values", ["spread", "alike", "two"])
def test_the_rank_of_a_quantile(q: str, value: Expression, values: str) -> None:
    """5,000 choices by Gumbel noise at rho = 0.0115, a few thousand persons: spread out, all of one value, or of two."""
    dice, rank, e = np.random.default_rng(17), Fraction(q), math.sqrt(8 * 0.0115)
    (measure,) = [one for one in measured(asking(PATIENTS, number("quantile", value, q=q))).measures if one.kind == "ranks"]
    bins = len(candidates(value.domain))
    people = {
        "spread": dice.integers(0, bins, 3_000),
        "alike": np.full(3_000, bins // 3),
        "two": dice.choice([3, bins - 4], 3_000),
    }[values]
    weights = np.bincount(people, minlength=bins)
    upto = np.cumsum(weights)
    wanted = rank.numerator * len(people)
    off = np.maximum(0, np.maximum(wanted - rank.denominator * upto, rank.denominator * (upto - weights) - wanted))
    scale = 2 * score_change(q, 1) / e
    chosen = np.array([int(np.argmax(-off + dice.gumbel(0, scale, bins))) for _ in range(5_000)])
    errors = off[chosen] / rank.denominator
    promised = of_rank(measure, scale)
    assert promised == math.ceil(2 * max(rank, 1 - rank) / e * math.log(bins / 0.05))
    assert float(np.mean(errors <= promised)) >= 0.95
