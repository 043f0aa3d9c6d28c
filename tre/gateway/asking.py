"""Step 1: the question is written down and logged before anything is looked at; or an earlier sending of it is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tre import audit, projects, releases
from tre.errors import Fault, Reason, Refusal
from tre.gateway import entries
from tre.gateway.house import House
from tre.gateway.outcomes import Outcome, Pending, from_bytes
from tre.releases import Question, Text
from tre.state import Transaction
from tre.terms import Person, Request, timestamp

NOBODYS = ""
LONGEST_TEXT = 64 * 1024  # characters that are written down at all; the language stops at 20 KB


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
    if len(request.sql) > LONGEST_TEXT:
        raise Refusal(Reason.TOO_LARGE, "The text is over 20 KB.", "Ask in a shorter text.")

    def write(tx: Transaction) -> Entered:
        # What a stranger asks for a project is in the log, and not among that project's questions.
        project = request.project if projects.belongs(tx, person.name, request.project) else NOBODYS
        if write_down(tx, house, person, request, key, question, at, project):
            return Entered(question)
        return _again(tx, person, key)

    return house.state.write(write)


def write_down(
    tx: Transaction,
    house: House,
    person: Person,
    request: Request,
    key: Idempotency | None,
    question: str,
    at: datetime,
    project: str,
) -> bool:
    """The question, among those of ``project``, and its entry; False when its key has a question already."""
    salt = house.keys.salt()
    text, known = Text(request.sql, salt, request.note), ({"key": key.key, "body": key.body} if key else {})
    if not releases.ask(tx, Question(question, project, person.name, request.dataset, timestamp(at), text, **known)):
        return False
    policy = house.digests.get(request.dataset, "none")
    audit.append(tx, entries.asked(at, person, request, question, entries.salted(salt, request.sql), policy))
    return True


def _again(tx: Transaction, person: Person, key: Idempotency | None) -> Entered:
    """The outcome of the question that a key has, for whoever may still see it."""
    if key is None:
        raise Fault("no-key")
    earlier = releases.by_key(tx, person.name, key.key)
    if earlier is None or not visible(tx, person, earlier):
        raise Refusal(Reason.NOT_FOUND)
    replayed = releases.replay(tx, person.name, key.key, key.body)
    if replayed is None:
        raise Fault("no-key")
    return Entered(replayed.id, stored(tx, replayed))


def visible(tx: Transaction, person: Person, question: Question) -> bool:
    """A question of a project one belongs to now; and one's own refusal, which tells nothing of the project."""
    own_refusal = question.state == "refused" and question.person == person.name
    return own_refusal or projects.belongs(tx, person.name, question.project)


def stored(tx: Transaction, question: Question) -> Outcome:
    """The outcome of a closed question, from its stored bytes."""
    kept = releases.envelope(tx, question.id)
    found = from_bytes(question.id, question.state, kept.body if kept else None)
    if isinstance(found, Pending):
        raise Fault("no-outcome")
    return found
