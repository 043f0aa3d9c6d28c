"""Who is erased: whoever objected under a regime that means deletion, and whoever was erased before and is not to come back.

An objection that is withdrawn brings nobody back from a backup: what was erased counts again only where it is supplied anew. So
it is kept from which version on somebody was in no snapshot that was made, until one is made while no objection of theirs stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, text, update

from tre.optouts.registers import BY_LIST, newest_version, runs
from tre.optouts.tables import REGIMES, closed_registers, erased, registers
from tre.state import Transaction
from tre.terms import timestamp

# A type-1 objection keeps a record from leaving the practice; a local one is an objection (Article 21) or a request of erasure
# (Article 17). Both mean that it is not to be here. A national one is applied at use, by purpose.
DELETING = ("type-1", "local")
PART = 100_000  # people that are written down at a time: other writes wait for a tenth of a second

_STANDING = select(erased.c.pseudonym).where(erased.c.standing == 1).order_by(erased.c.pseudonym)
# Each part comes in order from its key, and SQLite merges them as it goes.
_OBJECTING = " UNION ".join(
    f"""SELECT pseudonym FROM objections o WHERE regime = '{regime}' AND NOT EXISTS (
    SELECT 1 FROM withdrawn w WHERE w.regime = o.regime AND w.pseudonym = o.pseudonym)"""
    for regime in DELETING
)
_BEGUN = text(f"{_OBJECTING} EXCEPT SELECT pseudonym FROM erased WHERE standing = 1 ORDER BY pseudonym")
_ENDED = text(f"SELECT pseudonym FROM erased WHERE standing = 1 EXCEPT SELECT pseudonym FROM ({_OBJECTING}) ORDER BY pseudonym")
_BEGIN = text(  # as objections are entered
    """INSERT INTO erased (pseudonym, version, standing)
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT substr(:run, number * 16 + 1, 16), :version, 1 FROM place WHERE true
    ON CONFLICT (pseudonym) DO UPDATE SET version = excluded.version, standing = 1"""
)
# Not of who objected anew since it was found that nobody did.
_END = text(
    """UPDATE erased SET standing = 0 WHERE pseudonym = :of AND NOT EXISTS (
    SELECT 1 FROM objections o WHERE o.pseudonym = erased.pseudonym AND o.regime IN ('type-1', 'local') AND NOT EXISTS (
    SELECT 1 FROM withdrawn w WHERE w.regime = o.regime AND w.pseudonym = o.pseudonym))"""
)


@dataclass(frozen=True, slots=True)
class Moved:
    """At a version of the registers: whose records are not to be here any more, and whose may be again if they are supplied."""

    version: int
    begun: list[bytes]
    ended: list[bytes]

    def parts(self) -> Iterator[Moved]:
        """To be written one after the other: whoever is written down and in no snapshot yet is left out of the next."""
        for start in range(0, max(len(self.begun), len(self.ended)), PART):
            yield Moved(self.version, self.begun[start : start + PART], self.ended[start : start + PART])


def moved(tx: Transaction) -> Moved:
    """What `keep_erased` has to write, found in a read transaction: it holds up no write, and is little where little changed."""
    people = [list(tx.execute(found).scalars()) for found in (_BEGUN, _ENDED)]
    return Moved(newest_version(tx), *people)


def keep_erased(tx: Transaction, found: Moved) -> None:
    """Write it down before a snapshot is made: `erased_since` gives whom an older one may still hold. That is whatever was made
    at the newest version or before, which may have been made before some of them had objected: a list that is entered in pieces
    moves the version at its end."""
    version = newest_version(tx) + 1
    for begun in runs(found.begun):
        tx.execute(_BEGIN, {"run": b"".join(begun), "count": len(begun), "version": version})
    for ended in runs(found.ended):
        tx.execute(_END, [{"of": one} for one in ended])


def to_leave_out(tx: Transaction) -> Iterator[bytes]:
    """Who is written down as left out of every snapshot from here on. Read it to its end inside the transaction."""
    yield from tx.execute(_STANDING).scalars()


def erased_since(tx: Transaction, version: int) -> Iterator[bytes]:
    """Who was erased after a snapshot was made without those of ``version``, whether the objection still stands or not."""
    yield from tx.execute(select(erased.c.pseudonym).where(erased.c.version > version)).scalars()


def forget_deliveries(tx: Transaction, at: datetime) -> None:
    """Every register, and the check service's list, counts as never delivered, and is closed until it has come whole: what
    reached it since this database was copied is not known, and one line more tells nothing of that."""
    tx.execute(update(registers).values(as_of=None))
    tx.execute(delete(closed_registers))
    tx.execute(insert(closed_registers), [{"regime": one, "at": timestamp(at)} for one in (*REGIMES, BY_LIST)])
