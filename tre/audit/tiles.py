"""Publishes the log as a folder of static files, as C2SP tlog-tiles lays them out, for others to fetch and check.

Promises that whatever `checkpoint` in the folder says, the files it needs are there and on the disk: it is replaced last. A
folder that holds another or a longer log is refused, never overwritten.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from tre.audit.log import root, size
from tre.audit.tables import checkpoints, entries, subtrees
from tre.errors import Fault, Unfit
from tre.state import Transaction

# Hashes in a full tile; a level of tiles spans eight levels of the tree.
WIDTH = 256
SPAN = 8
# <level>/<number>[.p/<width>] of C2SP tlog-tiles, in the one spelling that each has.
NAME = re.compile(r"(?:[0-9]|[1-5][0-9]|6[0-3]|entries)/(?:(?!x000/)(?:x[0-9]{3}/)+)?[0-9]{3}(?:\.p/([1-9][0-9]{0,2}))?")
LONGEST_NAME = 64

_LATEST = select(checkpoints.c.size, checkpoints.c.note, checkpoints.c.vkey).order_by(checkpoints.c.size.desc()).limit(1)
_FROM: BindParameter[int] = bindparam("first")
_TO: BindParameter[int] = bindparam("last")
_LEAVES = select(entries.c.leaf).where(entries.c.index >= _FROM, entries.c.index < _TO).order_by(entries.c.index)
_HASHES = (
    select(subtrees.c.hash)
    .where(subtrees.c.level == bindparam("level"), subtrees.c.position >= _FROM, subtrees.c.position < _TO)
    .order_by(subtrees.c.position)
)


def export(tx: Transaction, folder: Path) -> int:
    """Bring the folder up to the checkpoint last signed; returns its size. One at a time for a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        last = tx.execute(_LATEST).one_or_none()
        if last is None:
            raise ValueError("no checkpoint has been signed yet")
        done = _published(tx, folder, last.size)
        files = _Files(folder)
        replaced = [partial for tile in _tiles(tx, done, last.size) if (partial := files.put_tile(*tile))]
        files.settle()
        for partial in replaced:
            shutil.rmtree(partial, ignore_errors=True)
        files.put("vkey", last.vkey.encode() + b"\n")
        files.settle()
        files.put("checkpoint", last.note.encode())
        files.settle()
    return int(last.size)


def compare(tx: Transaction, folder: Path) -> None:
    """`Unfit` unless what the folder has published is a beginning of this log."""
    _published(tx, folder, size(tx))


def file_of(folder: Path, name: str) -> Path | None:
    """Where the tile of a public name is, or would be; None for what is not the name of a tile."""
    spelt = NAME.fullmatch(name) if len(name) <= LONGEST_NAME else None
    if spelt is None or int(spelt[1] or 1) >= WIDTH:
        return None
    return folder / "tile" / name


def _published(tx: Transaction, folder: Path, most: int) -> int:
    """The size that the folder's checkpoint vouches for, which is a beginning of this log; 0 for a new folder."""
    try:
        _, text, told = (folder / "checkpoint").read_text().split("\n")[:3]
    except FileNotFoundError:
        return 0
    except ValueError:
        raise Unfit(f"{folder / 'checkpoint'} is not a checkpoint; export into a new folder") from None
    if not text.isdecimal() or int(text) > most or base64.b64encode(root(tx, int(text))).decode() != told:
        raise Unfit(f"{folder} holds another log than this one, or more of it; export into a new folder and compare the two")
    return int(text)


def _tiles(tx: Transaction, done: int, size: int) -> Iterator[tuple[str, int, int, bytes]]:
    """Every tile that a tree of ``size`` has and one of ``done`` has not, or not whole: (level, number, width, content)."""
    level = 0
    while (count := size >> (SPAN * level)) > 0:
        for number in range((done >> (SPAN * level)) // WIDTH, -(-count // WIDTH)):
            first, last = number * WIDTH, min((number + 1) * WIDTH, count)
            if level == 0:
                leaves = _exactly(last - first, tx.execute(_LEAVES, {"first": first, "last": last}).scalars().all())
                yield "entries", number, last - first, b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
            at = {"level": SPAN * level, "first": first, "last": last}
            yield str(level), number, last - first, b"".join(_exactly(last - first, tx.execute(_HASHES, at).scalars().all()))
        level += 1


def _exactly(count: int, found: Sequence[Any]) -> Sequence[Any]:
    if len(found) != count:
        raise Fault("log")
    return found


def _tile_name(level: str, number: int) -> str:
    """1234067 at level 0 is tile/0/x001/x234/067."""
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.insert(0, f"x{number % 1000:03d}")
    return "/".join(("tile", level, *parts))


class _Files:
    """Files of one folder, each whole or not there, durable once settled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._touched: set[Path] = set()

    def put_tile(self, level: str, number: int, width: int, content: bytes) -> Path | None:
        """Write a tile; for a full one, the folder of its partial forerunners, which may go."""
        name = _tile_name(level, number)
        if width < WIDTH:
            self.put(f"{name}.p/{width}", content)
            return None
        self.put(name, content)
        partial = self._folder / f"{name}.p"
        return partial if partial.exists() else None

    def put(self, name: str, content: bytes) -> None:
        path, new = self._folder / name, self._folder / ".new"
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        self._touched.update(folder for folder in path.parents if folder.is_relative_to(self._folder))

    def settle(self) -> None:
        for folder in self._touched:
            _sync(folder)
        self._touched.clear()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
