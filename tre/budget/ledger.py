"""Taking loss before an answer, and closing what was taken. Only `reserve` makes a `Reservation`.

Each ceiling is held by one conditional UPDATE: the database itself compares and adds, so there is no moment between reading a sum
and adding to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, insert, select, text, update

from tre.budget.refusals import exhausted, not_taken
from tre.budget.stated import countable, in_kind
from tre.budget.tables import PARTS, accounts, charges, reservations
from tre.errors import Fault
from tre.loss import PrivacyLoss
from tre.state import Transaction
from tre.terms import Reservation, timestamp


def _pots(pot: str) -> dict[str, Any]:
    return {part: accounts.c[f"{pot}_{part}"] for part in PARTS}


_SPENT, _RESERVED, _CEILING = _pots("spent"), _pots("reserved"), _pots("ceiling")
_COST: dict[str, Any] = {part: bindparam(f"cost_{part}") for part in PARTS}

_TAKE = (
    update(accounts)
    .where(
        accounts.c.scope == bindparam("of"),
        accounts.c.closed_at.is_(None),
        and_(*(_SPENT[part] + _RESERVED[part] + _COST[part] <= _CEILING[part] for part in PARTS)),
    )
    .values({_RESERVED[part]: _RESERVED[part] + _COST[part] for part in PARTS})
)
_MOVE = (
    update(accounts)
    .where(accounts.c.scope == bindparam("of"))
    .values(
        {_RESERVED[part]: _RESERVED[part] - _COST[part] for part in PARTS}
        | {_SPENT[part]: _SPENT[part] + _COST[part] for part in PARTS}
    )
)
_CLOSE = (
    update(reservations)
    .where(reservations.c.id == bindparam("of"), reservations.c.state == "open")
    .values(state=bindparam("outcome"), closed_at=bindparam("now"))
)
# With the kind that the account has by now: a pure charge may have become a concentrated one.
_CHARGES = (
    select(charges, accounts.c.kind)
    .join(accounts, accounts.c.scope == charges.c.scope)
    .where(charges.c.reservation == bindparam("of"))
)
_KIND = select(accounts.c.kind).where(accounts.c.scope == bindparam("of"))
_LOSS = select(reservations.c.rho, reservations.c.epsilon, reservations.c.delta).where(reservations.c.id == bindparam("of"))
_RESERVE, _CHARGE = insert(reservations), insert(charges)
_SAVEPOINT, _BACK, _LET_GO = text("SAVEPOINT reserving"), text("ROLLBACK TO reserving"), text("RELEASE reserving")
_OPEN = select(reservations).where(reservations.c.state == "open").order_by(reservations.c.at, reservations.c.id)


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """A reservation found open, for the recovery after a stop. Not a `Reservation`: nothing can be answered on it."""

    id: str
    question: str
    project: str
    dataset: str
    loss: PrivacyLoss
    at: str


def reserve(
    tx: Transaction,
    *,
    id: str,
    question: str,
    project: str,
    dataset: str,
    person: str | None,
    loss: PrivacyLoss,
    at: datetime,
    drawn: bool = True,
) -> Reservation:
    """Take a loss from every ceiling above the question, or from none: BUDGET_EXHAUSTED says which one does not hold it,
    NOT_READY which one a restore has closed.
    ``drawn`` False: nothing is drawn for it, for it is given a release that the dataset has paid for; the others pay in full."""
    if not (loss.rho or loss.epsilon):
        raise ValueError("no loss, no answer")
    costs = _costs(tx, project, dataset if drawn else None, person, loss)
    with _all_or_nothing(tx):
        for scope, cost in costs.items():
            if not _take(tx, scope, cost):
                raise not_taken(tx, scope, cost)
        made = {"id": id, "question": question, "project": project, "dataset": dataset, "person": person}
        tx.execute(_RESERVE, made | _parts(loss) | {"state": "open", "at": timestamp(at)})
        tx.execute(_CHARGE, [{"reservation": id, "scope": scope} | _parts(cost) for scope, cost in costs.items()])
    return Reservation(id, question, project, dataset, loss)


def settle(tx: Transaction, reservation: str, outcome: str, at: datetime) -> None:
    """Close a reservation as ``released``, ``fault`` or ``cancelled``. It is spent either way: data may have been touched."""
    if outcome not in ("released", "fault", "cancelled"):
        raise ValueError("a reservation is closed as released, fault or cancelled")
    if tx.execute(_CLOSE, {"of": reservation, "outcome": outcome, "now": timestamp(at)}).rowcount != 1:
        raise Fault("ledger")
    for row in tx.execute(_CHARGES, {"of": reservation}).all():
        tx.execute(_MOVE, {"of": row.scope} | _costed(in_kind(row.kind, PrivacyLoss(row.rho, row.epsilon, row.delta))))


def open_reservations(tx: Transaction) -> list[OpenReservation]:
    """What a stop left open, oldest first."""
    return [
        OpenReservation(row.id, row.question, row.project, row.dataset, PrivacyLoss(row.rho, row.epsilon, row.delta), row.at)
        for row in tx.execute(_OPEN)
    ]


def loss_of(tx: Transaction, reservation: str) -> PrivacyLoss:
    """What a reservation took, as its question was priced."""
    row = tx.execute(_LOSS, {"of": reservation}).one()
    return PrivacyLoss(row.rho, row.epsilon, row.delta)


def _costs(tx: Transaction, project: str, dataset: str | None, person: str | None, loss: PrivacyLoss) -> dict[str, PrivacyLoss]:
    """What each account is charged, in its own kind. The project comes first and the dataset last: who fails at the project
    learns nothing of the dataset. A researcher without an account has no ceiling of their own; the others have nothing."""
    first, last = f"project:{project}", [] if dataset is None else [f"dataset:{dataset}"]
    scopes = [first, *([] if person is None else [f"researcher:{project}/{person}"]), *last]
    kinds = {scope: row.kind for scope in scopes if (row := tx.execute(_KIND, {"of": scope}).one_or_none())}
    for scope in (first, *last):
        if scope not in kinds:
            raise exhausted(tx, scope, loss)
    return {scope: in_kind(kinds[scope], loss) for scope in scopes if scope in kinds}


def _take(tx: Transaction, scope: str, cost: PrivacyLoss) -> bool:
    """Add to what is reserved if, and only if, it stays within the ceiling of an account that is open."""
    return countable(cost) and tx.execute(_TAKE, {"of": scope} | _costed(cost)).rowcount == 1


@contextmanager
def _all_or_nothing(tx: Transaction) -> Iterator[None]:
    """Undo what was taken when a later step fails, so that the road may write the refusal down in the same transaction."""
    tx.execute(_SAVEPOINT)
    try:
        yield
    except BaseException:
        tx.execute(_BACK)
        tx.execute(_LET_GO)
        raise
    tx.execute(_LET_GO)


def _parts(amount: PrivacyLoss) -> dict[str, int]:
    return {part: getattr(amount, part) for part in PARTS}


def _costed(amount: PrivacyLoss) -> dict[str, int]:
    return {f"cost_{part}": value for part, value in _parts(amount).items()}
