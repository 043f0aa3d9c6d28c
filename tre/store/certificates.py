"""What is kept of erasure and of backups: certificates as they were signed, and which backups were ever made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from tre.state import Transaction
from tre.store.tables import backups as backups_table
from tre.store.tables import certificates as certificates_table
from tre.terms import timestamp


@dataclass(frozen=True, slots=True)
class Certificate:
    """``statement``: the canonical JSON that is signed. ``entry``: the index of its entry in the log."""

    id: str
    dataset: str
    statement: str
    signature: str
    vkey: str
    entry: int


@dataclass(frozen=True, slots=True)
class Backup:
    """``snapshots``: dataset → the snapshot in it. ``digest``: of its list of files; None while it is not whole."""

    id: str
    at: str
    snapshots: Mapping[str, str]
    digest: str | None


def keep_certificate(tx: Transaction, made: Certificate) -> None:
    tx.execute(insert(certificates_table), {name: getattr(made, name) for name in Certificate.__slots__})


def certificates(tx: Transaction, dataset: str | None = None) -> list[Certificate]:
    """All of them, or a dataset's, oldest first."""
    wanted = select(certificates_table).order_by(certificates_table.c.number)
    if dataset is not None:
        wanted = wanted.where(certificates_table.c.dataset == dataset)
    return [Certificate(*(getattr(row, name) for name in Certificate.__slots__)) for row in tx.execute(wanted)]


def note_backup(tx: Transaction, id: str, snapshots: Mapping[str, str], at: datetime) -> None:
    """Before it is made: a backup that was cut short may hold somebody too."""
    row = {"id": id, "at": timestamp(at), "snapshots": json.dumps(dict(snapshots), sort_keys=True)}
    tx.execute(insert(backups_table), row)


def note_whole(tx: Transaction, id: str, digest: str) -> None:
    tx.execute(update(backups_table).where(backups_table.c.id == id).values(digest=digest))


def backups(tx: Transaction) -> list[Backup]:
    """Every backup that was ever begun, oldest first."""
    rows = tx.execute(select(backups_table).order_by(backups_table.c.number))
    return [Backup(row.id, row.at, json.loads(row.snapshots), row.digest) for row in rows]
