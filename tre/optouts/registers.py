"""The registers: what is applied to them, how old they are, and the list of people to leave out.

The version moves with every batch and every withdrawal of which a line could be read, and with every list that is taken, whether
or not it brings anything new: a repeat that is stale, a redraw and an erasure certificate show it, and would else tell whether
somebody was on a register before. A delivery that brings nothing new makes a register younger too. An empty one, or one of which
nothing could be read, does neither: that is seen from its lines alone, and a feed that has died must be noticed.

A restore closes every register: what reached it after the backup is not known. Until a delivery says that it is whole,
whatever is entered counts, and the questions that need the register are refused.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Select, bindparam, delete, exists, insert, select, text, union

from tre.errors import Reason, Refusal
from tre.optouts.tables import REGIMES, batches, cleared_lists, closed_registers, objections, registers, withdrawn
from tre.persons import PSEUDONYM_BYTES
from tre.state import Transaction
from tre.terms import timestamp

# Sorted within a chunk, so that pages of the table are filled one after another; handed over in slices, for SQLite copies the
# bytes it is given with each statement.
CHUNK, SLICE = 200_000, 5_000
# Above this share of lines that are no NHS number, a list is none: one in a hundred.
UNREADABLE = 0.01
# A clock that was set back by less than this does not stop questions.
SKEW = timedelta(minutes=5)

# One statement for a slice: the pseudonyms come as one run of bytes and are cut apart inside SQLite: four times as fast as row
# by row. The conflict is named: OR IGNORE would also swallow a pseudonym of the wrong length.
_ADD = text(
    """INSERT INTO objections (regime, pseudonym, version)
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT :regime, substr(:run, number * 16 + 1, 16), :version FROM place WHERE true
    ON CONFLICT (regime, pseudonym) DO NOTHING"""
)
_MOVE = text(
    """INSERT INTO registers (regime, version, as_of) VALUES (:regime, :version, :as_of) ON CONFLICT (regime)
    DO UPDATE SET version = excluded.version, as_of = coalesce(excluded.as_of, as_of)"""
)
_NOW = select(registers)  # a handful of rows: which of them count is asked here, so that the statement is always the same
_NEWEST = text(
    """SELECT max(coalesce((SELECT max(version) FROM registers), 0), coalesce((SELECT max(version) FROM cleared_lists), 0))"""
)
_CLOSED = select(closed_registers.c.regime)
_REOPEN = delete(closed_registers).where(closed_registers.c.regime == bindparam("of"))
_IN_FORCE = select(cleared_lists).order_by(cleared_lists.c.id.desc()).limit(1)
# Who is in the register already, but had withdrawn: this objection is a new one.
_AGAIN = text(
    """DELETE FROM withdrawn WHERE regime = :regime AND pseudonym IN (
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT substr(:run, number * 16 + 1, 16) FROM place)"""
)

NATIONAL, BY_LIST = "national", "check-service"
National = Literal["check-service", "objections"]
"""Who is left out under the national regime: whoever is not on the newest list of the check service, and whoever objected here;
or those who objected here alone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one delivery: received = applied + already known + withdrawn + rejected. ``withdrawn``: people who withdrew
    after they had been entered and before the batch was closed."""

    id: str
    regime: str
    received: int
    applied: int
    already_known: int
    rejected: Mapping[str, int]
    source: str
    at: str
    version: int
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines there were, and what became of them, as of `Batch`."""

    received: int
    applied: int
    already_known: int
    rejected: Mapping[str, int]
    withdrawn: int = 0

    def __post_init__(self) -> None:
        if self.received != self.accepted + self.unread:
            raise ValueError("received = applied + already known + withdrawn + rejected")

    @property
    def accepted(self) -> int:
        return self.applied + self.already_known + self.withdrawn

    @property
    def unread(self) -> int:
        return sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """Some registers together: the version at which the last of them moved, when the oldest of them was delivered, and the
    name of the list of cleared people, where one of them is that."""

    version: int
    as_of: str
    cleared: str | None = None

    def age(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.as_of)


def apply(
    tx: Transaction,
    regime: str,
    pseudonyms: Iterable[bytes],
    rejected: Mapping[str, int],
    source: str,
    at: datetime,
    *,
    empty: bool = False,
    whole: bool = False,
) -> Batch:
    """Write down who objected. ``empty``: the controller says in so many words that there is nobody, which makes the register
    younger although nothing was received. ``whole``: the controller says that it is everybody who objected, also where it is
    nobody."""
    if regime not in REGIMES:
        raise Refusal(Reason.INVALID_REQUEST, "There is no such opt-out regime.", f"Regimes are {', '.join(REGIMES)}.")
    accepted, applied = _add(tx, regime, pseudonyms, newest_version(tx) + 1)
    counts = Counts(accepted + sum(rejected.values()), applied, accepted - applied, rejected)
    return close(tx, secrets.token_hex(16), regime, counts, source, at, empty=empty, whole=whole)


