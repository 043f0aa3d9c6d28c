"""Which snapshot of a dataset is live: a row of the database, changed in the transaction that writes the entry about it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import bindparam, insert, select, text, update

from tre.state import Transaction
from tre.store.tables import snapshots
from tre.terms import Snapshot, timestamp

_LIVE = select(snapshots).where(snapshots.c.dataset == bindparam("of"), snapshots.c.live == 1, snapshots.c.stopped_at.is_(None))
_STOPPED = select(snapshots.c.stopped_at).where(snapshots.c.id == bindparam("of"))
_FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")


def make_live(tx: Transaction, snapshot: Snapshot, at: datetime) -> None:
    """From now on questions are answered from this snapshot, and a dataset that was stopped answers again."""
    tx.execute(update(snapshots).where(snapshots.c.dataset == snapshot.dataset, snapshots.c.live == 1).values(live=0))
    tx.execute(
        insert(snapshots).values(
            id=snapshot.id,
            dataset=snapshot.dataset,
            folder=_below(_home(tx), Path(snapshot.folder)),
            schema=snapshot.schema,
            manifest=snapshot.manifest,
            live_from=timestamp(at),
            live=1,
        )
    )


def live(tx: Transaction, dataset: str) -> Snapshot | None:
    """The live snapshot; None where there is none, or where an alarm stopped the dataset."""
    found = tx.execute(_LIVE, {"of": dataset}).first()
    if found is None:
        return None
    return Snapshot(found.id, found.dataset, str(_home(tx) / found.folder), found.schema, found.manifest)


def present(snapshot: Snapshot) -> bool:
    """Whether its files are where they should be: their names, not their bytes."""
    return all((Path(snapshot.folder) / name).is_file() for name in ("manifest.json", "persons.duckdb"))


def stopped(tx: Transaction, snapshot: str) -> bool:
    """Whether an alarm stopped the dataset while this snapshot was live."""
    found = tx.execute(_STOPPED, {"of": snapshot}).first()
    return found is None or found.stopped_at is not None


def stop(tx: Transaction, dataset: str, at: datetime) -> None:
    """An alarm: the dataset answers no more until a human makes a snapshot live."""
    tx.execute(
        update(snapshots)
        .where(snapshots.c.dataset == dataset, snapshots.c.live == 1, snapshots.c.stopped_at.is_(None))
        .values(stopped_at=timestamp(at))
    )


def _home(tx: Transaction) -> Path:
    """The folder of the database."""
    return _folder_of(tx.execute(_FILE).scalar_one())


@lru_cache(maxsize=16)
def _folder_of(file: str) -> Path:
    return Path(file).parent


def _below(home: Path, folder: Path) -> str:
    """A folder of this home by its place in it; another one in full."""
    return str(folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)
