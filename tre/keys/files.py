"""The files that keys are in: each whole or not there, durable when it is said to be, and its owner's alone."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from tre.errors import Unfit

LENGTH = 32
# The pseudonyms of the people in the records; the signatures of the log; the pseudonyms of people signed in.
NAMES = ("pseudonym", "signing", "people")
NEXT, PART = "signing.key.next", ".signing.key.part"


def put(folder: Path, keys: Mapping[str, bytes]) -> bool:
    """Put keys in place of an empty folder or none, all at once; False when another process was first."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    new.mkdir(mode=0o700)
    try:
        for name in NAMES:
            write(new / f"{name}.key", keys[name])
        sync(new)
        # Replaces an empty folder, and fails on one that has something in it.
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if folder.is_dir() and any(folder.iterdir()):
            return False
        raise Unfit(f"keys cannot be made in {folder}: {error.strerror}") from None
    sync(folder.parent)
    return True


def read_all(folder: Path) -> dict[str, bytes]:
    """Every key by its name; `Unfit` when one is missing or others can read it."""
    check(folder, folder.stat(), 0o700)
    return {name: read(folder / f"{name}.key") for name in NAMES}


def put_next(folder: Path) -> bytes:
    """A new key to sign with, durable beside the one in use."""
    part, key = folder / PART, secrets.token_bytes(LENGTH)
    part.unlink(missing_ok=True)
    write(part, key)
    part.replace(folder / NEXT)
    sync(folder)
    return key


def read_next(folder: Path) -> bytes | None:
    """The key that was made to sign next, where there is one."""
    return read(folder / NEXT) if (folder / NEXT).exists() else None


def take_next(folder: Path) -> None:
    """From here on the next key is the one in use; the one before is gone."""
    (folder / NEXT).replace(folder / "signing.key")
    sync(folder)


def drop_next(folder: Path) -> None:
    (folder / NEXT).unlink()
    sync(folder)


def write(path: Path, content: bytes) -> None:
    """A new file for its owner alone, durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            check(path, os.fstat(file.fileno()), 0o600)
            key = file.read(LENGTH + 1)
    except OSError as error:
        raise Unfit(f"the key {path} cannot be read ({error.strerror}); put it back from the backup of the keys") from None
    if len(key) != LENGTH:
        raise Unfit(f"the key {path} is not a key; put it back from the backup of the keys")
    return key


def check(path: Path, found: os.stat_result, allowed: int) -> None:
    if stat.S_IMODE(found.st_mode) & ~allowed:
        raise Unfit(f"{path} can be read by others; run: chmod {allowed:o} {path}")


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
