"""Approvals: what one person proposed that loosens a protection, and what another person decided of it.

Promises that a decision is made once and that its proposer never approves; the database holds both. Several proposals may wait
for one thing, so that nobody blocks a change by proposing another: each keeps a digest of what it would replace, and the first
that takes effect leaves the others without one. Knows no kind of change.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, text, update

from tre.errors import Reason, Refusal
from tre.projects.tables import approvals as table
from tre.state import Transaction
from tre.terms import canonical, digest, timestamp

WAITING, APPROVED, REFUSED, WITHDRAWN, LAPSED = "waiting", "approved", "refused", "withdrawn", "lapsed"
# Whoever comes second finds no row that waits.
_DECIDE = update(table).where(table.c.id == bindparam("of"), table.c.state == WAITING)


@dataclass(frozen=True, slots=True)
class Approval:
    """One proposal and, once there is one, the decision on it."""

    id: str
    kind: str
    subject: str
    payload: Mapping[str, Any]
    made_on: str
    simulation: Mapping[str, Any]
    salt: str
    proposer: str
    at: str
    state: str = WAITING
    decided_by: str | None = None
    decided_at: str | None = None
    why: str | None = None

    @property
    def version(self) -> int:
        return 1 if self.state == WAITING else 2

    def sealed(self, words: Any) -> str:
        """The digest by which the log knows a text of this approval; without the salt it says nothing."""
        return digest(bytes.fromhex(self.salt) + canonical(words))


def propose(
    tx: Transaction,
    kind: str,
    subject: str,
    payload: Mapping[str, Any],
    made_on: Any,
    simulation: Mapping[str, Any],
    proposer: str,
    at: datetime,
) -> Approval:
    """Write a proposal down; it changes nothing yet."""
    made = {
        "id": secrets.token_hex(16),
        "kind": kind,
        "subject": subject,
        "payload": canonical(payload).decode(),
        "made_on": digest(canonical(made_on)),
        "simulation": canonical(simulation).decode(),
        "salt": secrets.token_hex(16),
        "proposer": proposer,
        "at": timestamp(at),
        "state": WAITING,
    }
    tx.execute(insert(table), made)
    return get(tx, made["id"])


def get(tx: Transaction, id: str) -> Approval:
    """One approval; NOT_FOUND when there is none."""
    found = tx.execute(select(table).where(table.c.id == id)).one_or_none()
    if found is None:
        raise Refusal(Reason.NOT_FOUND)
    return _approval(found)


def every(tx: Transaction, state: str | None = None, limit: int = 100) -> list[Approval]:
    """All approvals, or those in one state, newest first."""
    wanted = select(table).order_by(table.c.number.desc()).limit(limit)
    return [_approval(row) for row in tx.execute(wanted if state is None else wanted.where(table.c.state == state))]


def decide(tx: Transaction, id: str, state: str, by: str, why: str, at: datetime) -> Approval:
    """Give a waiting proposal its one decision; CHANGED_MEANWHILE for whoever comes second."""
    if state not in (APPROVED, REFUSED, WITHDRAWN, LAPSED):
        raise ValueError("a decision is approved, refused, withdrawn or lapsed")
    values = {"state": state, "decided_by": by, "decided_at": timestamp(at), "why": why}
    if tx.execute(_DECIDE.values(values), {"of": id}).rowcount != 1:
        raise Refusal(Reason.CHANGED_MEANWHILE, f"This approval is {get(tx, id).state}.", "GET /v1/approvals lists what waits.")
    return get(tx, id)


def lapse_all(tx: Transaction, by: str, why: str, at: datetime) -> list[Approval]:
    """Nothing that waits can be approved any more; it may be proposed again. What has lapsed."""
    waiting = tx.execute(select(table.c.id).where(table.c.state == WAITING).order_by(table.c.number)).scalars().all()
    return [decide(tx, id, LAPSED, by, why, at) for id in waiting]


def stale(approval: Approval, now: Any) -> bool:
    """Whether what it would replace is no longer what it was proposed on."""
    return approval.made_on != digest(canonical(now))


def apart(tx: Transaction, kind: str, one: str, other: str) -> bool:
    """Whether two identities count as two people. Who makes an identity sees its token first, so maker and made are not two, nor
    are two that one person made. ``kind``: that of the approvals by which an identity was given a role."""
    return one != other and not (_line(tx, kind, one) & _line(tx, kind, other))


@contextmanager
def rehearsal(tx: Transaction) -> Iterator[None]:
    """Whatever is written inside is undone: a proposal that could not be carried out is refused when it is made."""
    tx.execute(text("SAVEPOINT rehearsal"))
    try:
        yield
    finally:
        tx.execute(text("ROLLBACK TO rehearsal"))
        tx.execute(text("RELEASE rehearsal"))


def _line(tx: Transaction, kind: str, name: str) -> set[str]:
    """An identity, who made it, who made that one, and so on."""
    given = select(table.c.proposer).where(table.c.kind == kind, table.c.state == APPROVED)
    line, new = {name}, {name}
    while new:
        new = set(tx.execute(given.where(table.c.subject.in_(sorted(new)))).scalars()) - line
        line |= new
    return line


def _approval(row: Row[Any]) -> Approval:
    fields = {name: value for name, value in row._mapping.items() if name != "number"}
    return Approval(**fields | {"payload": json.loads(row.payload), "simulation": json.loads(row.simulation)})
