"""Plans, orders and tables without a store: what the noise, the small-number rules and the release are tried on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tre.loss import PrivacyLoss, gaussian_loss, laplace_loss, of_epsilon, of_rho
from tre.plan.bound import sensitivities
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Key, Plan, Scan, Statistic, days
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, DisclosureRules, Draw, Order, Selection
from tre.plan.restricted import RestrictedPlan
from tre.plan.selection import tau
from tre.plan.sets import drawn, groups
from tre.terms import Exclusion, Reservation, Snapshot, canonical, digest
from tre.vault.exact import ExactBlock, ExactTable
from tre.vault.noisy import NoisyBlock, NoisyTable
from tre.vault.release import release
from tre.vault.suppress import suppress

DOMAINS: Mapping[str, Domain] = {
    "region": Domain("category", False, ("North", "South", "East")),
    "sex": Domain("category", True, ("F", "M")),
    "year_of_birth": Domain("integer", False, low=1940, high=1945),
    "band": Domain("integer", False, low=0, high=40, stride=10),
    "weight": Domain("decimal", True, low=0, high=6, grid="0.5"),
    "died_on": Domain("date", True, low=days("2024-02-27"), high=days("2024-03-01")),
    "month": Domain("date", False, low=days("2023-11-01"), high=days("2024-02-01"), period="month"),
    "alive": Domain("boolean", True, low=0, high=1),
    "practice": Domain("code", True),
    "board": Domain("code", False),
    "bmi": Domain("decimal", False, low=100, high=600, grid="0.1"),
    "pulse": Domain("integer", True, low=0, high=200),
}
REGIMES = ("local", "national", "type-1")
HELD = (
    Snapshot("s1", "gp", "nowhere", digest(b"schema"), digest(b"manifest")),
    Exclusion("s1", 1, REGIMES, "nowhere", "2026-11-01T00:00:00.000000Z"),
)
ONE_ROW = Scan("patients", 1)
MANY_ROWS = Scan("events", 2_000, max_rows=4, max_groups=3)
Exact = Sequence[Sequence[Any]]  # of one set, a vector for each measure


def column(name: str, table: str = "patients") -> Column:
    return Column(table, name, DOMAINS[name])


def statistic(text: str, table: str = "patients") -> Statistic:
    """``n`` or any name for persons, ``rows:``, ``sum:bmi``, ``quantile:bmi:0.9``."""
    kind, *rest = text.split(":")
    if not rest:
        return Statistic(kind, "persons")
    value = column(rest[0], table) if rest[0] else None
    return Statistic(f"{kind}_{rest[0]}".strip("_"), kind, value, q=rest[1] if rest[1:] else None)


def plan_of(*keys: str, statistics: Sequence[str | Statistic] = ("n",), relation: Any = ONE_ROW, **more: Any) -> Plan:
    """Statistics by some columns, codes discovered; all are shown unless ``output`` says otherwise."""
    table = relation.label
    found = tuple(one if isinstance(one, Statistic) else statistic(one, table) for one in statistics)
    made = tuple(Key(name, column(name, table), DOMAINS[name].kind == "code") for name in keys)
    shown = (*keys, *(one.alias for one in found), *(one.alias for one in more.get("figures", ())))
    return Plan("gp", relation, made, found, more.pop("output", shown), **more)


def draws_of(plan: Plan, scale: float = 2.0, pure: bool = False) -> tuple[Draw, ...]:
    """One draw a measure with the sensitivities of the plan; a noisy maximum ``scale`` times its scores' sensitivity."""
    found = []
    for measure, bound in zip(measured(plan).measures, sensitivities(plan), strict=True):
        if measure.kind == "ranks":
            found.append(Draw(NOISY_MAX, scale * bound.cell, bound.cell, bound.cell**2, bound.groups))
        else:
            found.append(Draw(LAPLACE if pure else GAUSSIAN, scale, bound.l1, bound.squared_l2))
    return tuple(found)


def cost(draws: Sequence[Draw], pure: bool = False, delta: int = 0) -> PrivacyLoss:
    losses = [_cost(one, pure) for one in draws]
    return sum(losses, PrivacyLoss(delta=delta))


def _cost(one: Draw, pure: bool) -> PrivacyLoss:
    if one.mechanism == GAUSSIAN:
        return gaussian_loss(one.squared_sensitivity, one.scale)
    if one.mechanism == LAPLACE:
        return laplace_loss(one.sensitivity, one.scale)
    epsilon = 2 * Fraction(one.sensitivity) / Fraction(one.scale)
    return of_epsilon(one.groups * epsilon) if pure else of_rho(one.groups * epsilon**2 / 8)


def selection_of(plan: Plan, draws: Sequence[Draw], delta: int = 10**12) -> Selection | None:
    """The threshold that a delta (10^-18) buys."""
    if not plan.discovered:
        return None
    l0 = groups(plan)
    return Selection(tau(draws[0].scale, l0, delta), l0, delta)


def order_of(
    plan: Plan,
    draws: Sequence[Draw] | None = None,
    loss: PrivacyLoss | None = None,
    *,
    scale: float = 2.0,
    pure: bool = False,
    selection: Selection | None = None,
    threshold: int = 10,
    rounding: int = 5,
    max_rows_out: int = 10_000,
    max_persons: int = 1_000_000,
) -> Order:
    """An order whose reservation covers its draws, unless a loss is given."""
    draws = tuple(draws_of(plan, scale, pure) if draws is None else draws)
    selection = selection or selection_of(plan, draws)
    paid = cost(draws, pure, selection.delta if selection else 0) if loss is None else loss
    return Order(
        RestrictedPlan(plan, "research", REGIMES),
        Reservation("r1", "q1", "demo", "gp", paid),
        *HELD,
        draws,
        DisclosureRules(threshold, rounding, max_rows_out, digest(b"policy"), "on"),
        max_persons,
        30.0,
        selection,
    )


def exact_of(plan: Plan, *sets: Exact, keys: Sequence[Sequence[tuple[Any, ...]]] = ()) -> ExactTable:
    """Of each set that is drawn a vector for each measure; ``keys`` of each set where they are discovered."""
    blocks = []
    for at, vectors in enumerate(sets):
        found = tuple(keys[at]) if keys else None
        blocks.append(ExactBlock(found, len(vectors[0]), tuple(map(tuple, vectors))))
    assert len(blocks) == len(drawn(plan))
    return ExactTable(tuple(blocks))


def noisy_of(*sets: Exact, keys: Sequence[Sequence[tuple[Any, ...]]] = ()) -> NoisyTable:
    """A noisy table of chosen numbers."""
    blocks = []
    for at, vectors in enumerate(sets):
        blocks.append(NoisyBlock(tuple(keys[at]) if keys else None, len(vectors[0]), tuple(map(tuple, vectors))))
    return NoisyTable(tuple(blocks))


def answered(noisy: NoisyTable, order: Order) -> dict[str, Any]:
    """The statement that noisy numbers become."""
    found = release(suppress(noisy, order), order)
    body: dict[str, Any] = json.loads(found.statement)
    assert canonical(body) == found.statement
    assert found.suppressed == body["disclosure"]["suppressed"] == sum(row["suppressed"] for row in body["rows"])
    return body
