"""Many cells at once through the vault's own noise: a draw gives each cell noise of its own, so each is a question by itself."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tests.vault.answers import ONE_ROW, exact_of, order_of
from tre.loss import PrivacyLoss, budget, gaussian_loss, gaussian_scale
from tre.plan.nodes import Column, Domain, Key, Plan, Statistic
from tre.plan.order import GAUSSIAN, LAPLACE, Draw
from tre.vault.noise import perturb

BUDGET = budget(Decimal(1), Decimal("1e-6"))


def wide(cells: int) -> Plan:
    """Persons by a public whole number from 1."""
    key = Key("place", Column("patients", "place", Domain("integer", False, low=1, high=cells)))
    return Plan("gp", ONE_ROW, (key,), (Statistic("n", "persons"),), ("place", "n"))


def ours(truths: Sequence[int], scale: float, mechanism: str = GAUSSIAN, sensitivity: int = 1) -> list[int]:
    """A noisy number of each truth, charged for one person who moves one cell by ``sensitivity``."""
    plan, draw = wide(len(truths)), Draw(mechanism, scale, sensitivity, sensitivity**2)
    order = order_of(plan, [draw], pure=mechanism == LAPLACE)
    (block,) = perturb(exact_of(plan, [list(truths)]), order).blocks
    return list(block.numbers[0])


def share(questions: int, total: PrivacyLoss = BUDGET) -> float:
    """The scale of a count, where so many counts together, all about one person, may cost a budget."""
    scale = gaussian_scale(1, total.rho // questions)
    each = gaussian_loss(1, scale)
    assert sum([each] * questions, PrivacyLoss()).fits(total)
    return scale
