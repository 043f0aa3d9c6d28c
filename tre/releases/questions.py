"""Questions: from the moment one is asked to its one outcome, which is stored in the very bytes that are sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, or_, select, text, update

from tre.errors import Fault, Reason, Refusal
from tre.releases.tables import CLOSED, OPEN, question_texts, questions, releases
from tre.state import Transaction
from tre.terms import timestamp

_ASK = text(
    """INSERT INTO questions (id, project, person, dataset, key, body, asked_at, state)
    VALUES (:id, :project, :person, :dataset, :key, :body, :asked_at, 'waiting') ON CONFLICT (person, key) DO NOTHING"""
)
_WRITE = insert(question_texts)
_START = (
    update(questions)
    .where(questions.c.id == bindparam("of"), questions.c.state == "waiting", questions.c.cancelled_at.is_(None))
    .values(state="running", reservation=bindparam("taken"))
)
# Spelt out: what IN holds is written anew by the library at each execution.
_IS_OPEN = or_(*(questions.c.state == state for state in OPEN))
_CLOSE = (
    update(questions)
    .where(questions.c.id == bindparam("of"), _IS_OPEN)
    .values(
        {name: bindparam(f"new_{name}") for name in ("state", "repeat_of", "status", "content_type", "envelope", "closed_at")}
    )
)
_WISH = (
    update(questions)
    .where(questions.c.id == bindparam("of"), _IS_OPEN, questions.c.cancelled_at.is_(None))
    .values(cancelled_at=bindparam("now"))
)
_FREE = update(questions).where(questions.c.id == bindparam("of"), _IS_OPEN).values(key=None, body=None)
_UNSEEN = delete(releases).where(releases.c.question == bindparam("of"), releases.c.sealed == 1)
_PUBLISHED = select(releases.c.reservation).where(releases.c.question == bindparam("of"), releases.c.sealed == 0)
_ENVELOPE = select(questions.c.status, questions.c.content_type, questions.c.envelope).where(questions.c.id == bindparam("of"))
_TEXT = select(question_texts).where(question_texts.c.question == bindparam("of"))


@dataclass(frozen=True, slots=True)
class Text:
    """What the asker wrote, and the salt of its digest in the log. Kept apart, so that it can be erased."""

    sql: str
    salt: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A stored answer: the exact bytes that were sent."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``text`` is None once erased; ``body`` is the digest of what was sent with the idempotency key."""

    id: str
    project: str
    person: str
    dataset: str
    asked_at: str
    text: Text | None
    key: str | None = None
    body: str | None = None
    state: str = "waiting"
    reservation: str | None = None
    repeat_of: str | None = None
    closed_at: str | None = None
    cancelled_at: str | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN


def ask(tx: Transaction, question: Question) -> bool:
    """Write a new question down; False when its asker's idempotency key has one already. The unique key decides a race."""
    if question.text is None or question.state != "waiting" or (question.key is None) != (question.body is None):
        raise ValueError("a new question waits, has a text, and a body's digest with its key")
    names = ("id", "project", "person", "dataset", "key", "body", "asked_at")
    if tx.execute(_ASK, {name: getattr(question, name) for name in names}).rowcount == 0:
        return False
    written = {"question": question.id, "sql": question.text.sql, "salt": question.text.salt, "note": question.text.note}
    tx.execute(_WRITE, written)
    return True


def by_key(tx: Transaction, person: str, key: str) -> Question | None:
    """The question of an idempotency key, whatever its body was."""
    return _first(tx, _questions().where(questions.c.person == person, questions.c.key == key))


def replay(tx: Transaction, person: str, key: str, body: str) -> Question | None:
    """The closed question whose stored answer is this one's too; None for a new key. KEY_REUSED for another body, KEY_RUNNING
    while it has no outcome."""
    found = by_key(tx, person, key)
    if found is None:
        return None
    if found.body != body:
        raise Refusal(Reason.KEY_REUSED, "This Idempotency-Key was sent with another question.", "Send a new key.")
    if found.open:
        raise Refusal(Reason.KEY_RUNNING, "The question of this Idempotency-Key is still running.", f"Look at {found.id} later.")
    return found


def get(tx: Transaction, id: str) -> Question | None:
    return _first(tx, _questions().where(questions.c.id == id))


