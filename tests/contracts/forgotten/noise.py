"""Forgets the noise: an exact table goes straight to the small-number rules."""

from __future__ import annotations

from tre.plan.order import Order
from tre.vault.exact import ExactTable
from tre.vault.noise import perturb
from tre.vault.noisy import NoisyTable
from tre.vault.shown import Shown
from tre.vault.suppress import suppress


def right(exact: ExactTable, order: Order) -> Shown:
    return suppress(perturb(exact, order), order)


def wrong(exact: ExactTable, order: Order) -> Shown:
    return suppress(exact, order)  # forgotten


def wrong_too(exact: ExactTable) -> NoisyTable:
    return exact  # forgotten
