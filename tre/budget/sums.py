"""Adds the ledger up a second way: what every account has taken is the sum of what its reservations were charged."""

from __future__ import annotations

from sqlalchemy import case, func, select

from tre.budget.tables import PARTS, accounts, charges, reservations
from tre.state import Transaction


def unequal(tx: Transaction) -> list[str]:
    """The accounts whose spent and reserved are not those sums."""
    open_ones = reservations.c.state == "open"
    sums = [
        func.coalesce(func.sum(case((open_ones if pot == "reserved" else ~open_ones, charges.c[part]), else_=0)), 0)
        for pot in ("spent", "reserved")
        for part in PARTS
    ]
    told = [accounts.c[f"{pot}_{part}"] for pot in ("spent", "reserved") for part in PARTS]
    joined = accounts.outerjoin(charges, charges.c.scope == accounts.c.scope).outerjoin(
        reservations, reservations.c.id == charges.c.reservation
    )
    rows = tx.execute(select(accounts.c.scope, *told, *sums).select_from(joined).group_by(accounts.c.scope)).all()
    return [row[0] for row in rows if tuple(row[1 : 1 + len(told)]) != tuple(row[1 + len(told) :])]
