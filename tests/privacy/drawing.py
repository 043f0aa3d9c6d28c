"""Whether an order is drawn, and tables that are right but for what is tried."""

from __future__ import annotations

from typing import Any

from tests.vault.answers import exact_of
from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.order import GAUSSIAN, LAPLACE, Draw, Order
from tre.vault.exact import ExactTable
from tre.vault.noise import COUNTER, NotCovered, perturb


def gaussian(scale: float = 2.0, squared_sensitivity: int = 1, sensitivity: int = 1) -> Draw:
    return Draw(GAUSSIAN, scale, sensitivity, squared_sensitivity)


def laplace(scale: float = 2.0, sensitivity: int = 1) -> Draw:
    return Draw(LAPLACE, scale, sensitivity, sensitivity**2)


def drawn(order: Order, exact: ExactTable | None = None) -> bool:
    """Whether it was drawn; a refusal draws nothing at all."""
    plan, before = order.restricted.plan, COUNTER.draws
    if exact is None:
        vectors = [[five(measure)] * plan.cells for measure in measured(plan).measures]
        exact = exact_of(plan, vectors)
    try:
        perturb(exact, order)
    except NotCovered:
        assert COUNTER.draws == before
        return False
    assert COUNTER.draws == before + len(order.draws)
    return True


def five(measure: Any) -> Any:
    return (5,) * len(candidates(measure.value.domain)) if measure.kind == "ranks" else 5
