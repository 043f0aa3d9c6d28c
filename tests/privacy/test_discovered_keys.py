"""Discovered keys: how often one person's key is kept, what vanishes, and what threshold is refused."""

from __future__ import annotations

import pytest
from scipy.stats import beta

from tests.privacy.drawing import drawn, gaussian, laplace
from tests.vault.answers import MANY_ROWS, column, cost, draws_of, exact_of, order_of, plan_of, selection_of
from tre.loss import UNIT, PrivacyLoss
from tre.plan.candidates import candidates
from tre.plan.order import Selection
from tre.vault.noise import COUNTER, perturb


def keyed(alone: int) -> list[tuple[str]]:
    return [(f"k{n:07}",) for n in range(alone)]


@pytest.mark.parametrize(
    ("scale", "keys"),
    [(1.0, 20_000), (2.0, 20_000), *(pytest.param(scale, 10**6, marks=pytest.mark.audit) for scale in (1.0, 2.0))],
)
def test_a_key_of_one_person_is_hardly_ever_shown(scale: float, keys: int) -> None:
    """At delta 1e-3, keys of one person each: the frequency shown is at most delta by more than chance (Clopper-Pearson 1e-6)."""
    plan, delta = plan_of("practice"), 10**15
    order = order_of(plan, scale=scale, selection=selection_of(plan, draws_of(plan, scale), delta))
    exact = exact_of(plan, [[1] * keys], keys=[keyed(keys)])
    (block,) = perturb(exact, order).blocks
    assert block.groups == len(block.keys or ())
    assert beta.ppf(1e-6, block.groups, keys - block.groups + 1) <= 1e-3 if block.groups else True
    low = selection_of(plan, draws_of(plan, scale), delta)
    assert low is not None
    below = Selection(low.threshold - 1, 1, 10**18)  # one lower shows more than delta: the threshold is the smallest
    loose = order_of(plan, scale=scale, selection=below, loss=PrivacyLoss(rho=UNIT, delta=10**18))
    (more,) = perturb(exact, loose).blocks
    assert beta.ppf(1 - 1e-6, more.groups + 1, keys - more.groups) > 1e-3


def test_what_is_below_the_threshold_vanishes_and_the_same_draw_is_the_answer() -> None:
    plan = plan_of("practice", statistics=["n", "sum:bmi", "quantile:bmi:0.5"])
    order = order_of(plan, selection=Selection(30, 1, 10**12), scale=3.0)
    keys = [(f"p{n}",) for n in range(40)] + [(None,)]
    bins = (1,) * len(candidates(column("bmi").domain))
    exact = exact_of(plan, [[*range(0, 200, 5), 500], [7 * n for n in range(41)], [bins] * 41], keys=[keys])
    before = COUNTER.draws
    (block,) = perturb(exact, order).blocks
    assert COUNTER.draws == before + 3
    assert block.keys and (None,) in block.keys and set(block.keys) < set(keys)
    assert min(block.numbers[0]) >= 30 and all(len(vector) == block.groups for vector in block.numbers)
    for key, persons, total in zip(block.keys, block.numbers[0], block.numbers[1], strict=True):
        at = keys.index(key)
        assert abs(persons - (500 if at == 40 else 5 * at)) < 30
        assert abs(total - 7 * at) < 6 * order.draws[1].scale


def test_no_group_at_all_is_an_answer_too() -> None:
    plan = plan_of("practice", statistics=["n", "quantile:bmi:0.5"])
    (block,) = perturb(exact_of(plan, [[], []], keys=[[]]), order_of(plan)).blocks
    assert (block.keys, block.groups) == ((), 0)


def test_a_threshold_that_is_too_low_is_refused() -> None:
    """Threshold, scale and groups are looked at again: one lower, one group more, a smaller delta, and nothing is drawn."""
    plan = plan_of("practice")
    exact = exact_of(plan, [[50]], keys=[[("p",)]])
    draws = draws_of(plan, 3.0)
    for delta in (10**10, 5 * 10**11, 10**15):
        right = selection_of(plan, draws, delta)
        assert right is not None
        paid = cost(draws, delta=delta)
        assert drawn(order_of(plan, draws, paid, selection=right), exact)
        for wrong in (
            Selection(right.threshold - 1, 1, delta),
            Selection(right.threshold, 1000, delta),
            Selection(right.threshold, 1, delta // 100),
        ):
            assert not drawn(order_of(plan, draws, paid, selection=wrong), exact)
        assert not drawn(order_of(plan, draws, cost(draws, delta=delta - 1), selection=right), exact)
        louder = [gaussian(3.3)]
        assert not drawn(order_of(plan, louder, paid, selection=right), exact)


def test_groups_of_one_person_are_not_understated() -> None:
    plan = plan_of("practice", relation=MANY_ROWS)
    draws = draws_of(plan)
    right = selection_of(plan, draws)
    assert right is not None and right.groups == 3
    exact = exact_of(plan, [[50]], keys=[[("p",)]])
    assert drawn(order_of(plan, draws, PrivacyLoss(rho=10**20, delta=10**15), selection=right), exact)
    wrong = Selection(right.threshold + 50, 2, right.delta)
    assert not drawn(order_of(plan, draws, PrivacyLoss(rho=10**20, delta=10**15), selection=wrong), exact)


def test_a_pure_promise_discovers_nothing() -> None:
    plan = plan_of("practice")
    exact = exact_of(plan, [[50]], keys=[[("p",)]])
    assert not drawn(order_of(plan, [laplace()], PrivacyLoss(epsilon=10**15), selection=Selection(500, 1, 0)), exact)
