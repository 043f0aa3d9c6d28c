"""Releases: sealed as soon as drawn, published at their time, found again for a repeat. A published one never changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, text, update

from tre.errors import Fault
from tre.releases.tables import questions, releases
from tre.state import Transaction
from tre.terms import Exclusion, Release, Reservation, digest, timestamp

_RUNNING = select(questions.c.id).where(
    questions.c.id == bindparam("of"), questions.c.state == "running", questions.c.reservation == bindparam("taken")
)
_UNSEAL = (
    update(releases)
    .where(releases.c.reservation == bindparam("of"), releases.c.sealed == 1, releases.c.release_at <= bindparam("now"))
    .values(sealed=0, published_at=bindparam("now"))
)
_DISCARD = delete(releases).where(releases.c.reservation == bindparam("of"), releases.c.sealed == 1)
# Each statement that reads a statement asks for sealed = 0.
_PUBLISHED = select(releases).where(releases.c.reservation == bindparam("of"), releases.c.sealed == 0)
_EARLIER = (
    select(releases.c.reservation, releases.c.scales)
    .where(releases.c.project == bindparam("in"), releases.c.repeat_key == bindparam("key"), releases.c.sealed == 0)
    .order_by(releases.c.published_at.desc(), releases.c.sealed_at.desc())
)
# What was drawn, and not what was given again: that is the same release once more.
_ELSEWHERE = (
    select(releases.c.reservation, releases.c.scales)
    .join_from(releases, questions, questions.c.id == releases.c.question)
    .where(
        releases.c.project != bindparam("in"),
        questions.c.dataset == bindparam("on"),
        releases.c.repeat_key == bindparam("key"),
        releases.c.kind == bindparam("counted"),
        releases.c.sealed == 0,
        releases.c.repeat_of.is_(None),
    )
    .order_by(releases.c.published_at.desc(), releases.c.sealed_at.desc())
)
_SEAL = insert(releases)
_RECEIVE = text(
    """INSERT INTO releases (reservation, question, project, repeat_key, kind, scales, statement, digest, suppressed, snapshot,
        regimes, version, opt_outs_as_of, sealed, sealed_at, release_at, published_at, repeat_of)
    SELECT :taken, :question, :project, repeat_key, kind, scales, statement, digest, suppressed, snapshot,
        regimes, version, opt_outs_as_of, 0, :now, :now, :now, reservation
    FROM releases WHERE reservation = :of AND sealed = 0 AND kind = :counted AND repeat_of IS NULL"""
)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that has been seen, and what it was made under. Not a `Release`: only the vault makes one of those."""

    reservation: str
    question: str
    project: str
    statement: bytes
    digest: str
    suppressed: int
    kind: str
    scales: Mapping[str, float]
    snapshot: str
    regimes: tuple[str, ...]
    version: int
    opt_outs_as_of: str
    published_at: str


Earlier = Published


def seal(
    tx: Transaction,
    reservation: Reservation,
    release: Release,
    *,
    repeat_key: str,
    scales: Mapping[str, float],
    exclusion: Exclusion,
    release_at: datetime | None,
    at: datetime,
) -> None:
    """Keep a release that nobody sees before ``release_at`` (None: at once, in a bench). A question that is not running on this
    reservation is a fault."""
    _check_running(tx, reservation)
    row = {
        "reservation": reservation.id,
        "question": reservation.question,
        "project": reservation.project,
        "repeat_key": repeat_key,
        "kind": _kind(reservation),
        "scales": json.dumps(dict(scales), sort_keys=True, allow_nan=False),
        "statement": release.statement,
        "digest": release.digest,
        "suppressed": release.suppressed,
        "snapshot": exclusion.snapshot,
        "regimes": ",".join(exclusion.regimes),
        "version": exclusion.version,
        "opt_outs_as_of": exclusion.as_of,
        "sealed": 1,
        "sealed_at": timestamp(at),
        "release_at": timestamp(release_at or at),
    }
    tx.execute(_SEAL, row)


def unseal(tx: Transaction, reservation: str, at: datetime) -> Published:
    """Publish a sealed release, once and not before its time; the only way to read one."""
    if tx.execute(_UNSEAL, {"of": reservation, "now": timestamp(at)}).rowcount != 1:
        raise Fault("sealed")
    return _published(tx, reservation)


def receive(tx: Transaction, reservation: Reservation, found: Published, at: datetime) -> Published:
    """Give a release of another project to this one, as a release of its own from now on. A fault where it is not published or
    was counted in another kind of accounting."""
    _check_running(tx, reservation)
    names = {"taken": reservation.id, "question": reservation.question, "project": reservation.project, "of": found.reservation}
    if tx.execute(_RECEIVE, names | {"now": timestamp(at), "counted": _kind(reservation)}).rowcount != 1:
        raise Fault("not-received")
    return _published(tx, reservation.id)


def discard(tx: Transaction, reservation: str) -> None:
    """Forget a sealed release that nobody has seen, before another is drawn on the same reservation or a fault is told."""
    tx.execute(_DISCARD, {"of": reservation})


def find(
    tx: Transaction, project: str, repeat_key: str, scales: Mapping[str, float], kind: str | None = None
) -> Published | None:
    """The newest published release of the project for this key that is at least as accurate in every statistic."""
    for row in tx.execute(_EARLIER, {"in": project, "key": repeat_key}).all():
        if _as_accurate(json.loads(row.scales), scales):
            found = _published(tx, row.reservation)
            if kind in (None, found.kind):
                return found
    return None


def elsewhere(
    tx: Transaction, project: str, dataset: str, repeat_key: str, scales: Mapping[str, float], kind: str
) -> Iterator[Published]:
    """The published releases of a dataset's other projects for this key that are at least as accurate in every statistic, newest
    first."""
    for row in tx.execute(_ELSEWHERE, {"in": project, "on": dataset, "key": repeat_key, "counted": kind}).all():
        if _as_accurate(json.loads(row.scales), scales):
            yield _published(tx, row.reservation)


def _check_running(tx: Transaction, reservation: Reservation) -> None:
    if tx.execute(_RUNNING, {"of": reservation.question, "taken": reservation.id}).first() is None:
        raise Fault("not-running")


def _kind(reservation: Reservation) -> str:
    return "pure" if reservation.loss.pure else "concentrated"


def _as_accurate(stored: Mapping[str, float], asked: Mapping[str, float]) -> bool:
    return stored.keys() == asked.keys() and all(stored[name] <= asked[name] for name in asked)


def _published(tx: Transaction, reservation: str) -> Published:
    row: Row[Any] = tx.execute(_PUBLISHED, {"of": reservation}).one()
    if digest(row.statement) != row.digest:
        raise Fault("statement")
    names = ("reservation", "question", "project", "statement", "digest", "suppressed", "kind", "snapshot", "version")
    same = {name: getattr(row, name) for name in (*names, "opt_outs_as_of", "published_at")}
    return Published(**same, scales=json.loads(row.scales), regimes=tuple(row.regimes.split(",")))
