"""Letting go of what is superseded: files are unlinked once nobody reads them, and it is found out by locks, not by waiting.

An engine that reads a file holds a shared lock on it (`fcntl`), also when it is killed in the middle: then the kernel lets go. An
exclusive one that is given at once says that nobody reads. The lock knows processes, not threads: what this process itself reads
it goes on reading from files that have no name any more, until it closes them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tre.errors import Fault
from tre.store.connection import EngineError, connected, fill_with_pseudonyms, one, text
from tre.store.files import make_durable
from tre.terms import Snapshot


def unlink(snapshot: Snapshot) -> bool:
    """Remove a superseded snapshot's files; False, and nothing is removed, while somebody reads one of them."""
    folder = Path(snapshot.folder)
    if not folder.exists():
        return True
    with _unread(folder.rglob("*.duckdb")) as free:
        if free:
            shutil.rmtree(folder)
            make_durable(folder.parent)
        return free


@contextmanager
def _unread(paths: Iterator[Path] | list[Path]) -> Iterator[bool]:
    """Whether nobody reads any of the files; nobody can begin to until the end."""
    with ExitStack() as held:
        try:
            for path in paths:
                _lock(held, path)
        except (BlockingIOError, PermissionError):
            yield False
            return
        except FileNotFoundError:  # somebody else removes them
            yield False
            return
        yield True


def _lock(held: ExitStack, path: Path) -> None:
    """An exclusive lock needs a file that is open for writing, which a snapshot's are not otherwise."""
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | 0o200)
    held.callback(_restore, path, mode)
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    held.callback(os.close, descriptor)
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _restore(path: Path, mode: int) -> None:
    try:
        path.chmod(mode)
    except FileNotFoundError:
        return


def rows_of(snapshot: Snapshot, pseudonyms: list[bytes], spill: Path) -> int:
    """How many persons of a snapshot have one of these pseudonyms: the logical half of the proof that they are gone."""
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with connected(None, spill) as connection:
            connection.execute(f"ATTACH {text(Path(snapshot.folder) / 'persons.duckdb')} AS records (READ_ONLY)")
            fill_with_pseudonyms(connection, "wanted", pseudonyms, spill)
            return one(connection, "SELECT count(*) FROM records.persons SEMI JOIN wanted USING (pseudonym)")[0]
    except EngineError:
        raise Fault("records") from None


def holding(root: Path, needles: list[bytes], but: frozenset[Path] = frozenset()) -> list[Path]:
    """Every file below a folder in which one of the byte strings stands, in whatever place: the physical half of that proof.
    Memory does not grow with a file; ``but``: files that hold them by need."""
    kept = max(map(len, needles)) - 1
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and path not in but and _holds(path, needles, kept):
            found.append(path)
    return found


def _holds(path: Path, needles: list[bytes], kept: int, size: int = 2**22) -> bool:
    before = b""
    with path.open("rb") as stream:
        while block := stream.read(size):
            window = before + block
            if any(needle in window for needle in needles):
                return True
            before = window[-kept:] if kept else b""
    return False
