"""The Merkle tree of RFC 6962, of the log and of the receipts: hashes, roots and proofs, from the hashes of complete subtrees.

Pure: it is handed a way to read them. Every root and proof asks for a few hashes per level of the tree, never for the entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

# (level, position) -> the hash of the complete subtree of 2^level entries whose first is position * 2^level
Read = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(read: Read, size: int) -> bytes:
    """The root hash of the first ``size`` entries."""
    return _range(read, 0, size) if size else hashlib.sha256(b"").digest()


def inclusion(read: Read, index: int, size: int) -> list[bytes]:
    """The proof that entry ``index`` is among the first ``size``: sibling hashes, lowest first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("no such entry in a tree of this size")
    path: list[bytes] = []
    first, last = 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            path.append(_range(read, middle, last))
            last = middle
        else:
            path.append(_range(read, first, middle))
            first = middle
    return path[::-1]


def consistency(read: Read, first: int, second: int) -> list[bytes]:
    """The proof that the first ``second`` entries begin with the first ``first`` (RFC 6962, 2.1.2)."""
    if not 0 <= first <= second:
        raise ValueError("a tree is consistent with a later one only")
    if first in (0, second):
        return []
    path: list[bytes] = []
    low, high, old_root_known = 0, second, True
    while high != first:
        middle = low + _split(high - low)
        if first <= middle:
            path.append(_range(read, middle, high))
            high = middle
        else:
            path.append(_range(read, low, middle))
            low, old_root_known = middle, False
    if not old_root_known:
        path.append(_range(read, low, high))
    return path[::-1]


def _range(read: Read, first: int, last: int) -> bytes:
    """The hash over entries [first, last), where the tree of some size has a node over just these."""
    count = last - first
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return read(level, first >> level)
    middle = first + _split(count)
    return node_hash(_range(read, first, middle), _range(read, middle, last))


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)
