"""Which snapshot of a dataset is live: a row of the database, changed in the transaction that writes the entry about it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from tre.state import Transaction
from tre.store.tables import snapshots
from tre.terms import Snapshot, timestamp

_SUPERSEDED = (
    select(snapshots)
    .where(snapshots.c.live == 0, snapshots.c.unlinked_at.is_(None))
    .order_by(snapshots.c.live_from, snapshots.c.id)
)
_LIVE = select(snapshots).where(snapshots.c.dataset == bindparam("of"), snapshots.c.live == 1, snapshots.c.stopped_at.is_(None))
_STOPPED = select(snapshots.c.stopped_at).where(snapshots.c.id == bindparam("of"))
_FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")


def make_live(tx: Transaction, snapshot: Snapshot, at: datetime, without: int | None = None) -> None:
    """From now on questions are answered from this snapshot, and a dataset that was stopped answers again. ``without``: the
    version of the registers whose deleted people are not in it."""
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
            without_version=without,
        )
    )


def live(tx: Transaction, dataset: str) -> Snapshot | None:
    """The live snapshot; None where there is none, or where an alarm stopped the dataset."""
    found = tx.execute(_LIVE, {"of": dataset}).first()
    if found is None:
        return None
    return _snapshot(tx, found)


def superseded(tx: Transaction) -> list[Snapshot]:
    """What was live once and has not been unlinked yet, oldest first."""
    return [_snapshot(tx, found) for found in tx.execute(_SUPERSEDED)]


def known(tx: Transaction) -> set[str]:
    """All snapshots that have not been unlinked; each stands in a folder of its id."""
    return set(tx.execute(select(snapshots.c.id).where(snapshots.c.unlinked_at.is_(None))).scalars())


def note_unlinked(tx: Transaction, snapshot: str, at: datetime) -> bool:
    """Write down that its files are gone; False when that was written before."""
    wanted = snapshots.c.id == snapshot, snapshots.c.live == 0, snapshots.c.unlinked_at.is_(None)
    return tx.execute(update(snapshots).where(*wanted).values(unlinked_at=timestamp(at))).rowcount == 1


def uncertified(tx: Transaction) -> dict[str, list[str]]:
    """Of each dataset, the snapshots whose files are gone and that no certificate names yet, in the order in which they were
    live."""
    wanted = select(snapshots.c.dataset, snapshots.c.id).where(
        snapshots.c.unlinked_at.is_not(None), snapshots.c.certified_by.is_(None)
    )
    found: dict[str, list[str]] = {}
    for row in tx.execute(wanted.order_by(snapshots.c.dataset, snapshots.c.live_from, snapshots.c.id)):
        found.setdefault(row.dataset, []).append(row.id)
    return found


def note_certified(tx: Transaction, ids: list[str], certificate: str) -> None:
    """Write down by which certificate."""
    tx.execute(update(snapshots).where(snapshots.c.id.in_(ids)).values(certified_by=certificate))


def unlinked(tx: Transaction, dataset: str) -> list[str]:
    """Of a dataset, the snapshots whose files are gone, in the order in which they were live."""
    wanted = select(snapshots.c.id).where(snapshots.c.dataset == dataset, snapshots.c.unlinked_at.is_not(None))
    return [str(id) for id in tx.execute(wanted.order_by(snapshots.c.live_from, snapshots.c.id)).scalars()]


def without(tx: Transaction, snapshot: str) -> int | None:
    """The version of the registers whose deleted people are not in a snapshot; None where that is not known."""
    found = tx.execute(select(snapshots.c.without_version).where(snapshots.c.id == snapshot)).scalar()
    return None if found is None else int(found)


def stand_down(tx: Transaction) -> None:
    """No dataset is live: the records beside this database are not known to be those that it names."""
    tx.execute(update(snapshots).where(snapshots.c.live == 1).values(live=0))


def _snapshot(tx: Transaction, found: Any) -> Snapshot:
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
