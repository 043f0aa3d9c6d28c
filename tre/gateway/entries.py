"""The entries that the road of a question writes into the log: pseudonymous ids and digests, never a text.

Everyone can read the log. What a question asked (its plan), how it ended and why are sealed: everyone reads that it was closed,
in one form whether it was a release, a repeat, a refusal, a fault or cancelled; an auditor reads which.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tre.audit import SALT, Entry
from tre.budget import Exhausted
from tre.errors import Refusal
from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, decimal_text
from tre.releases import Published
from tre.terms import Person, Request, Reservation, digest


def salted(salt: bytes, text: str) -> str:
    """The digest of a question's text: without the salt, which can be erased, it says nothing."""
    return digest(salt + text.encode())


CLOSED = "closed"


def _closed(
    kind: str,
    at: datetime,
    person: Person,
    project: str,
    dataset: str,
    id: str,
    body: dict[str, Any],
    outcome: str,
    reason: str | None = None,
) -> Entry:
    """The end of a question: its kind, outcome, reason and body are for auditors."""
    return Entry(
        kind=kind,
        at=at,
        project=project,
        person_asking=person.pseudonym,
        dataset=dataset,
        id=id,
        outcome=outcome,
        reason=reason,
        sealed=body,
        told=CLOSED,
        salt=secrets.token_bytes(SALT),
    )


def asked(at: datetime, person: Person, request: Request, question: str, text: str, policy: str) -> Entry:
    body = {"question": text, "policy": policy}
    return Entry("asked", at, body, request.project, person.pseudonym, dataset=request.dataset, id=question)


def reserved(
    at: datetime,
    person: Person,
    reservation: Reservation,
    plan: str,
    regimes: Iterable[str],
    repeat_of: str | None = None,
) -> Entry:
    """The plan's digest is sealed: there are few plausible questions, and it would tell which of them this is. ``regimes``: the
    opt-outs that apply, which are those of the project and known.
    ``repeat_of``: the question of another project whose release is given again, so that the dataset is charged nothing."""
    return Entry(
        kind="reserved",
        at=at,
        body={"reservation": reservation.id, "opt_outs": ",".join(sorted(regimes))} | _loss(reservation.loss),
        project=reservation.project,
        person_asking=person.pseudonym,
        dataset=reservation.dataset,
        id=reservation.question,
        sealed={"plan": plan} | ({} if repeat_of is None else {"repeat_of": repeat_of}),
        salt=secrets.token_bytes(SALT),
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """A reservation as an entry names it."""

    reservation: str
    question: str
    project: str
    dataset: str


def released(
    at: datetime, person: Person, taken: Taken, published: Published, redrawn: bool, repeat_of: str | None = None
) -> Entry:
    body: dict[str, Any] = {
        "reservation": taken.reservation,
        "snapshot": published.snapshot,
        "statement": published.digest,
        "suppressed": published.suppressed,
    }
    if redrawn:
        body["redrawn"] = "opt-outs moved"
    if repeat_of is not None:
        body["repeat_of"] = repeat_of
    return _closed("released", at, person, taken.project, taken.dataset, taken.question, body, outcome="released")


def repeated(at: datetime, person: Person, request: Request, question: str, earlier: str, statement: str) -> Entry:
    body = {"repeat_of": earlier, "statement": statement}
    return _closed("released", at, person, request.project, request.dataset, question, body, outcome="repeated")


def refused(at: datetime, person: Person, project: str, dataset: str, question: str, refusal: Refusal) -> Entry:
    """An exhausted budget says which ceiling, and at what charge: whoever proposes a larger one is told what it would hold."""
    body = {"ceiling": refusal.ceiling} | _loss(refusal.cost) if isinstance(refusal, Exhausted) else {}
    return _closed("refused", at, person, project, dataset, question, body, outcome="refused", reason=refusal.reason)


def fault(at: datetime, person: Person, project: str, dataset: str, question: str, reservation: str | None) -> Entry:
    body = {"reservation": reservation} if reservation else {}
    return _closed("fault", at, person, project, dataset, question, body, outcome="fault")


def cancelled(at: datetime, person: Person, project: str, dataset: str, question: str, reservation: str | None) -> Entry:
    body = {"reservation": reservation} if reservation else {}
    return _closed("cancelled", at, person, project, dataset, question, body, outcome="cancelled")


def _loss(loss: PrivacyLoss) -> dict[str, str]:
    parts = {
        "rho": decimal_text(loss.rho, UNIT) if loss.rho else "",
        "epsilon": decimal_text(loss.epsilon, UNIT) if loss.epsilon else "",
        "delta": decimal_text(loss.delta, DELTA_UNIT) if loss.delta else "",
    }
    return {name: text for name, text in parts.items() if text}


def incident(at: datetime, dataset: str) -> Entry:
    """The run-time alarm fired: the dataset stops answering until a person opens it again."""
    return Entry(kind="incident", at=at, body={"stopped": "yes"}, dataset=dataset, outcome="stopped")
