"""Prices: what a share buys, what a margin costs, and that the charge is exact and never above what was asked."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.plan.made import (
    AGE,
    BOARD,
    BOTH,
    CODE,
    COST,
    KIND,
    PATIENTS,
    PRACTICE,
    PRESSURE,
    SEX,
    VISITS,
    WEIGHT,
    asking,
    count,
    number,
)
from tre.errors import Reason, Refusal
from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, budget, gaussian_loss, laplace_loss, share_of
from tre.plan.accuracy import half_width
from tre.plan.bound import sensitivities
from tre.plan.estimate import estimator
from tre.plan.intervals import Noise
from tre.plan.margins import of_mean
from tre.plan.measures import measured
from tre.plan.nodes import Plan
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX
from tre.plan.price import SMALLEST_SCALE, Quote, quote
from tre.plan.selection import tau
from tre.terms import Asking

ONE = count(SEX)
TWO = asking(PATIENTS, number("persons"), number("sum", AGE, "s"))
EVERY = asking(
    VISITS,
    number("persons", alias="p"),
    *(number(kind, COST, kind) for kind in ("rows", "sum", "avg", "mean_of_persons", "var", "stddev")),
    number("quantile", PRESSURE, "q", q="0.9"),
    keys=(KIND,),
)
CONCENTRATED = budget(Decimal(1), Decimal("1e-6"))
PURE = budget(Decimal(1), Decimal(0))
SHARE = Decimal("0.01")


def priced(asking: Asking, stated: PrivacyLoss = CONCENTRATED, plan: Plan = ONE, rounding: int = 5, threshold: int = 10) -> Quote:
    return quote(plan, stated, asking, SHARE, rounding, threshold)


def refused(asking: Asking, stated: PrivacyLoss = CONCENTRATED, plan: Plan = ONE, rounding: int = 5) -> Refusal:
    with pytest.raises(Refusal) as raised:
        priced(asking, stated, plan, rounding)
    return raised.value


def amount(loss: PrivacyLoss) -> int:
    return loss.epsilon if loss.pure else loss.rho


def test_one_count_of_a_hundred_at_1_and_a_millionth() -> None:
    """The numbers of the design: 46.7 with half of delta for keys, 45.4 with none; basic composition would need 141."""
    (draw,) = priced(Asking()).draws
    assert 46.6 < draw.scale <= 46.7
    (draw,) = priced(Asking(), budget(Decimal(1), Decimal("1e-6"), Decimal(0))).draws
    assert 45.2 < draw.scale <= 45.4


def test_a_hundred_default_questions_fit_and_one_more_does_not() -> None:
    loss = priced(Asking()).loss
    assert PrivacyLoss(rho=100 * loss.rho).fits(CONCENTRATED) and not PrivacyLoss(rho=101 * loss.rho).fits(CONCENTRATED)


def one_row(*kinds: str) -> Plan:
    return asking(PATIENTS, *(number(kind, None if kind == "persons" else AGE, kind) for kind in kinds), keys=(BOARD,))


def many_rows(*kinds: str) -> Plan:
    return asking(VISITS, *(number(kind, None if kind == "rows" else COST, kind) for kind in kinds), keys=(KIND,))


@pytest.mark.parametrize(
    ("plan", "numbers"),
    [
        (one_row("persons"), 1),
        (one_row("avg"), 2),
        (one_row("persons", "avg", "var", "stddev"), 3),
        (many_rows("rows"), 2),
        (many_rows("avg"), 3),
        (many_rows("rows", "avg", "var", "stddev"), 4),
        (many_rows("mean_of_persons"), 2),
    ],
)
def test_how_many_counts_a_question_is_worth_at_equal_scale(plan: Plan, numbers: int) -> None:
    """Of a one-row column that is never NULL: COUNT 1, AVG 2, COUNT + AVG + VAR + STDDEV 3; of many rows 2, 3, 4, and 2 for the
    mean over persons. Equal parts of the charge, each number's scale its own sensitivity times one."""
    one = priced(Asking(rho=10**9), plan=plan)
    assert len(one.draws) == numbers
    several = priced(Asking(rho=10**9 * numbers), plan=plan)
    for draw, bound in zip(several.draws, sensitivities(plan), strict=True):
        alone = math.sqrt(bound.squared_l2 / (2 * 10**9 / UNIT))
        assert draw.scale == pytest.approx(alone, rel=1e-6)


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
@pytest.mark.parametrize("plan", [ONE, TWO, EVERY, asking(BOTH, number("rows"), keys=(SEX, KIND), sets=((0, 1), (0,), ()))])
def test_the_charge_is_the_scales_own_and_never_above_what_was_asked(stated: PrivacyLoss, plan: Plan) -> None:
    dice = random.Random(1)
    for _ in range(60):
        asked_for = math.ceil(10 ** dice.uniform(6, 13))
        asked = priced(Asking(epsilon=asked_for) if stated.pure else Asking(rho=asked_for), stated, plan)
        exact = Fraction(0)
        for draw, bound, measure in zip(asked.draws, sensitivities(plan), measured(plan).measures, strict=True):
            assert draw.groups == bound.groups and draw.scale >= SMALLEST_SCALE
            e = 2 * Fraction(bound.cell) / Fraction(draw.scale)
            if measure.kind == "ranks":
                assert draw.mechanism == NOISY_MAX and draw.sensitivity == bound.cell
                exact += bound.groups * (e if stated.pure else e * e / 8)
            elif stated.pure:
                assert draw.mechanism == LAPLACE
                exact += Fraction(bound.l1) / Fraction(draw.scale)
            else:
                assert draw.mechanism == GAUSSIAN
                exact += Fraction(bound.squared_l2) / (2 * Fraction(draw.scale) ** 2)
        assert exact * UNIT <= amount(asked.loss) <= asked_for and asked.loss.pure == stated.pure
        assert amount(asked.loss) - exact * UNIT <= len(asked.draws)
        if all(draw.scale > SMALLEST_SCALE for draw in asked.draws):
            assert asked_for - amount(asked.loss) <= 3 * len(asked.draws)


