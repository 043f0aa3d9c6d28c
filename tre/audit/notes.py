"""Reads what the log signed: C2SP signed notes and checkpoints. For `verify` alone, and apart from the code that signs them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """A verifier key, and the name and id a signature knows it by. ``most``: the largest size it signs, once another key has
    followed it."""

    name: str
    id: bytes
    public: Ed25519PublicKey
    vkey: str
    most: int | None = None


def read_key(vkey: str) -> Key:
    """The key in a line ``name+id+key``; ValueError when it is not one of Ed25519."""
    name, told, encoded = vkey.split("+", 2)
    key = _decoded(encoded)
    if key[:1] != b"\1" or hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != told:
        raise ValueError("not a verifier key")
    return Key(name, bytes.fromhex(told), Ed25519PublicKey.from_public_bytes(key[1:]), vkey)


def holds(vkey: str, message: bytes, signature: bytes) -> bool:
    """Whether the key of a line ``name+id+key`` signed a message; ValueError when the line is no such key."""
    try:
        read_key(vkey).public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def read_checkpoint(note: str, keys: Sequence[Key]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the key named by its origin has signed; ValueError otherwise. A wrong signature in the
    name of any key given is as bad as none; signatures of keys not given are passed over."""
    text, lines = note.split("\n\n")
    origin, told, encoded = text.split("\n")
    size, root = int(told), _decoded(encoded)
    held = [key for key in keys if _holds(text + "\n", lines, key)]
    signers = [key.name for key in held if key.most is None or size <= key.most]
    if origin not in signers or told != str(size) or size < 0 or len(root) != 32:
        raise ValueError("not a checkpoint")
    return size, root


def follow(keys: Sequence[Key], entries: Iterable[tuple[int, bytes]]) -> list[Key]:
    """The keys, and those that they named to follow them, from the entries (index, leaf) that say so, in order. A key that has
    been followed signs nothing larger than the log that says it. Whatever is no such entry is passed over."""
    now = list({key.vkey: key for key in keys}.values())
    for index, leaf in entries:
        for place, old in enumerate(now):
            if old.most is None and (new := _named_by(old, leaf)) is not None:
                now[place] = replace(old, most=index + 1)
                now += [] if any(key.vkey == new.vkey and key.most is None for key in now) else [new]
                break
    return now


def _named_by(old: Key, leaf: bytes) -> Key | None:
    """The key that a rotation's entry names to follow this one; None when it is not one, or not signed by this key."""
    try:
        entry = json.loads(leaf)
        text, lines = entry["note"].split("\n\n")
        origin, kind, told, new = text.split("\n")
        rotated = (entry["kind"], origin, kind, told) == ("keys-rotated", old.name, "keys-rotated", old.vkey)
        return read_key(new) if rotated and new != told and _holds(text + "\n", lines, old) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


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
