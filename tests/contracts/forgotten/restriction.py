"""Forgets who objected: a plan is ordered that was never restricted."""

from __future__ import annotations

from tre.plan.nodes import Plan
from tre.plan.order import DisclosureRules, Draw, Order
from tre.plan.restricted import RestrictedPlan
from tre.terms import Exclusion, Reservation, Snapshot


def right(plan: RestrictedPlan, held: Reservation, at: Snapshot, out: Exclusion, draw: Draw, rules: DisclosureRules) -> Order:
    return Order(plan, held, at, out, (draw,), rules, 70_000_000, 60.0)


def wrong(plan: Plan, held: Reservation, at: Snapshot, out: Exclusion, draw: Draw, rules: DisclosureRules) -> Order:
    return Order(plan, held, at, out, (draw,), rules, 70_000_000, 60.0)  # forgotten
