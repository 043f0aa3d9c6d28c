"""Step 1: the question is written down and logged before anything is looked at; or an earlier sending of it is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tre import audit, releases
from tre.errors import Fault
from tre.gateway import entries
from tre.gateway.house import House
from tre.gateway.outcomes import Outcome, Pending, from_bytes
from tre.releases import Question, Text
from tre.state import Transaction
from tre.terms import Person, Request, timestamp


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The asker's key for one question, and the digest of the body it came with."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A question that is in the log now, or the outcome of the same one sent before."""

    question: str
    replay: Outcome | None = None


def enter(house: House, person: Person, request: Request, key: Idempotency | None, question: str, at: datetime) -> Entered:
    """Log the question. KEY_RUNNING or KEY_REUSED (which leave no question) when the key has one."""
    policy = house.digests.get(request.dataset, "none")
    salt = house.keys.salt()
    asked = Question(
        id=question,
        project=request.project,
        person=person.name,
        dataset=request.dataset,
        asked_at=timestamp(at),
        text=Text(request.sql, salt, request.note),
        key=key.key if key else None,
        body=key.body if key else None,
    )

    def write(tx: Transaction) -> Entered:
        if releases.ask(tx, asked):
            digest = entries.salted(salt, request.sql)
            audit.append(tx, entries.asked(at, person, request, question, digest, policy))
            return Entered(question)
        assert key is not None
        earlier = releases.replay(tx, person.name, key.key, key.body)
        assert earlier is not None
        return Entered(earlier.id, stored(tx, earlier))

    return house.state.write(write)


def stored(tx: Transaction, question: Question) -> Outcome:
    """The outcome of a closed question, from its stored bytes."""
    kept = releases.envelope(tx, question.id)
    found = from_bytes(question.id, question.state, kept.body if kept else None)
    if isinstance(found, Pending):
        raise Fault("no-outcome")
    return found
