"""The keys of this installation: made once, read by their owner alone, never shown.

Promises that keys appear whole or not at all, that none is ever replaced by a new one unasked, and that a key others could
read stops the start. Never prints a key: only what is made with it leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tre.errors import Unfit

LENGTH = 32
# The pseudonyms of the people in the records; the signatures of the log; the pseudonyms of people signed in.
NAMES = ("pseudonym", "signing", "people")


class Keys:
    """All keys, open. ``fresh`` says that they were made just now: no record or log can be older than they are."""

    __slots__ = ("_people", "_signing", "fresh", "pseudonym", "verify_key")

    def __init__(self, pseudonym: bytes, signing: bytes, people: bytes, fresh: bool = False) -> None:
        self.pseudonym = pseudonym
        self.fresh = fresh
        self._signing = Ed25519PrivateKey.from_private_bytes(signing)
        self._people = people
        self.verify_key = self._signing.public_key().public_bytes_raw()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the keys; make them where the folder is empty or not there. `Unfit` when one is missing or others can read it."""
        fresh = not folder.exists() or not any(folder.iterdir())
        made = _make(folder) if fresh else False
        _check(folder, folder.stat(), 0o700)
        pseudonym, signing, people = (_read(folder / f"{name}.key") for name in NAMES)
        return cls(pseudonym, signing, people, fresh=made)

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, for the log's checkpoints."""
        return self._signing.sign(message)

    def person_pseudonym(self, name: str) -> str:
        """What the log calls someone who signs in: the same for the same name, and nobody's name without the key."""
        return "r:" + hmac.digest(self._people, name.encode(), hashlib.sha256).hex()[:32]

    @property
    def check(self) -> str:
        """A digest by which these very keys are known again, and which says nothing of them."""
        told = [hmac.digest(key, b"tre key check", hashlib.sha256) for key in (self.pseudonym, self._people)]
        return "sha256:" + hashlib.sha256(b"".join([*told, self.verify_key])).hexdigest()

    def salt(self) -> bytes:
        """Fresh random bytes for the digest of one text; kept beside the text, erased with it."""
        return secrets.token_bytes(LENGTH)

    def __repr__(self) -> str:
        return "Keys(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not copied")


def _make(folder: Path) -> bool:
    """Put new keys in place, all at once; False when another process was first."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    new.mkdir(mode=0o700)
    try:
        for name in NAMES:
            _write(new / f"{name}.key", secrets.token_bytes(LENGTH))
        _sync(new)
        # Replaces an empty folder, and fails on one that has something in it.
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if folder.is_dir() and any(folder.iterdir()):
            return False
        raise Unfit(f"keys cannot be made in {folder}: {error.strerror}") from None
    _sync(folder.parent)
    return True


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            _check(path, os.fstat(file.fileno()), 0o600)
            key = file.read(LENGTH + 1)
    except OSError as error:
        raise Unfit(f"the key {path} cannot be read ({error.strerror}); put it back from the backup of the keys") from None
    if len(key) != LENGTH:
        raise Unfit(f"the key {path} is not a key; put it back from the backup of the keys")
    return key


def _check(path: Path, found: os.stat_result, allowed: int) -> None:
    if stat.S_IMODE(found.st_mode) & ~allowed:
        raise Unfit(f"{path} can be read by others; run: chmod {allowed:o} {path}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
