"""The log in public: published at every period whatever failed before; its files have names, and nothing else has."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.audit.logs import Log, entry, tampering
from tests.databases import new_database
from tre import audit
from tre.audit import tiles
from tre.errors import Reason, Refusal, Unfit
from tre.keys import Keys
from tre.office import publishing
from tre.office.publishing import Publication
from tre.state import State

PERIOD = 0.02


class Published:
    """A log, and the publication of it."""

    def __init__(self, home: Path) -> None:
        self.path, self.folder = home / "database.sqlite", home / "log"
        self.state, self.keys = State.open(new_database(home)), Keys.open(home / "keys")
        self.publication = Publication(self.state, self.keys, self.folder, lambda: datetime.now(UTC))

    def add(self, count: int) -> None:
        def append(tx):  # type: ignore[no-untyped-def]
            for _ in range(count):
                audit.append(tx, entry(audit.size(tx)))

        self.state.write(append)

    @property
    def size(self) -> int:
        return int(self.publication.checkpoint().split(b"\n")[1])

    def verify(self) -> audit.Verdict:
        return audit.verify_folder(self.folder, [self.publication.vkey])


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    (tmp_path / "home").mkdir()
    one = Published(tmp_path / "home")
    with one.state:
        yield one


def until(true, seconds: float = 20) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(PERIOD / 4)


def test_every_period_publishes_what_has_come_since(published: Published) -> None:
    published.add(3)
    with published.publication.running(PERIOD):
        assert published.size == 3
        for size in (255, 256, 300):
            published.add(size - published.size)
            until(lambda size=size: published.size == size)
            verdict = published.verify()
            assert (verdict.ok, verdict.size) == (True, size), verdict
    assert published.publication.standing()["failing"] is False


def test_periods_are_counted_from_the_start_and_not_from_the_last_publication(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each publication takes 0.6 of a period here; counted from its end they would come every 1.6."""
    period, began = 0.2, []

    def slow(_self: Publication) -> None:
        began.append(time.monotonic())
        time.sleep(0.6 * period)

    monkeypatch.setattr(Publication, "publish", slow)
    with published.publication.running(period):
        until(lambda: len(began) >= 10)
    start = began[0] + 0.6 * period
    late = [(at - start) % period / period for at in began[1:10]]
    # Counted from their ends, they would wander through the whole period. A busy machine may be late now and then.
    assert sum(part < 0.3 for part in late) >= 7, late


def test_a_full_disk_stops_nothing_and_the_next_period_tries_again(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    published.add(5)
    put, full = tiles._Files.put, True

    def failing(files: tiles._Files, name: str, content: bytes) -> None:
        if full and name.startswith("tile/entries"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(files, name, content)

    monkeypatch.setattr(tiles._Files, "put", failing)
    with published.publication.running(PERIOD):
        assert published.publication.standing() == {"published_at": None, "failing": True}
        with pytest.raises(Refusal) as refused:
            published.publication.checkpoint()
        assert refused.value.reason is Reason.NOT_READY
        published.add(300)
        full = False
        until(lambda: not published.publication.standing()["failing"])
        assert (published.verify().ok, published.size) == (True, 305)
        full = True
        published.add(1)
        until(lambda: published.publication.standing()["failing"])
        # The last whole publication stays, and holds.
        assert (published.verify().ok, published.size) == (True, 305)
        full = False
        until(lambda: published.size == 306)


def test_whatever_fails_the_next_period_is_another_try(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([OSError(errno.EIO, "x"), RuntimeError("x"), MemoryError(), Unfit("x"), ValueError("x")])
    compare = tiles.compare

    def failing(*given) -> None:  # type: ignore[no-untyped-def]
        if error := next(failures, None):
            raise error
        compare(*given)

    published.add(1)
    with published.publication.running(PERIOD):
        monkeypatch.setattr(publishing.tiles, "compare", failing)
        published.add(1)
        until(lambda: published.size == 2)
    assert next(failures, None) is None


def test_an_older_database_is_never_signed_over_what_was_published(published: Published) -> None:
    published.add(20)
    published.publication.publish()
    # What a backup from before the last ten entries would hold.
    with tampering(published.path) as file:
        file.execute('DELETE FROM entries WHERE "index" >= 10')
        file.execute("DELETE FROM subtrees WHERE (position + 1) << level > 10")
        file.execute("DELETE FROM checkpoints")
    with pytest.raises(Unfit, match="older database"), published.publication.running(PERIOD):
        pass
    # Grown past what was published, on another branch.
    published.state.write(lambda tx: [audit.append(tx, audit.Entry("asked", datetime.now(UTC))) for _ in range(30)])
    with pytest.raises(Unfit):
        published.publication.publish()
    with closing(sqlite3.connect(published.path)) as file:
        assert file.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,)
    assert (published.verify().ok, published.size) == (True, 20)


def test_a_full_tile_is_written_once(published: Published) -> None:
    published.add(520)
    published.publication.publish()
    full = [path for path in (published.folder / "tile").rglob("*") if path.is_file() and path.parent.suffix != ".p"]
    before = {path: path.stat() for path in full}
    assert len(before) == 4
    for _ in range(3):
        published.add(100)
        published.publication.publish()
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in full} == {
        path: (stat.st_ino, stat.st_mtime_ns) for path, stat in before.items()
    }


NAMES = ["0/000", "0/000.p/1", "0/000.p/255", "63/000", "entries/000", "entries/x001/x234/067.p/9", "1/x001/000", "10/999"]
NOT_NAMES = [
    "", "/", "0", "0/", "0/0", "0/00", "0/0000", "0/000/", "/0/000", "00/000", "01/000", "64/000", "-1/000", "0/x000/001",
    "0/001/002", "0/x001", "0/x001/x002", "0/000.p", "0/000.p/", "0/000.p/0", "0/000.p/01", "0/000.p/256", "0/000.p/1000",
    "0/000.p/1/", "0/000\n", "0/000.p/1\n", "0/../0/000", "../checkpoint", "../../keys/signing.key", "0/..",
    "entries/../../vkey", "Entries/000", "data/000", "0/٠٠٠", "٠/000", "0/000\x00", "0/" + "x001/" * 40 + "000", "0//000",
    "0\\000", "x/000", "0/000.P/1", "0/ 00", "0/+00",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_tiles_name_is_found(name: str, tmp_path: Path) -> None:
    assert tiles.file_of(tmp_path, name) == tmp_path / "tile" / name


@pytest.mark.parametrize("name", NOT_NAMES)
def test_nothing_else_is_a_tiles_name(name: str, tmp_path: Path) -> None:
    assert tiles.file_of(tmp_path, name) is None


def test_every_file_that_is_published_has_a_name_that_is_found(log: Log, tmp_path: Path) -> None:
    log.fill(257)
    log.sign()
    log.export(tmp_path)
    names = [str(path.relative_to(tmp_path / "tile")) for path in (tmp_path / "tile").rglob("*") if path.is_file()]
    assert len(names) == 5
    for name in names:
        assert tiles.file_of(tmp_path, name) == tmp_path / "tile" / name
    for number in (0, 7, 999, 1_000, 123_456, 1_234_567_890):
        name = tiles._tile_name("0", number).removeprefix("tile/")
        assert tiles.file_of(tmp_path, name) == tmp_path / "tile" / name
