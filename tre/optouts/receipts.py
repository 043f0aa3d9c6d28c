"""Receipts: one for each line of a batch, as leaves of one Merkle tree (RFC 6962) whose root is signed once.

A leaf says what the receipt says, and no more: whether somebody had objected before is nobody's business, so that a state is
entered or rejected. Nor does any say how long the list was: trees have one size (`places`). Pure: keeps nothing, signs nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tre import merkle
from tre.optouts.deliveries import ABSENT, REJECTED
from tre.optouts.places import WIDTH, Places
from tre.terms import canonical

ENTERED, NOT_ENTERED = "entered", "rejected"
# From when on: a receipt is there once the list is in force, which is after it was received.
_LEFT_OUT = "Since this receipt was given, records of this person are left out of every answer that is computed"
EFFECTS = {
    "type-1": f"{_LEFT_OUT}, and when records are loaded, wherever type 1 opt-outs apply, until this is withdrawn.",
    "national": f"{_LEFT_OUT}, for every purpose that the national data opt-out applies to, until this is withdrawn.",
    "local": f"{_LEFT_OUT}, for every purpose that local objections apply to, until this is withdrawn.",
}
NO_EFFECT = "Nothing was entered, for what was delivered is not a valid NHS number. Ask whoever delivered it to send it again."


def effect(regime: str, state: str) -> str:
    """What a receipt says in plain words."""
    return EFFECTS[regime] if state == ENTERED else NO_EFFECT


@dataclass(frozen=True, slots=True)
class Leaves:
    """What the leaves of a batch are made of."""

    places: Places
    regime: str
    received_at: str

    def leaf(self, receipt: str, state: str) -> bytes:
        """The bytes of a leaf: canonical JSON of what the receipt says."""
        told = {"receipt": receipt, "regime": self.regime, "effect": effect(self.regime, state), "received_at": self.received_at}
        return canonical(told | {"state": state})

    def hashes(self, block: int, states: Sequence[int]) -> list[bytes]:
        """The leaf hashes of a block, from the states of its lines."""
        tags, hashes = self.places.chance(block)
        # A leaf is the same text around the receipt for every line of one state.
        around = {state: self._around(ENTERED if state not in REJECTED else NOT_ENTERED) for state in set(states)}
        named, first, sha = f"{self.places.batch}-", block * WIDTH, hashlib.sha256
        for place, state in enumerate(self.places.turned(states)):
            if state != ABSENT:
                before, after = around[state]
                hashes[place] = sha(before + f"{named}{first + place:06x}-{tags[place]}".encode() + after).digest()
        return hashes

    def _around(self, state: str) -> tuple[bytes, bytes]:
        before, after = self.leaf("\N{REPLACEMENT CHARACTER}", state).split("\N{REPLACEMENT CHARACTER}".encode())
        return b"\x00" + before, after


@dataclass(frozen=True, slots=True)
class Grown:
    """A batch's tree: its root, and the hashes that are kept: of each tile with lines under it those that are over lines, in the
    order of its places. Level 1 are hashes of blocks, level 2 those of tiles of level 1."""

    root: bytes
    tiles: dict[tuple[int, int], bytes]


def grow(leaves: Leaves, states: bytes | bytearray, step: Callable[[float], None] = lambda _: None) -> Grown:
    """The tree of a batch from the states of its lines. Two million leaves take some seconds."""
    places, blocks = leaves.places, dict[int, bytes]()
    wanted = -(-len(states) // WIDTH)
    for number in range(wanted):
        block, lines = places.block(number), states[number * WIDTH : (number + 1) * WIDTH]
        blocks[block] = subtrees(leaves.hashes(block, lines))[-1][0] if any(lines) else secrets.token_bytes(32)
        step(number / wanted)
    under: dict[int, dict[int, bytes]] = {}
    for block in sorted(blocks):
        under.setdefault(block // WIDTH, {})[block % WIDTH] = blocks[block]
    tops = {tile: subtrees(filled(places, 1, tile, found))[-1][0] for tile, found in under.items()}
    tiles = {(1, tile): b"".join(found.values()) for tile, found in under.items()} | {(2, 0): b"".join(tops.values())}
    return Grown(subtrees(filled(places, 2, 0, tops))[-1][0], tiles)


def filled(places: Places, level: int, tile: int, found: Mapping[int, bytes]) -> list[bytes]:
    """A whole tile, from those of its hashes that are over lines."""
    whole = places.fillers(level, tile)
    for at, one in found.items():
        whole[at] = one
    return whole


def subtrees(hashes: list[bytes]) -> list[list[bytes]]:
    """The levels above some hashes, a power of two of them, up to the one over all."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merkle.node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=True)])
    return levels


def inclusion(place: int, size: int, tile: Callable[[int, int], list[bytes]]) -> list[bytes]:
    """The proof that a place is in the tree. ``tile(level, number)``: the 256 hashes of a tile, level 0 the leaf hashes of a
    block."""
    grown: dict[tuple[int, int], list[list[bytes]]] = {}

    def read(level: int, position: int) -> bytes:
        tier, height = divmod(level, 8)
        at = tier, position >> (8 - height)
        if at not in grown:
            grown[at] = subtrees(tile(*at))
        return grown[at][height][position & ((1 << (8 - height)) - 1)]

    return merkle.inclusion(read, place, size)
