"""Budgets to spend, and the accounts looked at from outside: with SQL of our own, not with the ledger's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from sqlalchemy import text

from tre import budget
from tre.budget import Stated
from tre.budget.tables import PARTS
from tre.errors import Reason, Refusal
from tre.loss import PrivacyLoss
from tre.state import State, Transaction

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CAP = Stated(Decimal(50), Decimal("1e-6"))
_numbers = count()


def new_id() -> str:
    return f"id-{next(_numbers)}"


def open_books(state: State, project: Stated = CAP, dataset: Stated = CAP, researcher: Stated | None = None) -> None:
    """The dataset gp, the project demo and, if wanted, alice's own ceiling in it."""

    def write(tx: Transaction) -> None:
        budget.open_account(tx, "dataset:gp", dataset, CAP)
        budget.open_account(tx, "project:demo", project)
        if researcher is not None:
            budget.open_account(tx, "researcher:demo/alice", researcher)

    state.write(write)


def set_ceiling(state: State, scope: str, **parts: int) -> None:
    """A ceiling in units, for sums that one can do in the head."""
    sets = ", ".join(f"ceiling_{part} = {amount}" for part, amount in parts.items())
    state.write(lambda tx: tx.execute(text(f"UPDATE accounts SET {sets} WHERE scope = :scope"), {"scope": scope}))


def ask(state: State, loss: PrivacyLoss, question: str | None = None, person: str | None = "alice") -> str | None:
    """One question's reservation, in a write of its own as on the road; None when it does not fit."""
    id = new_id()
    asked = {"question": question or new_id(), "project": "demo", "dataset": "gp", "person": person}
    try:
        # By attribute, so that a mutant of the ledger is what runs.
        state.write(lambda tx: budget.ledger.reserve(tx, id=id, loss=loss, at=AT, **asked))  # type: ignore[arg-type]
    except Refusal as refusal:
        assert refusal.reason is Reason.BUDGET_EXHAUSTED, refusal
        return None
    return id


def settle(state: State, reservation: str, outcome: str) -> None:
    state.write(lambda tx: budget.ledger.settle(tx, reservation, outcome, AT))


def pots(state: State, scope: str) -> dict[str, dict[str, int]]:
    with state.read() as tx:
        row = tx.execute(text("SELECT * FROM accounts WHERE scope = :scope"), {"scope": scope}).one()._mapping
    return {pot: {part: row[f"{pot}_{part}"] for part in PARTS} for pot in ("ceiling", "spent", "reserved")}


def taken(state: State, scope: str) -> Mapping[str, int]:
    found = pots(state, scope)
    return {part: found["spent"][part] + found["reserved"][part] for part in PARTS}


def assert_balanced(state: State) -> None:
    """In every account and part, the ledger's open charges add up to what is reserved and its closed ones to what is spent, each
    charge in the account's own kind."""
    states = "CASE r.state WHEN 'open' THEN 'reserved' ELSE 'spent' END AS pot"
    with state.read() as tx:
        for scope, kind in tx.execute(text("SELECT scope, kind FROM accounts")).all():
            found = {pot: parts for pot, parts in pots(state, scope).items() if pot != "ceiling"}
            sums = {pot: dict.fromkeys(PARTS, 0) for pot in found}
            charged = f"SELECT c.*, {states} FROM charges c JOIN reservations r ON r.id = c.reservation WHERE c.scope = :scope"
            for row in tx.execute(text(charged), {"scope": scope}):
                for part, amount in counted(kind, row.rho, row.epsilon, row.delta).items():
                    sums[row.pot][part] += amount
            assert sums == found, scope


def counted(kind: str, rho: int, epsilon: int, delta: int) -> dict[str, int]:
    """A charge as an account of this kind counts it: epsilon^2 / 2 to the next 10^-12, in integers."""
    if kind == "pure":
        assert rho == delta == 0
        return {"rho": 0, "epsilon": epsilon, "delta": 0}
    return {"rho": rho + -(-(epsilon**2) // (2 * 10**12)), "epsilon": 0, "delta": delta}
