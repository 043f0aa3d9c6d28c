"""A backup of the keys: one file that only its passphrase opens.

The key that seals it is made of the passphrase by scrypt (RFC 7914), which needs 128 MiB for each guess; what is sealed by
ChaCha20-Poly1305 (RFC 8439) cannot be changed, nor the file's first line, without its being seen.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tre.errors import Unfit
from tre.keys import files
from tre.keys.files import LENGTH, NAMES

HEADING = b"tre keys, sealed 1: scrypt 2^17 8 1, ChaCha20-Poly1305\n"
SALT, NONCE = 16, 12
SHORTEST = 12
LARGEST = 4_096


def seal_backup(folder: Path, file: Path, passphrase: str) -> None:
    """Write the keys of a folder into a new file, for its owner alone. `Unfit` when the file is there already."""
    if len(passphrase) < SHORTEST:
        raise Unfit(f"the passphrase has fewer than {SHORTEST} characters; take a longer one, such as five words by chance")
    told = {name: key.hex() for name, key in files.read_all(folder).items()}
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    sealed = ChaCha20Poly1305(_key(passphrase, salt)).encrypt(nonce, json.dumps(told).encode(), HEADING)
    try:
        files.write(file, HEADING + base64.encodebytes(salt + nonce + sealed))
        files.sync(file.parent)
    except FileExistsError:
        raise Unfit(f"{file} is there already; name a new file") from None


def open_backup(file: Path, passphrase: str) -> Mapping[str, bytes]:
    """The keys in a backup, by name. `Unfit` when it is none, or not with this passphrase."""
    with file.open("rb") as opened:
        content = opened.read(LARGEST)
    if not content.startswith(HEADING):
        raise Unfit(f"{file} is not a backup of keys that this version can open")
    try:
        raw = base64.b64decode(content.removeprefix(HEADING))
        salt, nonce, sealed = raw[:SALT], raw[SALT : SALT + NONCE], raw[SALT + NONCE :]
        told = json.loads(ChaCha20Poly1305(_key(passphrase, salt)).decrypt(nonce, sealed, HEADING))
    except (InvalidTag, ValueError):
        raise Unfit(f"{file} is not opened by this passphrase, or was changed") from None
    kept = {name: bytes.fromhex(told[name]) for name in NAMES}
    if any(len(key) != LENGTH for key in kept.values()):
        raise Unfit(f"{file} holds something that is not a key")
    return kept


def read_passphrase(path: Path) -> str:
    """The first line of a file that its owner alone can read."""
    with path.open(encoding="utf-8") as file:
        files.check(path, os.fstat(file.fileno()), 0o600)
        try:
            return file.readline(LARGEST).rstrip("\n")
        except UnicodeDecodeError:
            raise Unfit(f"{path} is not a passphrase in UTF-8") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(passphrase.encode())
