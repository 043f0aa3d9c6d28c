"""The envelope around a statement: who asked, what it cost, what remains, and where it stands in the log."""

from __future__ import annotations

import base64
import math
from fractions import Fraction
from typing import Any

from tre import budget
from tre.audit import Position
from tre.loss import PrivacyLoss, loss_text
from tre.terms import canonical


def envelope(
    *,
    balance: budget.Balance,
    question: str,
    project: str,
    sql: str,
    asked_at: str,
    statement: bytes,
    loss: PrivacyLoss,
    position: Position,
    repeat: bool = False,
    repeat_of: str | None = None,
    stale: bool = False,
) -> bytes:
    """The bytes that are stored and sent, now and at every replay; the statement's own are among them as they are. ``balance``:
    the project's, after the charge. ``repeat_of``: the question that was answered so first; None where it is another project's,
    whose questions are its own."""
    charge: dict[str, Any] = loss_text(loss) | {"repeat": repeat, "repeat_of": repeat_of}
    around: dict[str, Any] = {
        "id": question,
        "project": project,
        "sql": sql,
        "asked_at": asked_at,
        "charge": charge,
        "remaining": remaining(balance),
        "audit": _place(position),
    }
    if repeat:
        around["stale"] = stale
    return canonical(around)[:-1] + b"," + statement[1:]


def _place(position: Position) -> dict[str, Any]:
    """Where the entry stands, and what opens it: its SHA-256 is in the leaf, and the statement's digest is in it."""
    opening = {} if position.opening is None else {"opening": base64.b64encode(position.opening).decode()}
    return {"index": position.index, "size": position.size} | opening


def remaining(balance: budget.Balance) -> dict[str, Any]:
    """What a project has left, and as a share of what is stated."""
    left, whole = balance.remaining, balance.ceiling
    part = Fraction(left.epsilon, whole.epsilon) if whole.epsilon else Fraction(left.rho, whole.rho) if whole.rho else Fraction(0)
    told = loss_text(left) if whole.epsilon == 0 else loss_text(left) | {"rho": None}
    if whole.epsilon:
        told |= {"epsilon": balance.to_json()["remaining"]["epsilon"]}
    return told | {"share": math.floor(part * 10**6) / 10**6}
