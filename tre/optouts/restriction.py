"""From a plan to a restricted plan: the one place where it is decided whom a question leaves out."""

from __future__ import annotations

from collections.abc import Iterable

from tre.optouts.tables import REGIMES
from tre.plan.nodes import Plan
from tre.plan.restricted import RestrictedPlan


def restrict(plan: Plan, purpose: str, regimes: Iterable[str]) -> RestrictedPlan:
    """The plan, bound to leave out everyone who objected under any of the regimes in force for the purpose."""
    named = set(regimes)
    if not named or not named <= set(REGIMES):
        raise ValueError("the regimes in force are some of type-1, national and local")
    return RestrictedPlan(plan, purpose, tuple(sorted(named)))
