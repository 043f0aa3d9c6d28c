"""Where the lines of a batch stand in its tree of receipts, and what stands in all other places: worked out from a key, kept
nowhere.

Every batch has a tree of the same size, whose proofs have the same length: one line and ten million look alike. Lines stay
together in blocks of 256, turned by a shift; the blocks are shuffled over the whole tree by a permutation made of the key. What
stands for no line is hashes that nobody can tell from the others; of a part of the tree without any line, only the one hash over
it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tre.errors import Reason, Refusal
from tre.optouts.deliveries import ABSENT

WIDTH = 256  # leaves of a block, and hashes of a tile
SIZE = WIDTH**3  # leaves of a tree: more than a list has lines
TAG = 12
ROUNDS = 4
_ID = re.compile(r"([0-9a-f]{32})-([0-9a-f]{6})-([0-9a-f]{24})")


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
    """The places of one batch."""

    batch: str
    key: bytes
    size: int = SIZE

    def block(self, number: int) -> int:
        """Where the block of the lines [256 × number, …) stands: a Feistel network over two bytes (Luby and Rackoff, 1988), its
        functions drawn from the key."""
        left, right = divmod(number, WIDTH)
        for table in self._rounds:
            left, right = right, left ^ table[right]
        return left * WIDTH + right

    def number(self, block: int) -> int:
        """Which block of lines stands there."""
        left, right = divmod(block, WIDTH)
        for table in reversed(self._rounds):
            left, right = right ^ table[left], left
        return left * WIDTH + right

    def line(self, place: int) -> int:
        """The line, counted from 0, that stands there; beyond the last where none does."""
        block, within = divmod(place, WIDTH)
        return self.number(block) * WIDTH + (within - self._shift) % WIDTH

    def turned(self, lines: Sequence[int]) -> list[int]:
        """The states of a block's lines in the order of its places; a short block is filled up."""
        whole = [*lines, *([ABSENT] * (WIDTH - len(lines)))]
        return whole[WIDTH - self._shift :] + whole[: WIDTH - self._shift]

    def within(self, line: int) -> int:
        """The place of a line inside its block."""
        return (line + self._shift) % WIDTH

    def chance(self, block: int) -> tuple[list[str], list[bytes]]:
        """A block's tags, and the leaf hashes of its places that no line stands for."""
        seed = self._made(b"block" + block.to_bytes(4, "big"))
        raw = hashlib.shake_256(seed).digest(WIDTH * (TAG + 32))
        tags, fillers = raw[: WIDTH * TAG].hex(), raw[WIDTH * TAG :]
        step = 2 * TAG
        return [tags[at : at + step] for at in range(0, len(tags), step)], cut(fillers)

    def fillers(self, level: int, tile: int) -> list[bytes]:
        """The hashes of a tile above the blocks where they are over no line."""
        return cut(hashlib.shake_256(self._made(b"tile" + bytes((level, tile)))).digest(WIDTH * 32))

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

    @cached_property
    def _shift(self) -> int:
        return self._made(b"places")[16]

    @cached_property
    def _rounds(self) -> tuple[bytes, ...]:
        raw = hashlib.shake_256(self._made(b"rounds")).digest(ROUNDS * WIDTH)
        return tuple(raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH))

    def _made(self, what: bytes) -> bytes:
        return hmac.digest(self.key, what + bytes.fromhex(self.batch), "sha256")


class FormerPlaces(Places):
    """Of batches from before trees had one size: the next power of two over their lines, and a step that has an inverse."""

    @property
    def blocks(self) -> int:
        return self.size // WIDTH

    @cached_property
    def _step(self) -> tuple[int, int]:
        raw = self._made(b"places")
        step, start = int.from_bytes(raw[:8], "big") | 1, int.from_bytes(raw[8:16], "big")
        return step % self.blocks if self.blocks > 1 else 1, start % self.blocks

    def block(self, number: int) -> int:
        step, start = self._step
        return (number * step + start) % self.blocks

    def number(self, block: int) -> int:
        step, start = self._step
        return (block - start) * pow(step, -1, self.blocks) % self.blocks


def cut(run: bytes) -> list[bytes]:
    """Hashes, one after the other."""
    return [run[at : at + 32] for at in range(0, len(run), 32)]
