"""From a plan to a restricted plan: the regimes in force, in order, once each; never none."""

from __future__ import annotations

from itertools import permutations

import pytest

from tre import optouts
from tre.optouts.tables import REGIMES
from tre.plan.nodes import Plan, Scan, Statistic
from tre.policy import model

PLAN = Plan("gp", Scan("patients", 1), (), (Statistic("n", "persons"),), ("n",))


def test_the_order_in_which_a_policy_names_them_does_not_matter() -> None:
    made = {optouts.restrict(PLAN, "research", order).digest for order in permutations(REGIMES)}
    assert len(made) == 1
    assert optouts.restrict(PLAN, "research", REGIMES).regimes == ("local", "national", "type-1")


def test_other_regimes_or_another_purpose_are_another_question() -> None:
    plans = [
        optouts.restrict(PLAN, purpose, names, () if names == REGIMES else ("x",))
        for purpose in ("a", "b")
        for names in (REGIMES, REGIMES[:2], REGIMES[:1])
    ]
    assert len({plan.digest for plan in plans}) == 6


def test_a_regime_is_lifted_by_an_exemption_alone_and_it_is_named_in_the_digest() -> None:
    with pytest.raises(ValueError, match="exemption"):
        optouts.restrict(PLAN, "a", REGIMES[:2])
    one, other = (optouts.restrict(PLAN, "a", REGIMES[:1], (name,)) for name in ("x", "y"))
    assert one.exemptions == ("x",) and one.digest != other.digest


@pytest.mark.parametrize("regimes", [(), ("type-2",), ("national", "type-2")])
def test_no_plan_is_restricted_by_nothing(regimes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="regimes"):
        optouts.restrict(PLAN, "research", regimes)


def test_the_policy_names_the_same_regimes() -> None:
    assert set(REGIMES) == set(model.REGIMES)
