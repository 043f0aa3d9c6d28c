"""Forgets suppression: a noisy table is released as it is."""

from __future__ import annotations

from tre.plan.order import Order
from tre.terms import Release
from tre.vault.noisy import NoisyTable
from tre.vault.release import release
from tre.vault.suppress import suppress


def right(noisy: NoisyTable, order: Order) -> Release:
    return release(suppress(noisy, order), order)


def wrong(noisy: NoisyTable, order: Order) -> Release:
    return release(noisy, order)  # forgotten


def wrong_too(noisy: NoisyTable) -> Release:
    return noisy  # forgotten
