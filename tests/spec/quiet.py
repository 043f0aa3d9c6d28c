"""An answer without noise and with nothing hidden: the seam at which the spec reads what a question means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.vault.building import Held, draws_of, order_of
from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.nodes import Plan
from tre.plan.order import Order
from tre.vault.exact import ExactBlock, ExactTable
from tre.vault.noisy import NoisyBlock, NoisyTable
from tre.vault.release import release


def quiet_order(plan: Plan, held: Held) -> Order:
    """Nothing rounded and, against every rule of the house, nothing hidden."""
    order = order_of(plan, held, draws_of(plan, 1e-3), rounding=1, max_persons=70_000_000)
    object.__setattr__(order.disclosure, "threshold", 0)
    if order.selection is not None:
        object.__setattr__(order.selection, "threshold", 0)
    return order


def without_noise(exact: ExactTable, order: Order) -> NoisyTable:
    """The exact numbers; of a quantile the first candidate whose rank is reached."""
    return NoisyTable(tuple(_block(block, order.plan) for block in exact.blocks))


def _block(block: ExactBlock, plan: Plan) -> NoisyBlock:
    numbers = tuple(
        tuple(_middle(bins, Decimal(measure.q or 0), candidates(measure.value.domain)) for bins in vector)  # type: ignore[union-attr, arg-type]
        if measure.kind == "ranks"
        else vector
        for measure, vector in zip(measured(plan).measures, block.numbers, strict=True)
    )
    return NoisyBlock(block.keys, block.groups, numbers)  # type: ignore[arg-type]


def _middle(bins: tuple[int, ...], q: Decimal, values: tuple[int, ...]) -> int:
    wanted, reached = q * sum(bins), 0
    for value, weight in zip(values, bins, strict=True):
        reached += weight
        if reached >= wanted and reached:
            return value
    return values[0]


def rows_of(shown: Any, order: Order) -> list[Mapping[str, Any]]:
    """The rows of the statement."""
    rows: list[Mapping[str, Any]] = json.loads(release(shown, order).statement, parse_float=Decimal)["rows"]
    return rows
