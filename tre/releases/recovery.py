"""What a stop left without an outcome, for the road to finish: nothing stays open, nothing is drawn a second time unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from tre.releases.questions import Question, get
from tre.releases.tables import OPEN, questions, releases
from tre.state import Transaction

# No statement among them: a sealed release is read by `unseal` alone.
_SEALED = (
    releases.c.reservation,
    releases.c.repeat_key,
    releases.c.snapshot,
    releases.c.regimes,
    releases.c.version,
    releases.c.sealed_at,
    releases.c.release_at,
)
_LEFT = (
    select(questions.c.id, *_SEALED)
    .join_from(questions, releases, (releases.c.question == questions.c.id) & (releases.c.sealed == 1), isouter=True)
    .where(questions.c.state.in_(OPEN))
    .order_by(questions.c.number)
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is known of a sealed release without reading it: enough to see whether the opt-outs have moved."""

    reservation: str
    repeat_key: str
    snapshot: str
    regimes: tuple[str, ...]
    version: int
    sealed_at: str
    release_at: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A question without an outcome: never reserved (waiting), reserved and not sealed, or sealed."""

    question: Question
    sealed: Sealed | None


def unfinished(tx: Transaction) -> list[Unfinished]:
    """All of them, oldest first."""
    found = []
    for row in tx.execute(_LEFT).all():
        question = get(tx, row.id)
        assert question is not None
        found.append(Unfinished(question, _sealed(row)))
    return found


def _sealed(row: Row[Any]) -> Sealed | None:
    if row.reservation is None:
        return None
    names = ("reservation", "repeat_key", "snapshot", "version", "sealed_at", "release_at")
    return Sealed(**{name: getattr(row, name) for name in names}, regimes=tuple(row.regimes.split(",")))
