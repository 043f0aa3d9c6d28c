"""Superseded files go when nobody reads them: found out by locks, from another process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from tests.serving import ROOT
from tre.store import Loaded, unlink
from tre.terms import Snapshot

PROBE = """
import sys
from pathlib import Path
from tre.store.retiring import _unread
with _unread(list(Path(sys.argv[1]).rglob("*.duckdb"))) as free:
    print(free)
"""
UNLINK = "import sys; from tre.store import unlink; from tre.terms import Snapshot; print(unlink(Snapshot(*sys.argv[1:])))"


def run(code: str, *arguments: str) -> bool:
    found = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.strip() == "True"


def freed_by_another(folder: Path) -> bool:
    """Whether another process would be given the files."""
    return run(PROBE, str(folder))


def a_copy(loaded: Loaded, folder: Path) -> Snapshot:
    shutil.copytree(loaded.snapshot.folder, folder)
    snapshot = loaded.snapshot
    return Snapshot(snapshot.id, snapshot.dataset, str(folder), snapshot.schema, snapshot.manifest)


def unlinked_by_another(snapshot: Snapshot) -> bool:
    return run(UNLINK, *(getattr(snapshot, name) for name in ("id", "dataset", "folder", "schema", "manifest")))


def test_what_is_read_is_not_unlinked(loaded: Loaded, tmp_path: Path) -> None:
    snapshot = a_copy(loaded, tmp_path / "one")
    modes = {path: path.stat().st_mode for path in Path(snapshot.folder).rglob("*")}
    with duckdb.connect(str(tmp_path / "one/events.duckdb"), read_only=True):
        assert not unlinked_by_another(snapshot)
        assert {path: path.stat().st_mode for path in Path(snapshot.folder).rglob("*")} == modes
    assert unlinked_by_another(snapshot) and not (tmp_path / "one").exists()
    assert unlink(snapshot)
