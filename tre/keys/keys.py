"""All keys of a home, open: what signs, and what makes pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tre.keys import files
from tre.keys.files import LENGTH, NAMES

__all__ = ["NAMES", "Keys"]


class Keys:
    """``fresh`` says that they were made just now: no record or log can be older than they are."""

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
        made = files.put(folder, {name: secrets.token_bytes(LENGTH) for name in NAMES}) if fresh else False
        return cls.of(files.read_all(folder), fresh=made)

    @classmethod
    def restore(cls, folder: Path, kept: Mapping[str, bytes]) -> bool:
        """Put keys from a backup into a folder that is empty or not there; False when it is neither."""
        return files.put(folder, kept)

    @classmethod
    def of(cls, kept: Mapping[str, bytes], fresh: bool = False) -> Self:
        """Keys by their names, as files and an opened backup have them."""
        return cls(kept["pseudonym"], kept["signing"], kept["people"], fresh)

    # ------------------------------------------------------------------ another key to sign with
    @classmethod
    def begin_rotation(cls, folder: Path) -> Self:
        """These keys with a new one to sign with, which is durable beside the old one and not in use yet."""
        return cls.of(files.read_all(folder) | {"signing": files.put_next(folder)})

    @classmethod
    def begun(cls, folder: Path) -> Self | None:
        """The keys as they were to be, where a rotation was begun and neither taken nor dropped."""
        signing = files.read_next(folder)
        return None if signing is None else cls.of(files.read_all(folder) | {"signing": signing})

    @staticmethod
    def take_rotation(folder: Path) -> None:
        """The new key is in use from here on; the old one is gone. Only once the log names the new one."""
        files.take_next(folder)

    @staticmethod
    def drop_rotation(folder: Path) -> None:
        """The new key is gone. Only where the log does not name it."""
        files.drop_next(folder)

    # ------------------------------------------------------------------ what is made with them
    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, for the log's checkpoints."""
        return self._signing.sign(message)

    def person_pseudonym(self, name: str) -> str:
        """What the log calls someone who signs in: the same for the same name, and nobody's name without the key."""
        return "r:" + hmac.digest(self._people, name.encode(), hashlib.sha256).hex()[:32]

    @property
    def receipts(self) -> bytes:
        """What the tags of receipts are made with. Derived: it lives as long as the registers do. No identifier has spaces, so
        that it is nobody's pseudonym."""
        return hmac.digest(self.pseudonym, b"tre receipts of opt-outs", hashlib.sha256)

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
