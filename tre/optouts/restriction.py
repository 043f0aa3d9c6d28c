"""From a plan to a restricted plan: the one place where it is decided whom a question leaves out."""

from __future__ import annotations

from collections.abc import Iterable

from tre.optouts.tables import REGIMES
from tre.plan.nodes import Plan
from tre.plan.restricted import RestrictedPlan


def restrict(plan: Plan, purpose: str, regimes: Iterable[str], exemptions: Iterable[str] = ()) -> RestrictedPlan:
    """The plan, bound to leave out everyone who objected under any of the regimes in force for the purpose. ``exemptions``: the
    ids of those that lift the others."""
    named = set(regimes)
    if not named or not named <= set(REGIMES):
        raise ValueError("the regimes in force are some of type-1, national and local")
    lifting = tuple(sorted(exemptions))
    if set(named) != set(REGIMES) and not lifting:
        raise ValueError("a regime is lifted by an exemption alone")
    return RestrictedPlan(plan, purpose, tuple(sorted(named)), lifting)
