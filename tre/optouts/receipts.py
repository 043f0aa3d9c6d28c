"""Receipts: one for each line of a batch, as leaves of one Merkle tree (RFC 6962) whose root is signed once.

A leaf says what the receipt says, and no more: whether somebody had objected before is nobody's business, so that a state is
entered or rejected. The tree has a power of two of leaves, at least 256; those that stand for no line are hashes that nobody can
tell from the others, and places are shuffled, so that no receipt says how long the list was. Pure: keeps nothing, signs nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tre import merkle
from tre.errors import Reason, Refusal
from tre.optouts.deliveries import ABSENT, REJECTED
from tre.terms import canonical

WIDTH = 256  # leaves of a block, and hashes of a tile
TAG = 12
ENTERED, NOT_ENTERED = "entered", "rejected"
_ID = re.compile(r"([0-9a-f]{32})-([0-9a-f]{6})-([0-9a-f]{24})")
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


def unknown() -> Refusal:
    """The same words for a receipt of nobody and for one that was made up."""
    return Refusal(Reason.NOT_FOUND, "There is no such receipt.", "Compare it with the one you were given, letter by letter.")


@dataclass(frozen=True, slots=True)
class Id:
    """A receipt's id: its batch, its place in the tree, and a tag that nobody can guess."""

    batch: str
    place: int
    tag: bytes

    @classmethod
    def of(cls, told: str) -> Id:
        found = _ID.fullmatch(told)
        if found is None:
            raise unknown()
        return cls(found[1], int(found[2], 16), bytes.fromhex(found[3]))


@dataclass(frozen=True)
class Places:
    """Where the lines of a batch stand in its tree, and the tags of the places: worked out from the key, kept nowhere.

    Lines stay together in blocks of 256, turned by a shift; the blocks are shuffled by a step that has an inverse."""

    batch: str
    size: int
    key: bytes

    @classmethod
    def for_lines(cls, batch: str, lines: int, key: bytes) -> Places:
        return cls(batch, max(WIDTH, 1 << (lines - 1).bit_length()) if lines else WIDTH, key)

    @property
    def blocks(self) -> int:
        return self.size // WIDTH

    @cached_property
    def _shuffle(self) -> tuple[int, int, int]:
        raw = self._made(b"places")
        step, start = int.from_bytes(raw[:8], "big") | 1, int.from_bytes(raw[8:16], "big")
        return step % self.blocks if self.blocks > 1 else 1, start % self.blocks, raw[16]

    def block(self, number: int) -> int:
        """Where the block of the lines [256 × number, …) stands."""
        step, start, _ = self._shuffle
        return (number * step + start) % self.blocks

    def line(self, place: int) -> int:
        """The line, counted from 0, that stands there; beyond the last where none does."""
        step, start, shift = self._shuffle
        block, within = divmod(place, WIDTH)
        return (block - start) * pow(step, -1, self.blocks) % self.blocks * WIDTH + (within - shift) % WIDTH

    def turned(self, lines: Sequence[int]) -> list[int]:
        """The states of a block's lines in the order of its places; a short block is filled up."""
        shift = self._shuffle[2]
        whole = [*lines, *([ABSENT] * (WIDTH - len(lines)))]
        return whole[WIDTH - shift :] + whole[: WIDTH - shift]

    def within(self, line: int) -> int:
        """The place of a line inside its block."""
        return (line + self._shuffle[2]) % WIDTH

    def chance(self, block: int) -> tuple[list[str], list[bytes]]:
        """A block's tags, and the leaf hashes of its places that no line stands for."""
        seed = self._made(b"block" + block.to_bytes(4, "big"))
        raw = hashlib.shake_256(seed).digest(WIDTH * (TAG + 32))
        tags, fillers = raw[: WIDTH * TAG].hex(), raw[WIDTH * TAG :]
        step = 2 * TAG
        return [tags[at : at + step] for at in range(0, len(tags), step)], _cut(fillers)

    def ids(self, block: int) -> list[str]:
        """The receipts of a block's places."""
        first = block * WIDTH
        return [f"{self.batch}-{first + place:06x}-{tag}" for place, tag in enumerate(self.chance(block)[0])]

    def holds(self, id: Id) -> bool:
        """Whether this very receipt was made here."""
        if id.place >= self.size:
            return False
        tag = bytes.fromhex(self.chance(id.place // WIDTH)[0][id.place % WIDTH])
        return hmac.compare_digest(tag, id.tag)

    def _made(self, what: bytes) -> bytes:
        return hmac.digest(self.key, what + bytes.fromhex(self.batch), "sha256")


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
    """A batch's tree: its root, and the hashes that are kept: level 1 of blocks, level 2 of every 256 of them."""

    root: bytes
    tiles: dict[tuple[int, int], bytes]


def grow(leaves: Leaves, states: bytes | bytearray, step: Callable[[float], None] = lambda _: None) -> Grown:
    """The tree of a batch from the states of its lines. Two million leaves take some seconds."""
    places = leaves.places
    blocks: list[bytes] = [b""] * places.blocks
    wanted = -(-len(states) // WIDTH)
    for number in range(wanted):
        lines = states[number * WIDTH : (number + 1) * WIDTH]
        if any(lines):
            block = places.block(number)
            blocks[block] = subtrees(leaves.hashes(block, lines))[-1][0]
            step(number / wanted)
    blocks = [one or secrets.token_bytes(32) for one in blocks]
    first = [blocks[at : at + WIDTH] for at in range(0, len(blocks), WIDTH)]
    tops = [subtrees(tile)[-1][0] for tile in first]
    tiles = {(1, number): b"".join(tile) for number, tile in enumerate(first)} | {(2, 0): b"".join(tops)}
    return Grown(subtrees(tops)[-1][0], tiles)


def subtrees(hashes: list[bytes]) -> list[list[bytes]]:
    """The levels above some hashes, a power of two of them, up to the one over all."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merkle.node_hash(below[at], below[at + 1]) for at in range(0, len(below), 2)])
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


def _cut(run: bytes) -> list[bytes]:
    return [run[at : at + 32] for at in range(0, len(run), 32)]
