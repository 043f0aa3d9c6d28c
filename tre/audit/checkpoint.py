"""Signed statements of the log's size and root, as C2SP tlog-checkpoint and signed-note write them.

Promises never to sign a size below the last one signed, nor a tree that does not begin with it: what was signed is kept in the
database, read and checked in the transaction that signs the next.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from tre.audit.log import root, size
from tre.audit.tables import checkpoints
from tre.errors import Fault
from tre.state import Transaction
from tre.terms import timestamp

ED25519 = b"\x01"

_LATEST = select(checkpoints.c.size, checkpoints.c.root, checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
_ADD = insert(checkpoints)


@dataclass(frozen=True, slots=True)
class Signer:
    """Something that signs, and the key its signatures are checked with."""

    sign: Callable[[bytes], bytes]
    verify_key: bytes


def vkey(name: str, verify_key: bytes) -> str:
    """What a checker needs to know beforehand: the key's name, its id and the key itself, as one line."""
    return f"{name}+{_key_id(name, verify_key).hex()}+{_base64(ED25519 + verify_key)}"


def publish(
    tx: Transaction,
    sign: Callable[[bytes], bytes],
    verify_key: bytes,
    origin: str,
    at: datetime,
    also: Iterable[Signer] = (),
) -> str:
    """Sign the log as it stands in this write transaction, and return the note; the earlier note when nothing was added.
    ``also``: others who sign it, under the same name."""
    _check_origin(origin)
    now, last = size(tx), tx.execute(_LATEST).one_or_none()
    if last is not None and (last.size > now or root(tx, last.size) != last.root):
        raise Fault("log")
    if last is not None and last.size == now:
        return str(last.note)
    head = root(tx)
    text = f"{origin}\n{now}\n{_base64(head)}\n"
    note = _signed(origin, text, [Signer(sign, verify_key), *also])
    row = {"size": now, "root": head, "at": timestamp(at), "note": note, "vkey": vkey(origin, verify_key)}
    tx.execute(_ADD, row)
    return note


def rotation(origin: str, old: Signer, new: Signer) -> str:
    """A note in which the log's key names the one that follows it: origin, ``keys-rotated``, and both as verifier keys. No
    checkpoint can be read out of it."""
    _check_origin(origin)
    keys = (vkey(origin, signer.verify_key) for signer in (old, new))
    return _signed(origin, "\n".join([origin, "keys-rotated", *keys, ""]), [old, new])


def latest(tx: Transaction) -> str | None:
    """The note last signed."""
    last = tx.execute(_LATEST).one_or_none()
    return None if last is None else str(last.note)


def _signed(origin: str, text: str, signers: Iterable[Signer]) -> str:
    """The note of a text: C2SP signed-note."""
    raw = (_key_id(origin, signer.verify_key) + signer.sign(text.encode()) for signer in signers)
    return f"{text}\n" + "".join(f"— {origin} {_base64(signature)}\n" for signature in raw)


def _key_id(name: str, verify_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + verify_key).digest()[:4]


def _check_origin(origin: str) -> None:
    """A key's name has neither spaces nor a plus, and here it is the origin too."""
    if not origin or "+" in origin or any(letter.isspace() or not letter.isprintable() for letter in origin):
        raise ValueError("an origin is like example.org/log: no spaces, no plus")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