def test_two_numbers_share_the_charge_equally() -> None:
    one, two = priced(Asking(rho=10**9)), priced(Asking(rho=10**9), plan=TWO)
    assert two.draws[0].scale == pytest.approx(one.draws[0].scale * math.sqrt(2))
    assert two.draws[1].scale == pytest.approx(two.draws[0].scale * 120)
    one, two = priced(Asking(epsilon=10**9), PURE), priced(Asking(epsilon=10**9), PURE, TWO)
    assert two.draws[0].scale == pytest.approx(2 * one.draws[0].scale)


def test_nearly_all_of_a_share_is_used() -> None:
    for share in (Fraction(1, 1000), Fraction(1, 7), Fraction(1)):
        asked = share_of(CONCENTRATED, share).rho
        assert asked - priced(Asking(share=share)).loss.rho <= 2
        assert asked - priced(Asking(share=share), plan=TWO).loss.rho <= 4


# ------------------------------------------------------------------------------------------------------------------ margins
@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
@pytest.mark.parametrize("margin", [2, 3, 7, 40, 92, 1_000, 123_456])
@pytest.mark.parametrize("rounding", [1, 5])
def test_a_margin_is_met_at_the_smallest_loss(stated: PrivacyLoss, margin: int, rounding: int) -> None:
    asked = priced(Asking(margin=margin), stated, rounding=rounding)
    (draw,) = asked.draws
    assert half_width(draw.mechanism, draw.scale, rounding) <= margin
    if amount(asked.loss) > 1:
        less = amount(asked.loss) - 1
        dearer = priced(Asking(epsilon=less) if stated.pure else Asking(rho=less), stated, rounding=rounding).draws[0]
        assert half_width(dearer.mechanism, dearer.scale, rounding) > margin


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
def test_a_margin_of_a_sum_is_in_its_own_unit(stated: PrivacyLoss) -> None:
    plan = asking(PATIENTS, number("sum", WEIGHT, "kilos"))
    asked = priced(Asking(margin={"kilos": Fraction("1234.56")}), stated, plan)
    persons, total = asked.draws
    assert half_width(total.mechanism, total.scale, 1) == 12_345  # tenths
    parts = [
        laplace_loss(draw.sensitivity, draw.scale).epsilon
        if stated.pure
        else gaussian_loss(draw.squared_sensitivity, draw.scale).rho
        for draw in (persons, total)
    ]
    assert parts[0] == pytest.approx(parts[1], rel=1e-9)  # the persons, of whom no margin speaks, at the same charge
    less = sum(parts) - 10
    tighter = priced(Asking(epsilon=less) if stated.pure else Asking(rho=less), stated, plan).draws[1]
    assert half_width(tighter.mechanism, tighter.scale, 1) >= 12_345


def test_margins_by_name_and_the_shared_number() -> None:
    plan = asking(VISITS, number("persons", alias="p"), number("rows", alias="r"), number("avg", COST, "m"), keys=(KIND,))
    asked = priced(Asking(margin={"p": Fraction(40), "r": Fraction(400)}), plan=plan)
    widths = [half_width(draw.mechanism, draw.scale, 5) for draw in asked.draws[:2]]
    assert widths == [40, 400]
    both = priced(Asking(margin={"r": Fraction(400), "m": Fraction(20)}, margin_at=1_000), plan=plan)
    assert half_width(both.draws[1].mechanism, both.draws[1].scale, 5) <= 400


