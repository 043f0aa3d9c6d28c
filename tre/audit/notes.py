"""Reads what the log signed: C2SP signed notes and checkpoints. For `verify` alone, and apart from the code that signs them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """A verifier key, and the name and id a signature knows it by."""

    name: str
    id: bytes
    public: Ed25519PublicKey


def read_key(vkey: str) -> Key:
    """The key in a line ``name+id+key``; ValueError when it is not one of Ed25519."""
    name, told, encoded = vkey.split("+", 2)
    key = _decoded(encoded)
    if key[:1] != b"\1" or hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != told:
        raise ValueError("not a verifier key")
    return Key(name, bytes.fromhex(told), Ed25519PublicKey.from_public_bytes(key[1:]))


def read_checkpoint(note: str, keys: Sequence[Key]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the key named by its origin has signed; ValueError otherwise. A wrong signature in the
    name of any key given is as bad as none; signatures of keys not given are passed over."""
    text, lines = note.split("\n\n")
    origin, told, encoded = text.split("\n")
    signers = [key.name for key in keys if _holds(text + "\n", lines, key)]
    size, root = int(told), _decoded(encoded)
    if origin not in signers or told != str(size) or size < 0 or len(root) != 32:
        raise ValueError("not a checkpoint")
    return size, root


def _holds(text: str, lines: str, key: Key) -> bool:
    held = False
    *signatures, end = lines.split("\n")
    if end:
        raise ValueError("a note ends with a newline")
    for line in signatures:
        dash, signer, encoded = line.split(" ")
        raw = _decoded(encoded)
        if (dash, signer, raw[:4]) != ("—", key.name, key.id):
            continue
        try:
            key.public.verify(raw[4:], text.encode())
        except InvalidSignature:
            raise ValueError("a wrong signature") from None
        held = True
    return held


def _decoded(text: str) -> bytes:
    """Base64 in its one spelling: the bits that the last letter has to spare are zero."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the canonical spelling")
    return raw
