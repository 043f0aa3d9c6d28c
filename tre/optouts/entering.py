"""A delivery enters its register in pieces, so that no question waits for a list of millions.

Whoever was entered stays entered, whatever happens then. The register's version moves once, in the transaction that writes the
batch and its receipts down: nothing is acknowledged before it, and every question computed after it leaves all of them out. A
batch that was begun and came to no end is kept as unfinished; the next batch of its register, or the next start, makes whom it
had entered count (`settle`). Delivered again, they are known.

Whoever withdraws while a batch that names them is being entered, after their piece was, does not count: the withdrawal is the
later word, and the batch says `withdrawn` of their lines. Before their piece was, the objection is the later one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from tre.optouts import registers
from tre.optouts.deliveries import APPLIED, KNOWN, WITHDRAWN, Delivery
from tre.optouts.registers import Batch, Counts
from tre.optouts.tables import batches, unfinished_batches, withdrawn
from tre.persons import PSEUDONYM_BYTES
from tre.state import Transaction
from tre.terms import timestamp

# People in one transaction: it holds the writer for some hundredths of a second.
PIECE = 5_000

# As in `registers`, the pseudonyms come as one run of bytes and are cut apart inside SQLite; it gives back those that were new.
_ENTER = text(
    """INSERT INTO objections (regime, pseudonym, version)
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT :regime, substr(:run, number * 16 + 1, 16), :version FROM place WHERE true
    ON CONFLICT (regime, pseudonym) DO NOTHING RETURNING pseudonym"""
)
# Who is in the register already, but had withdrawn: this objection is a new one.
_AGAIN = text(
    """DELETE FROM withdrawn WHERE regime = :regime AND pseudonym IN (
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT substr(:run, number * 16 + 1, 16) FROM place) RETURNING pseudonym"""
)
_BEGIN = insert(unfinished_batches)
_ENDED = delete(unfinished_batches).where(unfinished_batches.c.batch == bindparam("of"))
_NOT_COUNTING = update(unfinished_batches).where(unfinished_batches.c.batch == bindparam("of")).values(counting=0)
_COUNTING = update(unfinished_batches).where(unfinished_batches.c.regime == bindparam("of")).values(counting=1)
_WAITING = select(unfinished_batches.c.regime).where(unfinished_batches.c.counting == 0).distinct()
_BEGUN_AT = select(unfinished_batches.c.version).where(unfinished_batches.c.batch == bindparam("of"))
_WITHDRAWN_SINCE = select(withdrawn.c.pseudonym).where(
    withdrawn.c.regime == bindparam("of"), withdrawn.c.version > bindparam("at")
)
_UNFINISHED = select(unfinished_batches).order_by(unfinished_batches.c.at.desc(), unfinished_batches.c.batch)
_BATCHES = select(batches).order_by(batches.c.at.desc(), batches.c.id)


def begin(tx: Transaction, batch: str, regime: str, source: str, at: datetime) -> None:
    """From here on the batch is unfinished, until `finish`."""
    row = {"batch": batch, "regime": regime, "source": source, "at": timestamp(at), "counting": 0}
    tx.execute(_BEGIN, row | {"version": registers.newest_version(tx)})


def enter(tx: Transaction, batch: str, regime: str, piece: list[bytes]) -> set[bytes]:
    """Enter the people of some records of a delivery; which pseudonyms were new. They count once the version has moved."""
    tx.execute(_NOT_COUNTING, {"of": batch})
    run = b"".join([record[:PSEUDONYM_BYTES] for record in piece])
    given = {"regime": regime, "run": run, "count": len(piece), "version": registers.newest_version(tx) + 1}
    if not piece:
        return set()
    return {*tx.execute(_ENTER, given).scalars(), *tx.execute(_AGAIN, given).scalars()}


def finish(
    tx: Transaction, batch: str, regime: str, delivery: Delivery, source: str, at: datetime, *, whole: bool = False
) -> Batch:
    """The end, once its lines are marked: everybody in it counts from here on, but for those who withdrew meanwhile: their lines
    are marked so. ``whole``: as of `registers.close`."""
    delivery.mark_withdrawn(_withdrawn_since(tx, batch, regime))
    states = delivery.states
    counts = Counts(delivery.received, states.count(APPLIED), states.count(KNOWN), delivery.rejected, states.count(WITHDRAWN))
    tx.execute(_ENDED, {"of": batch})
    waiting = regime in tx.execute(_WAITING).scalars().all()
    made = registers.close(tx, batch, regime, counts, source, at, waiting=waiting, whole=whole)
    tx.execute(_COUNTING, {"of": regime})
    return made


def _withdrawn_since(tx: Transaction, batch: str, regime: str) -> set[bytes]:
    """Who withdrew since the batch was begun, and has not objected again. Of a batch that is one transaction, nobody."""
    begun = tx.execute(_BEGUN_AT, {"of": batch}).scalar()
    return set() if begun is None else {*tx.execute(_WITHDRAWN_SINCE, {"of": regime, "at": begun}).scalars()}


def settle(tx: Transaction) -> None:
    """Whoever an unfinished batch has entered counts from here on."""
    for regime in tx.execute(_WAITING).scalars().all():
        registers.move(tx, regime, registers.newest_version(tx) + 1, None)
        tx.execute(_COUNTING, {"of": regime})


def unfinished(tx: Transaction) -> list[dict[str, Any]]:
    """The batches that were begun and came to no end, newest first."""
    return [dict(row._mapping) for row in tx.execute(_UNFINISHED)]


def finished(tx: Transaction, limit: int) -> list[Batch]:
    """The newest batches."""
    return [registers.batch_of(row) for row in tx.execute(_BATCHES.limit(limit))]
