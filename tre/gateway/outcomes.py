"""What a question can come to, as values; stored as bytes, so that a replay is the same to the byte."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tre.errors import Reason, Refusal
from tre.terms import canonical


@dataclass(frozen=True, slots=True)
class Released:
    """The envelope around a statement, in its stored bytes."""

    question: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    question: str
    reason: Reason
    detail: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class Faulted:
    question: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    question: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Waiting for a worker (nothing charged) or running (charged)."""

    question: str
    state: str


Outcome = Released | Refused | Faulted | Cancelled
Standing = Outcome | Pending


def refused(question: str, refusal: Refusal) -> Refused:
    return Refused(question, refusal.reason, refusal.detail, refusal.suggestion)


def to_bytes(outcome: Outcome) -> bytes:
    """The stored form."""
    match outcome:
        case Released(envelope=envelope):
            return envelope
        case Refused(question, reason, detail, suggestion):
            body = {"refused": {"question": question, "reason": reason, "detail": detail, "suggestion": suggestion}}
            return canonical(body)
        case Faulted(question):
            return canonical({"fault": {"question": question}})
        case Cancelled(question):
            return canonical({"cancelled": {"question": question}})


def from_bytes(question: str, state: str, raw: bytes | None) -> Standing:
    """The outcome behind a question's state and stored bytes."""
    if raw is None:
        return Pending(question, state)
    if state == "released":
        return Released(question, raw)
    if state == "refused":
        told = json.loads(raw)["refused"]
        return Refused(question, Reason(told["reason"]), told["detail"], told["suggestion"])
    return Cancelled(question) if state == "cancelled" else Faulted(question)
