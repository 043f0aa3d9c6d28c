"""Folders that are whole or absent: work is done in a temporary folder, made durable, and moved into place in one step.

What a killed process left behind (identifiers, pseudonyms) is removed by the next one; a folder in use is held by a lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

BEGUN = ".begun-"
ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def workshop(parent: Path) -> Iterator[Path]:
    """A temporary folder of one's own, for its owner's eyes, gone afterwards. First removes those of killed processes."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent / (BEGUN + secrets.token_hex(8))
    with held(parent / ".lock", fcntl.LOCK_EX):
        _remove_abandoned(parent)
        folder.mkdir(mode=0o700)
        hold = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(hold, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(hold)


@contextmanager
def making(store: Path, dataset: str) -> Iterator[None]:
    """Held from before a snapshot is put in place until the database names it: what stands there meanwhile is not abandoned."""
    with held(store / dataset / ".making", fcntl.LOCK_SH):
        yield


@contextmanager
def cleared_of_unnamed(store: Path, dataset: str, named: Callable[[], set[str]]) -> Iterator[bool]:
    """Remove snapshots that were put in place and never named (their maker was killed, or lost to another) and the temporary
    folders of killed processes: any of them may hold whoever was erased. Whether nothing else stands there then, and nobody makes
    anything until the end; False, and nothing is removed, while somebody makes a snapshot. ``named``: the ids that the database
    names, asked once nobody does."""
    place = store / dataset
    with unless_held(place / ".making") as free:
        if free:
            _remove_unnamed(place, named())
        yield free and not any(place.glob(BEGUN + "*"))


def _remove_unnamed(place: Path, kept: set[str]) -> None:
    with held(place / ".lock", fcntl.LOCK_EX):
        _remove_abandoned(place)
    for folder in place.iterdir():
        if ID.fullmatch(folder.name) and folder.name not in kept:
            shutil.rmtree(folder)
            make_durable(place)


@contextmanager
def alone_with(store: Path, dataset: str) -> Iterator[None]:
    """One rewriting of a dataset at a time; BlockingIOError for the second."""
    with held(store / dataset / ".rewriting", fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def held(lock: Path, how: int) -> Iterator[None]:
    """A lock between processes, gone with whoever holds it."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hold = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(hold, how)
        yield
    finally:
        os.close(hold)


@contextmanager
def unless_held(lock: Path) -> Iterator[bool]:
    """Whether nobody holds a lock; nobody gets it until the end."""
    with ExitStack() as locks:
        try:
            locks.enter_context(held(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def sweep(store: Path) -> None:
    """Remove what killed processes left anywhere in a store. To be called when a server starts: it may hold identifiers."""
    for parent in {folder.parent for folder in store.rglob(BEGUN + "*")}:
        with held(parent / ".lock", fcntl.LOCK_EX):
            _remove_abandoned(parent)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(BEGUN + "*"):
        try:
            hold = os.open(folder / ".lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # killed between two lines of `workshop`; nothing is in it
            shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # someone is at work there
        finally:
            os.close(hold)


def make_durable(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to the disk."""
    hold = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(hold)
    finally:
        os.close(hold)


def publish_folder(made: Path, place: Path) -> None:
    """Move a folder of finished files into place, in one step, readable by their owner and written by no one."""
    for path in made.iterdir():
        if path.is_file():
            path.chmod(0o400)
            make_durable(path)
    make_durable(made)
    made.rename(place)
    make_durable(place.parent)


def publish_file(made: Path, place: Path) -> None:
    """The same for one file; where one is in place already, that one stays."""
    made.chmod(0o400)
    make_durable(made)
    try:
        os.link(made, place)
    except FileExistsError:
        return
    make_durable(place.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
