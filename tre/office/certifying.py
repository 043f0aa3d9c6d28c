"""Erasure certificates: what one says, who signs it, and how anyone checks it without us.

One is for everybody at once: no file of this store, since the snapshot it names, holds the records of anyone whose objection
means deletion and stood in the registers at the version it names. It has no count, and would be the same whoever had a record.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tre import optouts, store
from tre.audit import checkpoint
from tre.audit.notes import holds
from tre.errors import Unfit
from tre.keys import Keys
from tre.office.publishing import ORIGIN
from tre.state import Transaction
from tre.terms import Snapshot, canonical, digest, timestamp

SAYS = (
    "No file of this store, since this snapshot, holds a record of anyone whose objection under these regimes stood in the "
    "registers at this version. Backups that predate it hold what they held; restoring one applies the erasure before anything "
    "is answered."
)
SIGNED = ("signature", "vkey", "index")


@dataclass(frozen=True, slots=True)
class Stated:
    """A certificate that is not signed yet."""

    id: str
    dataset: str
    statement: bytes

    @property
    def digest(self) -> str:
        return digest(self.statement)


def state(tx: Transaction, live: Snapshot, unlinked: list[str], version: int, at: datetime) -> Stated:
    """What is certified now. ``manifest``: the digest of the live snapshot's files, salted."""
    id = secrets.token_hex(16)
    statement = {
        "certificate": id,
        "dataset": live.dataset,
        "snapshot": live.id,
        "manifest": live.manifest,
        "unlinked": unlinked,
        "regimes": sorted(optouts.DELETING),
        "registers": version,
        "backups": [one for one in backups(tx) if live.dataset in one["datasets"]],
        "at": timestamp(at),
        "says": SAYS,
    }
    return Stated(id, live.dataset, canonical(statement))


def keep(tx: Transaction, made: Stated, keys: Keys, index: int) -> None:
    """Sign it, and keep it beside the index of its entry."""
    signature = base64.b64encode(keys.sign(_signed(made.statement))).decode()
    vkey = checkpoint.vkey(ORIGIN, keys.verify_key)
    store.keep_certificate(tx, store.Certificate(made.id, made.dataset, made.statement.decode(), signature, vkey, index))


def told(certificate: store.Certificate) -> dict[str, Any]:
    """As everyone reads it: the statement's fields, the signature over their canonical JSON, the key, and the entry's index."""
    statement: dict[str, Any] = json.loads(certificate.statement)
    return statement | {"signature": certificate.signature, "vkey": certificate.vkey, "index": certificate.entry}


def backups(tx: Transaction) -> list[dict[str, Any]]:
    """Every backup known, oldest first; ``predates``: the datasets of which it holds a snapshot that is live no more."""
    made = store.backups(tx)
    live = {name: store.live(tx, name) for one in made for name in one.snapshots}
    return [
        {
            "backup": one.id,
            "at": one.at,
            "datasets": sorted(one.snapshots),
            "predates": sorted(name for name, id in one.snapshots.items() if (now := live[name]) is None or now.id != id),
        }
        for one in made
    ]


def check(file: Path, keys: list[str]) -> dict[str, Any]:
    """What a certificate's file says, if its signature holds: by one of the verifier keys given, else by the one it names.
    `Unfit` when it does not."""
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        statement = {name: value for name, value in found.items() if name not in SIGNED}
        trusted = keys or [str(found["vkey"])]
        raw = base64.b64decode(found["signature"], validate=True)
        if any(holds(vkey, _signed(canonical(statement)), raw) for vkey in trusted):
            return statement | {"index": found["index"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unfit(f"{file} is not an erasure certificate") from None
    raise Unfit(f"{file} was changed, or another key signed it")


def _signed(statement: bytes) -> bytes:
    """No checkpoint, nor anything else that the log's key signs, can be read out of it."""
    return f"{ORIGIN}\nerasure certificate\n".encode() + statement + b"\n"
