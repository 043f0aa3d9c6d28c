"""Forgets the budget: an order is given on a loss that nobody reserved, or on nothing."""

from __future__ import annotations

from tre.loss import PrivacyLoss
from tre.plan.order import DisclosureRules, Draw, Order
from tre.plan.restricted import RestrictedPlan
from tre.terms import Exclusion, Reservation, Snapshot


def right(plan: RestrictedPlan, held: Reservation, at: Snapshot, out: Exclusion, draw: Draw, rules: DisclosureRules) -> Order:
    return Order(plan, held, at, out, (draw,), rules, 70_000_000, 60.0)


def wrong(plan: RestrictedPlan, loss: PrivacyLoss, at: Snapshot, out: Exclusion, draw: Draw, rules: DisclosureRules) -> Order:
    return Order(plan, loss, at, out, (draw,), rules, 70_000_000, 60.0)  # forgotten


def wrong_too(plan: RestrictedPlan, at: Snapshot, out: Exclusion, draw: Draw, rules: DisclosureRules) -> Order:
    return Order(plan, None, at, out, (draw,), rules, 70_000_000, 60.0)  # forgotten
