"""A bound chosen by a noisy maximum: its law, its rank error, and what is not drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.plan.made import KIND, asking
from tests.vault.answers import HELD, REGIMES, exact_of
from tre.loss import PrivacyLoss, budget
from tre.plan.choice import PLACES, bounded, bounds
from tre.plan.margins import of_rank
from tre.plan.measures import measured
from tre.plan.nodes import Plan, Scan, Statistic
from tre.plan.nodes.asked import AUTO
from tre.plan.order import GAUSSIAN, LAPLACE, Choice, DisclosureRules, Draw, Order
from tre.plan.price import quote
from tre.plan.restricted import RestrictedPlan
from tre.terms import Asking, Reservation, digest
from tre.vault import noise
from tre.vault.exact import ExactContributions
from tre.vault.noise import COUNTER, NotCovered, choose, perturb, score_of_a_person, scores
from tre.vault.noisy import NoisyChoice

PLAN = asking(Scan("visits", 50, max_rows=20, max_groups=3), Statistic("n", "rows", None, AUTO), keys=(KIND,))
GRID = (1, 2, 3, 5, 8, 13, 20)


def order_of(share: Fraction = Fraction(1, 100), pure: bool = False, **more: Any) -> Order:
    """What a share of a budget of epsilon 1 buys, reserved to the last unit."""
    found = quote(PLAN, budget(Decimal(1), Decimal(0) if pure else Decimal("1e-6")), Asking(share=share), Decimal("0.01"), 5, 10)
    fields: dict[str, Any] = {"draws": found.draws, "choice": found.choice, "loss": found.loss} | more
    return Order(
        RestrictedPlan(PLAN, "research", REGIMES),
        Reservation("r1", "q1", "demo", "gp", fields.pop("loss")),
        *HELD,
        disclosure=DisclosureRules(10, 5, 10_000, digest(b"policy"), "on"),
        max_persons=1_000_000,
        deadline_s=1,
        **fields,
    )


def choices(order: Order, persons: tuple[int, ...], trials: int) -> list[NoisyChoice]:
    """The same choice over and over, each drawn anew by the vault's own function, what is covered being looked at once."""
    ranks, clamped = (noise._measurement(draw, order.reservation.loss.pure) for draw in offered(order).draws)
    choose(ExactContributions(persons), order)
    return [noise._bound_chosen(ExactContributions(persons), offered(order), ranks, clamped) for _ in range(trials)]


def offered(order: Order) -> Choice:
    assert order.choice is not None
    return order.choice


@pytest.mark.parametrize("persons", [(40, 30, 12, 8, 5, 3, 1, 1), (0, 0, 0, 0, 0, 0, 0, 0), (5, 0, 0, 0, 0, 0, 0, 20)])
def test_one_person_moves_a_score_no_further_than_is_said(persons: tuple[int, ...]) -> None:
    before = scores(persons, PLACES)[:-1]
    moves = []
    for place in range(len(persons)):
        more = tuple(number + (at == place) for at, number in enumerate(persons))
        moves += [abs(one - other) for one, other in zip(before, scores(more, PLACES)[:-1], strict=True)]
    assert max(moves) <= score_of_a_person(PLACES) == 19


def test_the_bound_is_chosen_by_the_stated_law() -> None:
    """Gumbel noise: the exponential mechanism's own probabilities, to 5.3 standard errors of 6,000 choices."""
    order, persons, trials = order_of(Fraction(1, 2)), (60, 20, 8, 4, 4, 2, 1, 1), 6_000
    found = Counter(one.k for one in choices(order, persons, trials))
    relative = [math.exp(score / offered(order).ranks.scale) for score in scores(persons, PLACES)[:-1]]
    for k, weight in zip(GRID, relative, strict=True):
        p = weight / sum(relative)
        assert abs(found[k] / trials - p) < 5.3 * math.sqrt(p * (1 - p) / trials) + 1e-9
    assert set(found) <= set(GRID) and len(found) > 1


@pytest.mark.parametrize("pure", [False, True])
def test_the_rank_is_off_by_no_more_than_is_told(pure: bool) -> None:
    """In 95 % of 2,000 choices (3.7 standard errors to spare), tie-aware: the distance from 0.95 N to the bound's ranks."""
    order, trials, misses = order_of(Fraction(1, 4), pure), 2_000, 0
    persons = (700, 400, 200, 100, 60, 30, 10, 5)
    told, rank = of_rank(PLACES, offered(order).ranks.scale, len(GRID)), Fraction(95, 100) * sum(persons)
    for one in choices(order, persons, trials):
        place = GRID.index(one.k)
        below, upto = sum(persons[:place]), sum(persons[: place + 1])
        misses += max(0, rank - upto, below - rank) > told
    assert misses <= trials * 0.05 + 3.7 * math.sqrt(trials * 0.05 * 0.95)
    epsilon = 2 * 19 / offered(order).ranks.scale  # in scores of 1/20 of a person
    assert told <= math.ceil(2 * 0.95 / epsilon * math.log(len(GRID) / 0.05)) + 1


