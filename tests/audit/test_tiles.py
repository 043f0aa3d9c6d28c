"""The published folder: its files are those of the specification, it survives a stop at any moment, it is never taken back."""

from __future__ import annotations

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from tests.audit import rfc6962
from tests.audit.logs import ORIGIN, START, Log, entry, tampering
from tre import audit
from tre.audit import tiles
from tre.errors import Unfit


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_the_files_are_those_of_the_specification(log: Log, tmp_path: Path) -> None:
    log.fill(513)
    note = log.sign()
    assert log.export(tmp_path / "out") == 513
    leaves = [entry(number).leaf for number in range(513)]
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    expected = {
        "checkpoint": note.encode(),
        "vkey": log.vkey.encode() + b"\n",
        "tile/0/000": b"".join(hashes[:256]),
        "tile/0/001": b"".join(hashes[256:512]),
        "tile/0/002.p/1": hashes[512],
        "tile/1/000.p/2": rfc6962.mth(leaves[:256]) + rfc6962.mth(leaves[256:512]),
        "tile/entries/000": b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves[:256]),
        "tile/entries/001": b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves[256:512]),
        "tile/entries/002.p/1": len(leaves[512]).to_bytes(2, "big") + leaves[512],
    }
    assert names(tmp_path / "out") == set(expected)
    for name, content in expected.items():
        assert (tmp_path / "out" / name).read_bytes() == content, name


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067"), (70_000_000, "x070/x000/000")],
)
def test_a_tiles_number_is_spelt_in_threes(number: int, name: str) -> None:
    assert tiles._tile_name("0", number) == f"tile/0/{name}"


def test_seventy_thousand_entries_have_the_tiles_of_the_specifications_example() -> None:
    """273 full and one of 112 at level 0, one full and one of 17 at level 1, one of 1 at level 2."""
    found: dict[str, list[int]] = {}

    class Everything:
        def execute(self, _statement: object, asked: dict[str, int]) -> Everything:
            self.count = asked["last"] - asked["first"]
            return self

        def scalars(self) -> Everything:
            return self

        def all(self) -> list[bytes]:
            return [b"x"] * self.count

    for level, _, width, _ in tiles._tiles(Everything(), 0, 70_000):  # type: ignore[arg-type]
        found.setdefault(level, []).append(width)
    assert found["0"] == found["entries"] == [256] * 273 + [112]
    assert (found["1"], found["2"]) == ([256, 17], [1])