def close(
    tx: Transaction,
    id: str,
    regime: str,
    counts: Counts,
    source: str,
    at: datetime,
    *,
    waiting: bool = False,
    empty: bool = False,
    whole: bool = False,
) -> Batch:
    """Write the batch down. The version moves if a line could be read, and where people are ``waiting``: in the register, and not
    counting yet. ``whole`` opens a register that a restore closed, unless more of it than one line in a hundred could not be
    read."""
    moved = counts.accepted > 0 or waiting
    version, nobody = newest_version(tx) + moved, whole and not counts.received
    if whole and counts.unread <= counts.received * UNREADABLE:
        reopen(tx, regime)
    if counts.accepted or empty or nobody:
        own = version if moved else _own_version(tx, regime)
        move(tx, regime, own, timestamp(at))
    elif moved:
        move(tx, regime, version, None)
    made = Batch(
        id,
        regime,
        counts.received,
        counts.applied,
        counts.already_known,
        dict(counts.rejected),
        source,
        timestamp(at),
        version,
        counts.withdrawn,
    )
    tx.execute(insert(batches), _row(made))
    return made


def batch(tx: Transaction, id: str) -> Batch:
    """One delivery's counts; NOT_FOUND when there is none."""
    found = tx.execute(select(batches).where(batches.c.id == id)).one_or_none()
    if found is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such batch.")
    return batch_of(found)


def batch_of(row: Any) -> Batch:
    return Batch(**dict(row._mapping) | {"rejected": json.loads(row.rejected)})


def delivered(tx: Transaction) -> dict[str, str | None]:
    """When each register was last delivered; None for never, and for one that a restore closed."""
    shut = closed(tx)
    found = {row.regime: row.as_of for row in tx.execute(_NOW) if row.regime not in shut}
    return {regime: found.get(regime) for regime in REGIMES}


def closed(tx: Transaction) -> frozenset[str]:
    """The regimes that have not been delivered whole since a restore; `BY_LIST` where no list of the check service came since."""
    return frozenset(tx.execute(_CLOSED).scalars())


def reopen(tx: Transaction, regime: str) -> None:
    """A register has come whole, or a list of the check service."""
    tx.execute(_REOPEN, {"of": regime})


def standing(tx: Transaction, regimes: Iterable[str], national: National) -> Standing:
    """The registers a question needs, as they stand; OPT_OUTS_STALE when one of them was never delivered, or not
    whole since a restore."""
    return _standing(_lists(tx, regimes, national))


def check_age(tx: Transaction, regimes: Iterable[str], now: datetime, max_age_days: int, national: National) -> Standing:
    """The same, and OPT_OUTS_STALE when one of them is older than the policy allows, or from a time that has not come."""
    lists = _lists(tx, regimes, national)
    found, newest = _standing(lists), max(one.as_of for one in lists)
    if found.age(now) > timedelta(days=max_age_days):
        raise _stale(f"A list of opt-outs that this purpose needs is older than the {max_age_days} days that the policy allows.")
    if datetime.fromisoformat(newest) > now + SKEW:
        raise _stale("A list of opt-outs that this purpose needs was delivered at a time that has not come: the clock is wrong.")
    return found


def wanting(
    tx: Transaction, regimes: Iterable[str], now: datetime, max_age_days: int, national: National
) -> dict[str, Literal["closed", "never", "old", "ahead"]]:
    """Each list of these regimes for which `check_age` would refuse, the check service's as `BY_LIST`, and why: it has not come
    whole since a restore, was never delivered, is older than the policy allows, or is from a time that has not come."""
    needed, found = {*_needed(regimes)}, tx.execute(_IN_FORCE).first()
    times = dict.fromkeys(needed) | {row.regime: row.as_of for row in tx.execute(_NOW) if row.regime in needed}
    if NATIONAL in needed and national == BY_LIST:
        del times[NATIONAL]  # nobody needs to have objected here
        times[BY_LIST] = None if found is None else found.at
    shut = closed(tx) & (needed | set(times))
    reasons: dict[str, Literal["closed", "never", "old", "ahead"] | None] = {
        one: "closed" if one in shut else _of_age(times[one], now, max_age_days) for one in sorted(set(times) | shut)
    }
    return {one: why for one, why in reasons.items() if why is not None}


def _of_age(at: str | None, now: datetime, max_age_days: int) -> Literal["never", "old", "ahead"] | None:
    if at is None:
        return "never"
    then = datetime.fromisoformat(at)
    if now - then > timedelta(days=max_age_days):
        return "old"
    return "ahead" if then > now + SKEW else None


