"""A database of one's own, and questions on their way through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.databases import new_database
from tre import releases
from tre.loss import PrivacyLoss
from tre.releases import Envelope, Published, Question, Text
from tre.state import State, Transaction
from tre.terms import Exclusion, Release, Reservation, timestamp

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENVELOPE = Envelope(b'{"answer":1}')
_numbers = count()


def question(id: str = "", **fields: Any) -> Question:
    text = Text("SELECT 1", b"salt", "a note")
    given: dict[str, Any] = {"project": "demo", "person": "alice", "dataset": "gp", "asked_at": timestamp(AT), "text": text}
    return Question(id=id or f"q{next(_numbers)}", **given | fields)


class Road:
    """The steps of a question's road that touch this room, each in a write of its own."""

    def __init__(self, state: State) -> None:
        self.state = state

    def ask(self, id: str = "", **fields: Any) -> Question:
        asked = question(id, **fields)
        assert self.state.write(lambda tx: releases.ask(tx, asked))
        return asked

    def start(self, asked: Question) -> Reservation:
        assert self.state.write(lambda tx: releases.start(tx, asked.id, f"r-{asked.id}", AT))
        return Reservation(f"r-{asked.id}", asked.id, asked.project, asked.dataset, PrivacyLoss(rho=1))

    def seal(
        self,
        taken: Reservation,
        statement: bytes = b"{}",
        key: str = "key",
        scale: float = 10.0,
        at: datetime = AT,
        wait: int = 4,
    ) -> None:
        exclusion = Exclusion("s1", 7, ("local", "national"), "file", timestamp(AT))

        def write(tx: Transaction) -> None:
            releases.seal(
                tx,
                taken,
                Release(statement, 2),
                repeat_key=key,
                scales={"n": scale},
                exclusion=exclusion,
                release_at=at + wait * SECOND if wait else None,
                at=at,
            )

        self.state.write(write)

    def publish(self, taken: Reservation, at: datetime = AT + 4 * SECOND, envelope: Envelope = ENVELOPE) -> Published:
        def write(tx: Transaction) -> Published:
            published = releases.unseal(tx, taken.id, at)
            releases.close(tx, taken.question, "released", envelope, at)
            return published

        return self.state.write(write)

    def close(self, id: str, state: str, envelope: Envelope = ENVELOPE, repeat_of: str | None = None) -> None:
        self.state.write(lambda tx: releases.close(tx, id, state, envelope, AT, repeat_of))

    def sealed(self, id: str = "", **seal: Any) -> Reservation:
        taken = self.start(self.ask(id))
        self.seal(taken, **seal)
        return taken

    def published(self, id: str = "", at: datetime = AT, **seal: Any) -> Reservation:
        taken = self.sealed(id, at=at, **seal)
        self.publish(taken, at + 4 * SECOND)
        return taken


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(new_database(tmp_path)) as opened:
        yield opened


@pytest.fixture
def road(state: State) -> Road:
    return Road(state)