@pytest.mark.parametrize("stated", [CONCENTRATED, PURE])
@pytest.mark.parametrize(("margin", "rows"), [("2.5", 1_000), ("0.1", 50_000), ("20", 120)])
def test_a_margin_of_a_mean_holds_wherever_the_mean_is(stated: PrivacyLoss, margin: str, rows: int) -> None:
    plan = asking(PATIENTS, number("avg", AGE, "m"))
    asked = priced(Asking(margin={"m": Fraction(margin)}, margin_at=rows), stated, plan)
    most = Fraction(margin) * 100

    def half(quoted: Quote, centred: int) -> int:
        (found,) = estimator(plan, quoted.draws, 5)((rows, centred))
        assert found is not None and found.low is not None and found.high is not None
        return max(found.value - found.low, found.high - found.value)

    assert all(half(asked, round(place * 120 * rows)) <= most for place in (-1, -0.9, -0.5, 0, 0.3, 0.98, 1))
    less = amount(asked.loss) * 97 // 100
    tighter = priced(Asking(epsilon=less) if stated.pure else Asking(rho=less), stated, plan)
    noises = [Noise(draw.mechanism, draw.scale) for draw in tighter.draws]
    assert (of_mean(plan.statistics[0], noises[0], noises[1], rows, at_end=True) or most + 1) > most


def test_a_margin_of_every_count() -> None:
    plan = asking(VISITS, number("persons", alias="p"), number("rows", alias="r"), keys=(KIND,))
    asked = priced(Asking(margin=40), plan=plan)
    assert [half_width(draw.mechanism, draw.scale, 5) for draw in asked.draws] == [40, 40]


@pytest.mark.parametrize(("margin", "rounding", "least"), [(1, 5, 2), (4, 10, 5), (49, 100, 50)])
def test_a_margin_below_the_rounding_is_told(margin: int, rounding: int, least: int) -> None:
    told = refused(Asking(margin=margin), rounding=rounding)
    assert told.reason == Reason.INVALID_REQUEST and f"margin of {least}" in told.suggestion
    assert half_width(GAUSSIAN, priced(Asking(margin=least), rounding=rounding).draws[0].scale, rounding) == least


@pytest.mark.parametrize(
    ("asking_", "plan", "hint"),
    [
        (Asking(margin=40), TWO, "by its name"),
        (Asking(margin={"s": Fraction(1), "nn": Fraction(1)}), TWO, "Did you mean `n`"),
        (Asking(margin={"avg": Fraction(1)}), EVERY, "margin_at"),
        (Asking(margin={"var": Fraction(1)}), EVERY, "State a share"),
        (Asking(margin={"q": Fraction(1)}), EVERY, "State a share"),
        (Asking(margin={"avg": Fraction(1, 1000)}, margin_at=10), EVERY, "larger margin"),
        (Asking(margin=2**51), ONE, "smaller"),
    ],
)
def test_margins_that_are_refused_with_a_mend(asking_: Asking, plan: Plan, hint: str) -> None:
    told = refused(asking_, plan=plan, rounding=5)
    assert told.reason == Reason.INVALID_REQUEST and hint in told.suggestion and told.detail


def test_what_an_asking_can_be() -> None:
    for wrong in ({"margin": {}}, {"margin": {"a": Fraction(0)}}, {"margin": 4, "margin_at": 3}, {"margin_at": 3}, {"margin": 0}):
        with pytest.raises(ValueError, match="margin"):
            Asking(**wrong)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------------------- keys
@pytest.mark.parametrize("share", [Fraction(1), Fraction(1, 100), Fraction(1, 7)])
def test_discovered_keys_charge_the_same_fraction_of_their_delta(share: Fraction) -> None:
    plan = asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True)
    asked = priced(Asking(share=share), plan=plan)
    assert asked.selection is not None and asked.loss.delta == asked.selection.delta
    assert 0 <= share * CONCENTRATED.delta - asked.loss.delta <= CONCENTRATED.delta * 3 / asked.loss.rho + 1
    assert asked.selection.groups == 1
    found = tau(asked.draws[0].scale, 1, asked.selection.delta)
    assert asked.threshold == asked.selection.threshold == max(10, found)
    assert sum(([asked.loss] * int(1 / share)), PrivacyLoss()).fits(CONCENTRATED)


