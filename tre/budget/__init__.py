"""The ledger: how much privacy loss each dataset, project and researcher may take, has taken and has reserved.

Promises that no reservation ever takes an account above its ceiling, whoever races whom; that a question is charged once; that
what was reserved stays charged when the question ends in a fault; that after a restore nothing is reserved from an account that
nobody has set anew. Never refunds, never reads a plan or a policy, never rounds in
favour of spending.
"""

from __future__ import annotations

from tre.budget.accounts import (
    Balance,
    balance,
    close_accounts,
    closed_accounts,
    exists,
    lower,
    open_account,
    raise_to,
    tighten,
)
from tre.budget.ledger import OpenReservation, loss_of, open_reservations, reserve, settle
from tre.budget.refusals import Exhausted
from tre.budget.stated import CONCENTRATED, Stated, tightens

__all__ = [
    "CONCENTRATED",
    "Balance",
    "Exhausted",
    "OpenReservation",
    "Stated",
    "balance",
    "close_accounts",
    "closed_accounts",
    "exists",
    "loss_of",
    "lower",
    "open_account",
    "open_reservations",
    "raise_to",
    "reserve",
    "settle",
    "tighten",
    "tightens",
]