@pytest.mark.parametrize(("pure", "mechanism"), [(False, GAUSSIAN), (True, LAPLACE)])
def test_the_persons_beyond_have_the_stated_noise(pure: bool, mechanism: str) -> None:
    """Everybody has one row but for 100,000 who have more than any bound: beyond whichever is chosen are as many."""
    order, persons, trials = order_of(Fraction(1, 100), pure), (0, 0, 0, 0, 0, 0, 0, 100_000), 4_000
    errors = [one.clamped - 100_000 for one in choices(order, persons, trials)]
    draw = offered(order).clamped
    assert draw.mechanism == mechanism
    sd = draw.scale * (math.sqrt(2) if pure else 1)
    spread = math.sqrt(sum(error * error for error in errors) / trials)
    assert abs(spread / sd - 1) < 5 * math.sqrt((5 if pure else 2) / (4 * trials)) + 0.001
    assert abs(sum(errors) / trials) < 5 * sd / math.sqrt(trials)


def drawn(action: Callable[[], Any], draws: int) -> bool:
    """Whether so many were drawn; a refusal draws nothing at all."""
    before = COUNTER.draws
    try:
        action()
    except NotCovered:
        assert COUNTER.draws == before
        return False
    assert COUNTER.draws == before + draws
    return True


PERSONS = ExactContributions((9, 8, 7, 6, 5, 4, 3, 2))


def table(plan: Plan) -> Any:
    return exact_of(plan, [[5] * plan.cells for _ in measured(plan).measures])


@pytest.mark.parametrize("pure", [False, True])
def test_exactly_what_was_reserved_is_enough(pure: bool) -> None:
    """The choice and, with whichever bound, the draws; one unit less is too little: then neither is drawn."""
    order = order_of(pure=pure)
    assert drawn(lambda: choose(PERSONS, order), 2)
    for k in GRID:
        at = order.at(k)
        assert drawn(lambda at=at: perturb(table(at.plan), at), len(at.draws))  # type: ignore[misc]
    loss = order.reservation.loss
    less = PrivacyLoss(epsilon=loss.epsilon - 1) if pure else PrivacyLoss(rho=loss.rho - 1)
    assert not drawn(lambda: choose(PERSONS, order_of(pure=pure, loss=less)), 0)


def test_the_choice_is_paid_for_beside_the_draws() -> None:
    """A reservation of the draws alone does not cover the choice that came before."""
    order = order_of()
    alone = quote(bounded(PLAN, 20), budget(Decimal(1), Decimal("1e-6")), Asking(rho=order.reservation.loss.rho * 85 // 100),
                  Decimal("0.01"), 5, 10)  # fmt: skip
    small = order_of(loss=alone.loss)
    assert not drawn(lambda: choose(PERSONS, small), 0)
    assert not drawn(lambda: perturb(table(small.at(20).plan), small.at(20)), 0)


def test_nothing_is_drawn_before_the_bound_is_chosen_nor_twice() -> None:
    order = order_of()
    assert not drawn(lambda: perturb(table(PLAN), order), 0)
    assert not drawn(lambda: choose(PERSONS, order.at(3)), 0)
    assert not drawn(lambda: choose(ExactContributions((1, 2, 3)), order), 0)
    assert bounds(PLAN) == GRID


def quieter(draw: Draw, **more: Any) -> Draw:
    return replace(draw, **more)


def test_a_choice_that_says_less_of_one_person_than_is_true() -> None:
    order = order_of()
    ranks, clamped = offered(order).draws
    wrong = {
        "a smaller change of the scores": (quieter(ranks, sensitivity=18), clamped),
        "another mechanism": (clamped, clamped),
        "a maximum of the persons beyond": (ranks, ranks),
        "the noise of the other accounting": (ranks, quieter(clamped, mechanism=LAPLACE)),
        "less noise than was paid for": (quieter(ranks, scale=ranks.scale * 0.99), clamped),
        "less noise beyond": (ranks, quieter(clamped, scale=clamped.scale * 0.99)),
    }
    for name, (one, other) in wrong.items():
        planted = order_of(choice=Choice(one, other, offered(order).offers))
        assert not drawn(lambda planted=planted: choose(PERSONS, planted), 0), name  # type: ignore[misc]


def test_one_offer_that_is_not_covered_is_enough_to_draw_nothing() -> None:
    """Whichever would have been chosen: what is refused must not hang on the records."""
    order = order_of()
    offers = list(offered(order).offers)
    first = offers[1]
    louder = tuple(quieter(draw, scale=draw.scale * 0.9) for draw in first.draws)
    offers[1] = replace(first, draws=louder)
    planted = order_of(choice=replace(offered(order), offers=tuple(offers)))
    assert not drawn(lambda: choose(PERSONS, planted), 0)
