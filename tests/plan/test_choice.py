"""A bound that is left open: the grid it is chosen on, what each choice costs, and what the preview says of it."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.plan.made import BOTH, CODE, COST, KIND, PRESSURE, SEX, VISITS, asking, number
from tests.plan.offers import CATALOGUE, CODELISTS
from tests.vault.answers import HELD, REGIMES
from tre.errors import Reason, Refusal
from tre.loss import PrivacyLoss, budget, gaussian_loss, laplace_loss, noisy_max_loss
from tre.plan.bound import sensitivities
from tre.plan.canonical import canonical_form
from tre.plan.choice import BEYOND, CHOOSING, CLAMPED, bounded, bounds, counted
from tre.plan.measures import measured
from tre.plan.nodes import Plan, Scan, Statistic, from_json, to_json
from tre.plan.nodes.asked import AUTO
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, DisclosureRules, Draw, Order, order_from_json, order_to_json
from tre.plan.parse import parse
from tre.plan.preview import preview
from tre.plan.price import Quote, quote
from tre.plan.restricted import RestrictedPlan
from tre.terms import Asking, Reservation, canonical, digest

CONCENTRATED, PURE = budget(Decimal(1), Decimal("1e-6")), budget(Decimal(1), Decimal(0))


def auto(kind: str = "rows", value: Any = None, alias: str = "n", q: str | None = None) -> Statistic:
    return Statistic(alias, kind, value, AUTO, q)


ROWS = asking(VISITS, auto(), keys=(KIND,))
MANY = asking(
    VISITS,
    *(auto(kind, COST, kind) for kind in ("sum", "avg", "var", "stddev")),
    auto("quantile", PRESSURE, "median", q="0.5"),
    number("rows", alias="rows", bound=2),
    keys=(KIND,),
)
FOUND = asking(VISITS, auto(), keys=(CODE,), discovered=True)


def priced(plan: Plan = ROWS, stated: PrivacyLoss = CONCENTRATED, **asked: Any) -> Quote:
    return quote(plan, stated, Asking(**asked), Decimal("0.01"), 5, 10)


def amount(loss: PrivacyLoss) -> int:
    return loss.epsilon if loss.pure else loss.rho


def loss_of(draw: Draw, pure: bool) -> PrivacyLoss:
    """The three laws, one by one."""
    if draw.mechanism == NOISY_MAX:
        return noisy_max_loss(draw.groups, draw.sensitivity, draw.scale, pure)
    return laplace_loss(draw.sensitivity, draw.scale) if pure else gaussian_loss(draw.squared_sensitivity, draw.scale)


def test_the_language_has_it() -> None:
    plan = parse(
        "SELECT kind, COUNT(*, bound => AUTO) AS n, AVG(value, bound => auto) AS m, COUNT(*, bound => 2) AS two FROM measurements"
        " GROUP BY kind",
        CATALOGUE,
        CODELISTS,
    )
    assert [one.bound for one in plan.statistics] == [AUTO, AUTO, 2]
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan and CATALOGUE.admits(plan)
    assert [one.bound for one in bounded(plan, 3).statistics] == [3, 3, 2]
    assert canonical_form(plan) != canonical_form(bounded(plan, 20))  # a choice is another question


@pytest.mark.parametrize(
    ("largest", "grid"),
    [(2, (1, 2)), (3, (1, 2, 3)), (5, (1, 2, 3, 5)), (20, (1, 2, 3, 5, 8, 13, 20)), (21, (1, 2, 3, 5, 8, 13, 21))],
)
def test_the_grid_ends_with_the_policy_s_bound(largest: int, grid: tuple[int, ...]) -> None:
    plan = asking(Scan("visits", 50, max_rows=largest, max_groups=3), auto(), keys=(KIND,))
    assert bounds(plan) == grid


def test_rows_that_count_are_those_of_the_statistics_that_leave_it_open() -> None:
    assert counted(ROWS) == (None,)
    assert counted(asking(VISITS, auto("avg", PRESSURE), number("rows", alias="m", bound=2))) == (PRESSURE,)
    assert counted(asking(VISITS, auto("avg", PRESSURE), auto("sum", COST, "s"))) == (None,)  # cost is never NULL


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE], ids=["concentrated", "pure"])
@pytest.mark.parametrize("plan", [ROWS, MANY], ids=["rows", "many"])
def test_whatever_is_chosen_costs_the_same(plan: Plan, stated: PrivacyLoss) -> None:
    found, whole = priced(plan, stated), amount(stated) // 100
    assert found.choice is not None and [offer.k for offer in found.choice.offers] == [1, 2, 3, 5]
    for offer in found.choice.offers:
        at = bounded(plan, offer.k)
        of_one = [loss_of(draw, stated.pure) for draw in offer.draws]
        paid = sum([*of_one, *(loss_of(draw, stated.pure) for draw in found.choice.draws)], PrivacyLoss())
        assert paid.fits(found.loss)
        assert (
            whole - 20 - whole // 10**6 <= amount(paid) <= amount(found.loss) <= whole
        )  # a few units, and the rounding of floats
        assert max(map(amount, of_one)) - min(map(amount, of_one)) <= 2 + whole // 10**6  # equal parts
        for measure, bound, draw in zip(measured(at).measures, sensitivities(at), offer.draws, strict=True):
            l1, l2 = (bound.cell, bound.cell**2) if measure.kind == "ranks" else (bound.l1, bound.squared_l2)
            assert (draw.sensitivity, draw.squared_sensitivity) == (l1, l2)


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE], ids=["concentrated", "pure"])
def test_the_parts_of_the_charge_are_the_stated_ones(stated: PrivacyLoss) -> None:
    found = priced(stated=stated)
    assert found.choice is not None
    for draw, part in zip(found.choice.draws, (CHOOSING, CLAMPED), strict=True):
        assert Fraction(amount(loss_of(draw, stated.pure)), amount(found.loss)) == pytest.approx(float(part), rel=1e-4)
    assert found.choice.ranks.sensitivity == 19 and found.choice.ranks.groups == 1  # of scores in parts of 1/20
    assert found.choice.clamped.mechanism == (LAPLACE if stated.pure else GAUSSIAN) and BEYOND.cell == 1


def test_discovered_keys_pay_their_delta_once() -> None:
    found, plain = priced(FOUND), priced(bounded(FOUND, 5))
    assert found.choice is not None and found.selection is not None and plain.selection is not None
    chosen = [offer.selection for offer in found.choice.offers]
    assert {one.delta for one in chosen if one} == {found.selection.delta} and None not in chosen
    assert found.selection.delta == pytest.approx(plain.selection.delta, rel=1e-3)
    assert found.loss.delta == found.selection.delta
    assert chosen[0].threshold < chosen[-1].threshold  # type: ignore[union-attr]  # at one row persons and rows are one number


def test_more_is_more_accurate_in_every_draw() -> None:
    """So that an earlier release of a larger charge answers the question, whatever was chosen in it."""
    one, other = priced(share=Fraction(1, 100)).scales, priced(share=Fraction(2, 100)).scales
    assert one.keys() == other.keys() and all(other[place] < scale for place, scale in one.items())
    assert len(one) == 2 + 1 + 2 * 3  # the choice, persons beyond, persons at one row, persons and rows at 2, 3 and 5
    assert priced().bounds == priced(share=Fraction(1, 50)).bounds


def refused(plan: Plan, **asked: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        priced(plan, **asked)
    assert raised.value.suggestion
    return raised.value


def test_what_is_refused() -> None:
    assert "bound => 3" in (refused(ROWS, margin=50).suggestion or "")
    assert refused(ROWS, margin={"n": Fraction(50)}).reason == Reason.INVALID_REQUEST
    one = asking(Scan("visits", 50, max_rows=1, max_groups=3), auto(), keys=(KIND,))
    assert "no bound to choose" in refused(one).detail
    sets = asking(BOTH, auto(), keys=(SEX, KIND), sets=((0, 1), (0,), ()))
    assert "several sets" in refused(sets).detail
    added = asking(BOTH, auto(), keys=(SEX,), sets=((0,), ()))
    assert priced(added).choice is not None  # totals that are added cost nothing and choose nothing
    for kind in ("persons", "mean_of_persons"):
        with pytest.raises(ValueError, match="chosen"):
            Statistic("n", kind, COST if kind != "persons" else None, AUTO)


def test_the_preview_tells_the_margin_for_each_bound() -> None:
    found = priced()
    told = preview(ROWS, found, CONCENTRATED, 0.25)
    bound = told["bound"]
    assert bound["of"] == ["n"] and bound["quantile"] == "0.95"
    assert (bound["choice"]["share"], bound["persons_clamped"]["share"]) == (0.1, 0.05)
    assert bound["choice"]["rank_margin"] > 0 and bound["persons_clamped"]["margin"] > 0
    assert [one["max_rows"] for one in bound["bounds"]] == [1, 2, 3, 5]
    margins = [one["statistics"][0]["margin"] for one in bound["bounds"]]
    assert margins == sorted(margins) and margins[0] < margins[-1] == told["statistics"][0]["margin"]
    assert [one["statistics"][0]["max_rows"] for one in bound["bounds"]] == [1, 2, 3, 5]
    assert any("A bound is chosen" in warning for warning in told["warnings"])
    assert canonical(told) == canonical(preview(ROWS, priced(), CONCENTRATED, 0.25))
    assert "bound" not in preview(bounded(ROWS, 3), priced(bounded(ROWS, 3)), CONCENTRATED)


def order_of(plan: Plan, found: Quote, **more: Any) -> Order:
    rules = DisclosureRules(10, 5, 10_000, digest(b"policy"), "on")
    fields: dict[str, Any] = {"draws": found.draws, "selection": found.selection, "choice": found.choice} | more
    reserved = Reservation("r1", "q1", "demo", "gp", found.loss)
    return Order(
        RestrictedPlan(plan, "research", REGIMES), reserved, *HELD, disclosure=rules, max_persons=10**6, deadline_s=1, **fields
    )


@pytest.mark.parametrize("plan", [ROWS, MANY, FOUND], ids=["rows", "many", "discovered"])
def test_an_order_travels_and_is_bounded_once(plan: Plan) -> None:
    found = priced(plan)
    order = order_of(plan, found)
    assert order_from_json(json.loads(json.dumps(order_to_json(order)))) == order
    at = order.at(3)
    assert found.choice is not None
    assert at.plan == bounded(plan, 3) and at.draws == found.choice.offer(3).draws and at.restricted == order.restricted
    assert order_from_json(json.loads(json.dumps(order_to_json(at)))) == at
    for twice in (lambda: order.at(4), lambda: at.at(3), lambda: order_of(bounded(plan, 3), priced(bounded(plan, 3))).at(3)):
        with pytest.raises(ValueError, match="bound"):
            twice()


def test_an_order_has_an_offer_for_every_bound() -> None:
    found = priced()
    assert found.choice is not None
    for wrong in ({"choice": None}, {"bound": 4}, {"choice": None, "bound": 3}):
        with pytest.raises(ValueError, match="bound"):
            order_of(ROWS, found, **wrong)
    short = type(found.choice)(found.choice.ranks, found.choice.clamped, found.choice.offers[1:])
    with pytest.raises(ValueError, match="one offer"):
        order_of(ROWS, found, choice=short)
    with pytest.raises(ValueError, match="open"):
        order_of(bounded(ROWS, 5), priced(bounded(ROWS, 5)), choice=found.choice)