def page(tx: Transaction, projects: Iterable[str], after: str | None = None, limit: int = 100) -> list[Question]:
    """Questions of some projects, newest first, from the one after ``after`` on."""
    wanted = _questions().where(questions.c.project.in_(sorted(set(projects)))).order_by(questions.c.number.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(questions.c.number < select(questions.c.number).where(questions.c.id == after).scalar_subquery())
    return [question_of(row) for row in tx.execute(wanted)]


def start(tx: Transaction, question: str, reservation: str, at: datetime) -> bool:
    """From waiting to running; False when it waits no more (it was cancelled). Called before the loss is reserved, in the same
    transaction, so that a cancelled question is not charged."""
    timestamp(at)
    return tx.execute(_START, {"of": question, "taken": reservation}).rowcount == 1


def close(tx: Transaction, question: str, state: str, envelope: Envelope, at: datetime, repeat_of: str | None = None) -> None:
    """Give a question its outcome, once and for good. Only a published release or a repeat closes it as released; any other
    outcome discards a release that is still sealed, so that no unseen draw outlives its question."""
    if state not in CLOSED or (repeat_of is not None and state != "released"):
        raise ValueError("an outcome is released, refused, fault or cancelled, and a repeat is released")
    if state == "released" and repeat_of is None and tx.execute(_PUBLISHED, {"of": question}).first() is None:
        raise Fault("unpublished")
    values = {
        "state": state,
        "repeat_of": repeat_of,
        "status": envelope.status,
        "content_type": envelope.content_type,
        "envelope": envelope.body,
        "closed_at": timestamp(at),
    }
    if tx.execute(_CLOSE, {"of": question} | {f"new_{name}": value for name, value in values.items()}).rowcount != 1:
        raise Fault("second-outcome")
    tx.execute(_UNSEEN, {"of": question})


def envelope(tx: Transaction, question: str) -> Envelope | None:
    """The stored answer, byte for byte; None while there is none."""
    found = tx.execute(_ENVELOPE, {"of": question}).one_or_none()
    if found is None or found.envelope is None:
        return None
    return Envelope(found.envelope, found.status, found.content_type)


def text_of(tx: Transaction, question: str) -> Text | None:
    """What was asked; None once erased."""
    found = tx.execute(_TEXT, {"of": question}).one_or_none()
    return None if found is None else Text(found.sql, found.salt, found.note)


def erase_text(tx: Transaction, question: str, instead: Envelope | None = None) -> bool:
    """Erase what was asked, and its salt, without which the digest in the log says nothing. ``instead``: the stored answer
    without the text, where it quotes it. Says whether there was a text."""
    there = tx.execute(delete(question_texts).where(question_texts.c.question == question)).rowcount == 1
    if instead is not None:
        tx.execute(update(questions).where(questions.c.id == question).values(envelope=instead.body))
    return there


def cancel(tx: Transaction, question: str, at: datetime) -> None:
    """Write down that an open question is not wanted any more: it will not start, and if it runs its release is not published."""
    tx.execute(_WISH, {"of": question, "now": timestamp(at)})


def free_key(tx: Transaction, question: str) -> None:
    """Let an open question's idempotency key be sent again: it is about to be refused for a reason that will pass."""
    tx.execute(_FREE, {"of": question})


def _questions() -> Select[Any]:
    """Without the stored answers, which are large."""
    kept = [column for column in questions.c if column.name not in ("envelope", "status", "content_type")]
    texts = (question_texts.c.sql, question_texts.c.salt, question_texts.c.note)
    return select(*kept, *texts).join_from(questions, question_texts, isouter=True)


def _first(tx: Transaction, wanted: Select[Any]) -> Question | None:
    found = tx.execute(wanted).one_or_none()
    return None if found is None else question_of(found)


def question_of(row: Row[Any]) -> Question:
    names = (
        "id",
        "project",
        "person",
        "dataset",
        "asked_at",
        "key",
        "body",
        "state",
        "reservation",
        "repeat_of",
        "closed_at",
        "cancelled_at",
    )
    written = None if row.sql is None else Text(row.sql, row.salt, row.note)
    return Question(text=written, **{name: getattr(row, name) for name in names})