def pseudonyms(tx: Transaction, regimes: Iterable[str]) -> Iterator[bytes]:
    """Everyone whose objection under any of the regimes counts: in order, once each. Read it to its end inside the
    transaction."""
    lists = [_objecting(regime) for regime in _needed(regimes)]
    # Each list comes in order from its key, so that SQLite merges them as it goes.
    merged = union(*lists).order_by("pseudonym") if len(lists) > 1 else lists[0].order_by("pseudonym")
    yield from tx.execute(merged).scalars()


def newest_version(tx: Transaction) -> int:
    """At which anything last came; 0 before the first."""
    return int(tx.execute(_NEWEST).scalar_one())


def move(tx: Transaction, regime: str, version: int, as_of: str | None) -> None:
    """A register is at another version; ``as_of``: when it was delivered, None where it was not."""
    tx.execute(_MOVE, {"regime": regime, "version": version, "as_of": as_of})


def runs(pseudonyms: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Slices for one statement each, sorted within a chunk; ValueError for what is no pseudonym."""
    source = iter(pseudonyms)
    while chunk := sorted(islice(source, CHUNK)):
        if any(len(one) != PSEUDONYM_BYTES for one in chunk):
            raise ValueError("a pseudonym has 16 bytes")
        yield from (chunk[start : start + SLICE] for start in range(0, len(chunk), SLICE))


def _add(tx: Transaction, regime: str, pseudonyms: Iterable[bytes], version: int) -> tuple[int, int]:
    """How many there were and how many were new."""
    accepted, applied = 0, 0
    for part in runs(pseudonyms):
        accepted += len(part)
        again = {"regime": regime, "run": b"".join(part), "count": len(part)}
        applied += tx.execute(_ADD, again | {"version": version}).rowcount + tx.execute(_AGAIN, again).rowcount
    return accepted, applied


def _objecting(regime: str) -> Select[Any]:
    gone = exists().where(withdrawn.c.regime == objections.c.regime, withdrawn.c.pseudonym == objections.c.pseudonym)
    return select(objections.c.pseudonym).where(objections.c.regime == regime, ~gone)


def _own_version(tx: Transaction, regime: str) -> int:
    return next((row.version for row in tx.execute(_NOW) if row.regime == regime), 0)


@dataclass(frozen=True, slots=True)
class _List:
    """One list that is needed: at which version it last moved, and when it was delivered."""

    version: int
    as_of: str
    cleared: str | None = None


def _lists(tx: Transaction, regimes: Iterable[str], national: National) -> list[_List]:
    """The lists of the regimes, each of them delivered; or OPT_OUTS_STALE."""
    needed = _needed(regimes)
    _demand_open(tx, {*needed, BY_LIST} if NATIONAL in needed and national == BY_LIST else {*needed})
    rows = {row.regime: row for row in tx.execute(_NOW) if row.regime in needed}
    return [
        _cleared(tx, rows.get(regime)) if regime == NATIONAL and national == BY_LIST else _delivered(rows.get(regime))
        for regime in needed
    ]


def _demand_open(tx: Transaction, needed: set[str]) -> None:
    if needed & closed(tx):
        raise _stale(_CLOSED_SINCE)


def _delivered(row: Any) -> _List:
    if row is None or row.as_of is None:
        raise _stale(_NEVER)
    return _List(row.version, row.as_of)


def _cleared(tx: Transaction, direct: Any) -> _List:
    """The national list: its age is that of the check service's; objections that were entered here only add to it."""
    found = tx.execute(_IN_FORCE).first()
    if found is None:
        raise _stale(_NEVER)
    return _List(max(found.version, direct.version if direct is not None else 0), found.at, found.list)


_NEVER = "A list of opt-outs that this purpose needs has not been delivered."
_CLOSED_SINCE = "After a restore, each list of opt-outs that this purpose needs has to be delivered whole once."


def _standing(lists: list[_List]) -> Standing:
    cleared = next((one.cleared for one in lists if one.cleared is not None), None)
    return Standing(max(one.version for one in lists), min(one.as_of for one in lists), cleared)


def _needed(regimes: Iterable[str]) -> list[str]:
    needed = sorted(set(regimes))
    if not needed or not set(needed) <= set(REGIMES):
        raise ValueError("the regimes in force are some of type-1, national and local")
    return needed


def _stale(detail: str) -> Refusal:
    return Refusal(
        Reason.OPT_OUTS_STALE, detail, "Nothing was charged. Questions are answered again once the controller delivers it."
    )


def _row(made: Batch) -> dict[str, Any]:
    names = ("id", "regime", "received", "applied", "already_known", "source", "at", "version", "withdrawn")
    return {name: getattr(made, name) for name in names} | {"rejected": json.dumps(dict(made.rejected), sort_keys=True)}
