"""The ledger's tables. Every amount is an integer: rho and epsilon in 10^-12, delta in 10^-18. Strict: a float is an error."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, Text

from tre.state import metadata

PARTS = ("rho", "epsilon", "delta")
# SQLite turns an integer sum that overflows into a float. Ceilings and charges up to here cannot overflow.
MOST = 2**61


def _amount(name: str) -> Column[int]:
    return Column(name, Integer, CheckConstraint(f"{name} >= 0"), nullable=False)


# ``closed_at``: of a restore, after which it is not known what was spent; nothing is reserved until two people have set it anew.
accounts = Table(
    "accounts",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('concentrated', 'pure')"), nullable=False),
    Column("stated_epsilon", Text, nullable=False),
    Column("stated_delta", Text, nullable=False),
    Column("stated_keys_delta", Text),
    *(_amount(f"{pot}_{part}") for pot in ("ceiling", "spent", "reserved") for part in PARTS),
    Column("version", Integer, nullable=False),
    Column("closed_at", Text),
    sqlite_strict=True,
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("question", Text, nullable=False, unique=True),
    Column("project", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("person", Text),
    *(_amount(part) for part in PARTS),
    Column("state", Text, CheckConstraint("state IN ('open', 'released', 'fault', 'cancelled')"), nullable=False, index=True),
    Column("at", Text, nullable=False),
    Column("closed_at", Text),
    sqlite_strict=True,
)

# What each account was charged for a reservation, in the kind that it had. In its present kind their sum is what it has spent and
# reserved.
charges = Table(
    "charges",
    metadata,
    Column("reservation", Text, ForeignKey("reservations.id"), primary_key=True),
    Column("scope", Text, ForeignKey("accounts.scope"), primary_key=True, index=True),
    *(_amount(part) for part in PARTS),
    sqlite_strict=True,
)
