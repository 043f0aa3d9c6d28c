"""Holds: after so many faults a project's questions wait for a person to look. What that person decides, and why, is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select

from tre.errors import Reason, Refusal
from tre.projects.project import ACTIVE, HELD, Project, every, get, store
from tre.projects.tables import hold_decisions as table
from tre.state import Transaction
from tre.terms import digest, timestamp


@dataclass(frozen=True, slots=True)
class HoldDecision:
    """That somebody looked at a held project, and released it or not."""

    id: str
    project: str
    held_at: str
    faults: int
    released: bool
    why: str
    salt: str
    decided_by: str
    decided_at: str

    @property
    def sealed(self) -> str:
        """The digest by which the log knows the reason; without the salt it says nothing."""
        return digest(bytes.fromhex(self.salt) + self.why.encode())


def add_fault(tx: Transaction, id: str, limit: int, at: datetime) -> Project:
    """Count one fault of a project; with ``limit`` of them since the last release, an active project is held."""
    now = get(tx, id)
    counted = store(tx, replace(now, faults=now.faults + 1))
    return hold(tx, id, at) if counted.faults >= limit and counted.state == ACTIVE else counted


def hold(tx: Transaction, id: str, at: datetime) -> Project:
    """Hold an active project at once."""
    now = get(tx, id)
    if now.state != ACTIVE:
        raise Refusal(Reason.INVALID_REQUEST, "Only an active project can be held.")
    return store(tx, replace(now, state=HELD, held_at=timestamp(at), version=now.version + 1))


def release_hold(tx: Transaction, id: str) -> Project:
    """Let a held project ask again, and count its faults anew."""
    now = get(tx, id)
    if now.state != HELD:
        raise Refusal(Reason.INVALID_REQUEST, "This project is not held.")
    return store(tx, replace(now, state=ACTIVE, held_at=None, faults=0, version=now.version + 1))


def held(tx: Transaction, id: str) -> Project:
    """A project that is held; NOT_FOUND for any other."""
    found = [project for project in every(tx, HELD) if project.id == id]
    if not found:
        raise Refusal(Reason.NOT_FOUND, "No project of this id is held.", "GET /v1/holds lists them.")
    return found[0]


def decide_hold(tx: Transaction, id: str, release: bool, by: str, why: str, at: datetime) -> HoldDecision:
    """Release a held project, or leave it held, with the reason."""
    now = held(tx, id)
    made = HoldDecision(
        id=secrets.token_hex(16),
        project=id,
        held_at=now.held_at or "",
        faults=now.faults,
        released=release,
        why=why,
        salt=secrets.token_hex(16),
        decided_by=by,
        decided_at=timestamp(at),
    )
    tx.execute(insert(table), {name: getattr(made, name) for name in HoldDecision.__slots__})
    if release:
        release_hold(tx, id)
    return made


def hold_decisions(tx: Transaction, id: str, held_at: str) -> list[HoldDecision]:
    """What was decided of one hold, in order."""
    wanted = select(table).where(table.c.project == id, table.c.held_at == held_at).order_by(table.c.number)
    rows = [row._mapping for row in tx.execute(wanted)]
    return [
        HoldDecision(**{name: row[name] for name in HoldDecision.__slots__} | {"released": bool(row["released"])}) for row in rows
    ]
