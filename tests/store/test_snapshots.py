"""Which snapshot is live: one of a dataset, in the transaction that says so, stopped by an alarm, found again in a moved home."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from tre.errors import Error
from tre.state import State
from tre.store import live, make_live, stop
from tre.store.tables import snapshots
from tre.terms import Snapshot

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def state(home: Path) -> Iterator[State]:
    opened = State.open(f"sqlite:///{home / 'database.sqlite'}")
    yield opened
    opened.close()


def snapshot(home: Path, id: str, dataset: str = "gp") -> Snapshot:
    return Snapshot(id, dataset, str(home / "store" / dataset / id), "sha256:schema", "sha256:" + id)


def now_live(state: State, dataset: str = "gp") -> Snapshot | None:
    with state.read() as tx:
        return live(tx, dataset)


def test_none_is_live_until_one_is_made_so(state: State, home: Path) -> None:
    assert now_live(state) is None
    for id in ("a", "b"):
        state.write(lambda tx, id=id: make_live(tx, snapshot(home, id), AT))
        assert now_live(state) == snapshot(home, id)
    state.write(lambda tx: make_live(tx, snapshot(home, "c", "other"), AT))
    assert (now_live(state), now_live(state, "other")) == (snapshot(home, "b"), snapshot(home, "c", "other"))


def test_it_is_live_with_its_transaction_or_not_at_all(state: State, home: Path) -> None:
    def fails(tx: object) -> None:
        make_live(tx, snapshot(home, "a"), AT)  # type: ignore[arg-type]
        raise Error("the entry could not be written")

    with pytest.raises(Error):
        state.write(fails)
    assert now_live(state) is None


def test_a_stopped_dataset_answers_again_only_from_another_snapshot(state: State, home: Path) -> None:
    state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
    state.write(lambda tx: stop(tx, "gp", AT))
    assert now_live(state) is None
    state.write(lambda tx: stop(tx, "gp", AT))
    state.write(lambda tx: make_live(tx, snapshot(home, "b"), AT))
    assert now_live(state) == snapshot(home, "b")
    with state.read() as tx:
        rows = tx.execute(select(snapshots.c.id, snapshots.c.live, snapshots.c.stopped_at).order_by(snapshots.c.id)).all()
    assert [tuple(row) for row in rows] == [("a", 0, "2026-11-22T00:00:00.000000Z"), ("b", 1, None)]


def test_a_moved_home_finds_its_records(state: State, home: Path, tmp_path: Path) -> None:
    state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
    state.write(lambda tx: make_live(tx, snapshot(Path("/elsewhere"), "b", "other"), AT))
    state.close()
    shutil.move(home, tmp_path / "moved")
    moved = State.open(f"sqlite:///{tmp_path / 'moved' / 'database.sqlite'}")
    try:
        assert now_live(moved) == snapshot(tmp_path / "moved", "a")
        assert now_live(moved, "other") == snapshot(Path("/elsewhere"), "b", "other")
    finally:
        moved.close()


@pytest.mark.parametrize(
    "change",
    [
        delete(snapshots),
        update(snapshots).values(manifest="sha256:other"),
        update(snapshots).values(folder="elsewhere"),
        update(snapshots).values(id="b"),
    ],
    ids=["delete", "manifest", "folder", "id"],
)
def test_a_row_stays_what_it_was(state: State, home: Path, change: object) -> None:
    state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
    with pytest.raises(IntegrityError):
        state.write(lambda tx: tx.execute(change))  # type: ignore[arg-type]
    assert now_live(state) == snapshot(home, "a")


def test_a_second_live_row_is_refused(state: State, home: Path) -> None:
    state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
    state.write(lambda tx: make_live(tx, snapshot(home, "b"), AT))
    with pytest.raises(IntegrityError):
        state.write(lambda tx: tx.execute(update(snapshots).values(live=1)))


def test_a_snapshot_is_made_live_once(state: State, home: Path) -> None:
    state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
    with pytest.raises(IntegrityError):
        state.write(lambda tx: make_live(tx, snapshot(home, "a"), AT))