def test_the_whole_budget_shows_groups_of_25_persons() -> None:
    asked = priced(Asking(share=Fraction(1)), plan=asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True))
    assert asked.threshold <= 25 and asked.p_shown(25) >= 0.5


def test_a_higher_threshold_of_the_policy_stands() -> None:
    plan = asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True)
    asked = priced(Asking(share=Fraction(1)), plan=plan, threshold=100)
    assert asked.threshold == 100 and asked.selection is not None and asked.selection.threshold == 100


def test_every_group_that_a_person_can_be_in_counts() -> None:
    plan = asking(VISITS, number("rows"), keys=(CODE,), discovered=True)
    asked = priced(Asking(share=Fraction(1)), plan=plan)
    assert asked.selection is not None and asked.selection.groups == 3
    assert asked.selection.threshold == tau(asked.draws[0].scale, 3, asked.selection.delta)
    rollup = asking(VISITS, number("rows"), keys=(KIND, CODE), discovered=True, sets=((0, 1), (1,), ()))
    found = priced(Asking(share=Fraction(1)), plan=rollup).selection
    assert found is not None and found.groups == 7


def test_keys_are_not_found_where_there_is_no_delta() -> None:
    plan = asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True)
    for stated in (PURE, budget(Decimal(1), Decimal("1e-6"), Decimal(0))):
        told = refused(Asking(share=Fraction(1)), stated, plan)
        assert told.reason == Reason.STATISTIC_NOT_OFFERED and "public" in told.suggestion
    nothing = PrivacyLoss(rho=CONCENTRATED.rho, delta=1)
    assert refused(Asking(share=Fraction(1, 2)), nothing, plan).reason == Reason.INVALID_REQUEST


def test_a_public_question_has_no_selection_and_no_delta() -> None:
    asked = priced(Asking())
    assert asked.selection is None and asked.loss.delta == 0 and asked.threshold == 10


def test_more_than_the_whole_never_asks_for_more_than_all_of_delta() -> None:
    plan = asking(PATIENTS, number("persons"), keys=(PRACTICE,), discovered=True)
    asked = priced(Asking(rho=50 * CONCENTRATED.rho), plan=plan)
    assert asked.loss.delta == CONCENTRATED.delta < DELTA_UNIT and not asked.loss.fits(CONCENTRATED)


# ----------------------------------------------------------------------------------------------------------------- the rest
def test_no_charge_buys_exactness() -> None:
    for stated, asked_for in ((CONCENTRATED, Asking(rho=10**20)), (PURE, Asking(epsilon=10**20))):
        for plan in (ONE, asking(PATIENTS, number("quantile", AGE, q="0.5"))):
            assert all(draw.scale == SMALLEST_SCALE for draw in priced(asked_for, stated, plan).draws)
    assert priced(Asking(rho=10**20)).loss == gaussian_loss(1, SMALLEST_SCALE)


@pytest.mark.parametrize(
    ("asking_", "stated", "reason"),
    [
        (Asking(epsilon=1), CONCENTRATED, Reason.INVALID_REQUEST),
        (Asking(rho=1), PURE, Reason.INVALID_REQUEST),
        (Asking(), PrivacyLoss(), Reason.BUDGET_EXHAUSTED),
        (Asking(share=Fraction(1, 10**12)), CONCENTRATED, Reason.INVALID_REQUEST),
        (Asking(share=Fraction(1, 10**13)), PURE, Reason.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_priced_is_told(asking_: Asking, stated: PrivacyLoss, reason: Reason) -> None:
    told = refused(asking_, stated)
    assert told.reason == reason and told.detail and told.suggestion


def test_less_than_a_unit_for_each_number_buys_nothing() -> None:
    assert refused(Asking(rho=1), plan=TWO).reason == Reason.INVALID_REQUEST
    assert priced(Asking(rho=1)).draws[0].scale == pytest.approx(math.sqrt(UNIT / 2))


def test_sums_that_may_not_fit_are_refused() -> None:
    with pytest.raises(Refusal) as raised:
        quote(ONE, CONCENTRATED, Asking(), SHARE, 5, 10, 2**62)
    assert raised.value.reason == Reason.BOUNDS_MISSING and raised.value.suggestion


def test_two_answers_to_one_question_are_compared_by_bounds_and_scales() -> None:
    dear, cheap = priced(Asking(rho=10**9), plan=EVERY), priced(Asking(rho=10**8), plan=EVERY)
    assert dear.bounds == cheap.bounds and dear.scales.keys() == cheap.scales.keys()
    assert all(dear.scales[place] < cheap.scales[place] for place in dear.scales)
    assert priced(Asking(epsilon=10**9), PURE, EVERY).bounds != dear.bounds