def test_every_partial_width_is_published_checked_and_taken_away_when_full(log: Log, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for size in range(1, 258):
        log.fill(size)
        log.sign()
        log.export(out)
        if size < 256:
            assert {f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"} <= names(out)
        if size % 16 == 1 or size > 254:
            verdict = audit.verify_folder(out, [log.vkey])
            assert (verdict.ok, verdict.size) == (True, size), verdict
    assert names(out) == {
        "checkpoint", "vkey", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1"
    }  # fmt: skip


def test_partial_tiles_of_earlier_checkpoints_stay_until_full(log: Log, tmp_path: Path) -> None:
    out = tmp_path / "out"
    notes = []
    for size in (3, 9, 200):
        log.fill(size)
        notes.append(log.sign())
        log.export(out)
    assert {"tile/0/000.p/3", "tile/0/000.p/9", "tile/0/000.p/200"} <= names(out)
    for note in notes:
        (out / "checkpoint").write_text(note)
        assert audit.verify_folder(out, [log.vkey]).ok


def test_an_export_that_goes_on_writes_only_what_is_new(log: Log, tmp_path: Path) -> None:
    log.fill(300)
    log.sign()
    log.export(tmp_path / "out")
    before = (tmp_path / "out/tile/0/000").stat()
    log.fill(600)
    log.sign()
    log.export(tmp_path / "out")
    assert (tmp_path / "out/tile/0/000").stat().st_mtime_ns == before.st_mtime_ns
    assert audit.verify_folder(tmp_path / "out", [log.vkey]).size == 600


def test_a_folder_is_never_taken_back_or_mixed(log: Log, tmp_path: Path) -> None:
    log.fill(20)
    log.sign()
    log.export(tmp_path / "out")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk/checkpoint").write_text("not one")
    with Log(tmp_path / "other").open() as other:
        for size, text in ((10, "holds another log"), (30, "holds another log")):
            other.fill(size - 1)
            other.state.write(lambda tx: audit.append(tx, audit.Entry("forked", START)))
            other.sign()
            with pytest.raises(Unfit, match=text):
                other.export(tmp_path / "out")
        with pytest.raises(Unfit, match="is not a checkpoint"):
            other.export(tmp_path / "junk")
    assert audit.verify_folder(tmp_path / "out", [log.vkey]).ok


def test_a_log_cut_short_behind_a_published_one_is_refused(log: Log, tmp_path: Path) -> None:
    log.fill(20)
    log.sign()
    log.export(tmp_path / "out")
    with tampering(log.path) as file:
        file.execute('DELETE FROM entries WHERE "index" >= 10')
        file.execute("DELETE FROM subtrees WHERE (position + 1) << level > 10")
        file.execute("DELETE FROM checkpoints")
    log.sign()
    with pytest.raises(Unfit, match="more of it"):
        log.export(tmp_path / "out")


def test_there_is_nothing_to_export_before_a_checkpoint(log: Log, tmp_path: Path) -> None:
    log.fill(2)
    with pytest.raises(ValueError, match="checkpoint"):
        log.export(tmp_path / "out")


def test_an_empty_log_can_be_exported(log: Log, tmp_path: Path) -> None:
    log.sign()
    assert log.export(tmp_path / "out") == 0
    assert names(tmp_path / "out") == {"checkpoint", "vkey"}
    assert audit.verify_folder(tmp_path / "out", [log.vkey]).ok


class Stopped(BaseException):
    """The machine stops."""


def test_a_stop_before_any_step_leaves_a_folder_that_holds_and_can_go_on(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops the exporter before each fsync and each rename in turn; each time the checkpoint found is backed by its files."""
    out, steps, limit = tmp_path / "out", 0, 0
    log.fill(250)
    log.sign()
    log.export(out)
    log.fill(515)
    log.sign()

    def stopping(real):  # type: ignore[no-untyped-def]
        def call(*given):  # type: ignore[no-untyped-def]
            nonlocal steps
            steps += 1
            if steps > limit:
                raise Stopped
            return real(*given)

        return call

    sizes = set()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stopping(os.fsync))
        patch.setattr(Path, "replace", stopping(Path.replace))
        for limit in range(400):  # noqa: B007
            steps = 0
            try:
                log.export(out)
                break
            except Stopped:
                verdict = audit.verify_folder(out, [log.vkey])
                assert verdict.ok, verdict
                sizes.add(verdict.size)
    assert steps >= 20
    assert sizes == {250, 515}
    assert audit.verify_folder(out, [log.vkey]).size == 515


def test_nothing_is_named_before_it_is_on_the_disk(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is synced before it gets its name, and every folder on the way is synced before the checkpoint gets its own."""
    events: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        events.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def seen_replace(path: Path, target: Path) -> Path:
        events.append(("name", str(target)))
        return replace(path, target)

    out = tmp_path / "out"
    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    log.fill(300)
    log.sign()
    log.export(out)
    named = [place for place, (what, _) in enumerate(events) if what == "name"]
    assert all(events[place - 1] == ("sync", str(out / ".new")) for place in named)
    last = named[-1]
    assert events[last] == ("name", str(out / "checkpoint"))
    for _, target in (events[place] for place in named[:-1]):
        for folder in Path(target).parents:
            if folder.is_relative_to(out):
                after = max(place for place in named if events[place][1] == target)
                assert ("sync", str(folder)) in events[after:last], folder
    assert ("sync", str(out)) in events[last:]


def test_two_exporters_racing_leave_the_longer_log(log: Log, tmp_path: Path) -> None:
    out = tmp_path / "out"
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(25):
                log.state.write(lambda tx: audit.append(tx, audit.Entry("asked", START)))
                log.sign()
                log.export(out)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    verdict = audit.verify_folder(out, [log.vkey])
    assert (verdict.ok, verdict.size) == (True, 50), verdict
    assert (out / "checkpoint").read_text().startswith(f"{ORIGIN}\n50\n")
