"""Holds: after so many faults a project's questions wait for a person to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tre.errors import Reason, Refusal
from tre.projects.project import ACTIVE, HELD, Project, get, store
from tre.state import Transaction
from tre.terms import timestamp


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
