"""Who is erased: whoever objected under a regime that means deletion, and whoever was erased before and is not to come back.

An objection that is withdrawn brings nobody back from a backup: what was erased counts again only where it is supplied anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select, text, update

from tre.optouts.registers import pseudonyms
from tre.optouts.tables import erased, registers
from tre.state import Transaction

# A type-1 objection keeps a record from leaving the practice; a local one is an objection (Article 21) or a request of erasure
# (Article 17). Both mean that it is not to be here. A national one is applied at use, by purpose.
DELETING = ("type-1", "local")

_ADD = text(
    """INSERT INTO erased (pseudonym, version)
    SELECT pseudonym, max(version) FROM objections WHERE regime IN ('type-1', 'local') AND version > :since GROUP BY pseudonym
    ON CONFLICT (pseudonym) DO UPDATE SET version = excluded.version WHERE excluded.version > erased.version"""
)


def to_erase(tx: Transaction) -> Iterator[bytes]:
    """Everyone whose records are not to be here: in order, once each. Read it to its end inside the transaction."""
    yield from pseudonyms(tx, DELETING)


def keep_erased(tx: Transaction) -> int:
    """Write down, before a snapshot is made without them, who is to be in none from here on: `erased_since` gives them. The
    version of the registers: whoever objected after it may still be in that snapshot."""
    since = int(tx.execute(select(func.coalesce(func.max(erased.c.version), 0))).scalar_one())
    now = int(tx.execute(select(func.coalesce(func.max(registers.c.version), 0))).scalar_one())
    if now > since:
        tx.execute(_ADD, {"since": since})
    return now


def erased_since(tx: Transaction, version: int) -> Iterator[bytes]:
    """Who was erased after a snapshot was made without those of ``version``, whether the objection still stands or not."""
    yield from tx.execute(select(erased.c.pseudonym).where(erased.c.version > version)).scalars()


def forget_deliveries(tx: Transaction) -> None:
    """Every register counts as never delivered: what reached them since this database was copied is not known."""
    tx.execute(update(registers).values(as_of=None))
