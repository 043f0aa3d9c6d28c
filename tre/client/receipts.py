"""Checks a receipt of an opt-out without asking anybody: every hash anew, and the signature over the root they come to.

Shares no code with the server that gave it: a mistake there is not made again here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SAID = ("effect", "receipt", "received_at", "regime", "state")
FEWEST, MOST = 256, 1 << 24


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """Whether a receipt holds; ``detail`` says by whose key, or what is wrong."""

    ok: bool
    detail: str


def check_receipt(receipt: Mapping[str, Any], key: str | None = None) -> ReceiptCheck:
    """Check a receipt as `GET /v1/opt-outs/{receipt}` gives it. ``key``: the log's verifier key as you were given it; without one
    the signature is checked by the key in the receipt, which proves less."""
    try:
        wrong = _wrong(receipt, key or receipt["verifier_key"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        wrong = "this is no receipt"
    if wrong:
        return ReceiptCheck(False, wrong)
    return ReceiptCheck(True, f"it holds; signature checked with the key {'that was given' if key else 'in the receipt itself'}")


def _wrong(receipt: Mapping[str, Any], key: str) -> str | None:
    """What speaks against it first."""
    place, size, batch = receipt["place"], receipt["tree_size"], receipt["batch"]
    if type(place) is not int or type(size) is not int or not FEWEST <= size <= MOST or size & (size - 1):
        return "its tree has no such size"
    if not 0 <= place < size or not receipt["receipt"].startswith(f"{batch}-{place:06x}-"):
        return "its number is not of its batch and place"
    leaf = json.dumps({name: receipt[name] for name in SAID}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    node = hashlib.sha256(b"\0" + leaf.encode()).digest()
    if node != _raw(receipt["leaf_hash"]):
        return "what it says is not what was hashed"
    if _root(node, place, size, [_raw(one) for one in receipt["proof"]]) != _raw(receipt["root"]):
        return "its proof does not lead to its root"
    return _signed_wrong(receipt, key)


def _root(node: bytes, place: int, size: int, proof: list[bytes]) -> bytes | None:
    """RFC 9162, 2.1.3.2, where the size is a power of two: a hash for each level, on the side that the place's bit says."""
    if len(proof) != size.bit_length() - 1:
        return None
    for level, other in enumerate(proof):
        pair = other + node if place >> level & 1 else node + other
        node = hashlib.sha256(b"\1" + pair).digest()
    return node


def _signed_wrong(receipt: Mapping[str, Any], key: str) -> str | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    origin, id, encoded = key.strip().split("+", 2)
    raw = _raw(encoded)
    if raw[:1] != b"\1" or hashlib.sha256(origin.encode() + b"\n" + raw).digest()[:4].hex() != id:
        return "the key is not a verifier key"
    told = (
        origin,
        "opt-outs",
        receipt["batch"],
        receipt["regime"],
        receipt["received_at"],
        receipt["tree_size"],
        receipt["root"],
    )
    text = "".join(f"{line}\n" for line in told)
    if text != receipt["signed"]:
        return "what was signed is not of this receipt and this key"
    try:
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(_raw(receipt["signature"]), text.encode())
    except InvalidSignature:
        return "its signature is not of this key"
    return None


def _raw(text: str) -> bytes:
    """Base64 in its one spelling."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the canonical spelling")
    return raw
