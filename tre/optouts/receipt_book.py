"""Where receipts are kept: of each batch its signed root, the hashes that proofs are made from, and a byte for each line."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, insert, select

from tre.errors import Fault
from tre.optouts.deliveries import ABSENT, APPLIED, KNOWN, REJECTED, WITHDRAWN, Delivery
from tre.optouts.places import SIZE, WIDTH, FormerPlaces, Id, Places, cut, unknown
from tre.optouts.receipts import ENTERED, NOT_ENTERED, Grown, Leaves, effect, filled, inclusion
from tre.optouts.tables import batches, line_states, receipts, tiles
from tre.state import Transaction
from tre.terms import canonical

# Lines in one row: a whole number of blocks.
ROW = 16 * WIDTH
# What the signature is over begins with the origin, as a checkpoint's does, and cannot be read as one: a size comes second there.
SIGNED = "opt-outs"

_ADD, _ADD_LINES, _ADD_TILES = insert(receipts), insert(line_states), insert(tiles)
_BATCH = (
    select(receipts, batches.c.regime, batches.c.at)
    .join_from(receipts, batches, receipts.c.batch == batches.c.id)
    .where(receipts.c.batch == bindparam("of"))
)
_LINES = select(line_states.c.states).where(line_states.c.batch == bindparam("of"), line_states.c.number == bindparam("number"))
_TILE = select(tiles.c.hashes).where(
    tiles.c.batch == bindparam("of"), tiles.c.level == bindparam("level"), tiles.c.number == bindparam("number")
)

_TILES = select(tiles.c.number).where(tiles.c.batch == bindparam("of"), tiles.c.level == 1).order_by(tiles.c.number)


def signed_text(origin: str, batch: str, regime: str, at: str, size: int, root: bytes) -> str:
    """What the signature of a batch is over."""
    return "".join(f"{line}\n" for line in (origin, SIGNED, batch, regime, at, size, _base64(root)))


def tile_rows(batch: str, grown: Grown) -> Iterator[list[dict[str, Any]]]:
    """What is kept of the tree, in parts that each take little time to write; of `write_rows`."""
    kept = [{"batch": batch, "level": level, "number": number, "hashes": raw} for (level, number), raw in grown.tiles.items()]
    yield from (kept[at : at + 32] for at in range(0, len(kept), 32))


def line_rows(batch: str, delivery: Delivery) -> Iterator[list[dict[str, Any]]]:
    """What is kept of each line, a byte, once the batch is finished: until then somebody may withdraw."""
    states = bytes(delivery.states)
    many = [
        {"batch": batch, "number": number, "states": states[number * ROW : (number + 1) * ROW]}
        for number in range(-(-len(states) // ROW))
    ]
    yield from (many[at : at + 64] for at in range(0, len(many), 64))


def write_rows(tx: Transaction, part: list[dict[str, Any]]) -> None:
    tx.execute(_ADD_LINES if "states" in part[0] else _ADD_TILES, part)


def write(tx: Transaction, batch: str, delivery: Delivery, root: bytes, signature: bytes, vkey: str, entry: int) -> None:
    """The batch's receipts are there from here on."""
    row = {"batch": batch, "first_line": delivery.first, "lines": len(delivery.states), "size": SIZE, "root": root}
    tx.execute(_ADD, row | {"signature": signature, "vkey": vkey, "entry": entry, "padded": 1})


def receipt(tx: Transaction, told: str, key: bytes) -> dict[str, Any]:
    """One receipt with its proof; NOT_FOUND in the same words for any that was not given."""
    id = Id.of(told)
    found = tx.execute(_BATCH, {"of": id.batch}).one_or_none()
    if found is None:
        raise unknown()
    places = _places(found, key)
    line = places.line(id.place) if places.holds(id) else found.lines
    block = id.place // WIDTH
    states = _block(tx, id.batch, line // WIDTH) if line < found.lines else b""
    if line % WIDTH >= len(states) or states[line % WIDTH] == ABSENT:
        raise unknown()
    state = NOT_ENTERED if states[line % WIDTH] in REJECTED else ENTERED
    leaves = Leaves(places, found.regime, found.at)
    leaf_hashes = leaves.hashes(block, states)

    def tile(level: int, number: int) -> list[bytes]:
        return leaf_hashes if level == 0 else _tile(tx, places, found.lines, level, number)

    return {
        "receipt": told,
        "regime": found.regime,
        "effect": effect(found.regime, state),
        "received_at": found.at,
        "state": state,
        "leaf_hash": _base64(leaf_hashes[id.place % WIDTH]),
        "place": id.place,
        "tree_size": found.size,
        "proof": [_base64(node) for node in inclusion(id.place, found.size, tile)],
        "root": _base64(found.root),
        "batch": id.batch,
        "signed": signed_text(found.vkey.partition("+")[0], id.batch, found.regime, found.at, found.size, found.root),
        "signature": _base64(found.signature),
        "verifier_key": found.vkey,
        "entry": found.entry,
    }


def told_lines(tx: Transaction, batch: str, key: bytes, number: int) -> bytes | None:
    """A part of the lines of a batch as NDJSON: line, state, receipt; None after the last. NOT_FOUND without such a batch."""
    found = tx.execute(_BATCH, {"of": batch}).one_or_none()
    if found is None:
        raise unknown()
    if number * ROW >= found.lines:
        return None
    places, states = _places(found, key), _row(tx, batch, number)
    told: list[bytes] = []
    for at in range(0, len(states), WIDTH):
        first = number * ROW + at
        ids = places.ids(places.block(first // WIDTH))
        told += [
            _line(found.first_line + first + offset, state, ids[places.within(offset)])
            for offset, state in enumerate(states[at : at + WIDTH])
            if state != ABSENT
        ]
    return b"".join(told)


def _line(line: int, state: int, receipt: str) -> bytes:
    if state in REJECTED:
        return canonical({"line": line, "state": NOT_ENTERED, "reason": REJECTED[state], "receipt": receipt}) + b"\n"
    return f'{{"line":{line},"receipt":"{receipt}","state":"{_TOLD[state]}"}}\n'.encode()


_TOLD = {APPLIED: "applied", KNOWN: "known", WITHDRAWN: "withdrawn"}


def _places(found: Any, key: bytes) -> Places:
    return Places(found.batch, key) if found.padded else FormerPlaces(found.batch, key, found.size)


def _block(tx: Transaction, batch: str, block: int) -> bytes:
    at = block * WIDTH % ROW
    return _row(tx, batch, block * WIDTH // ROW)[at : at + WIDTH]


def _row(tx: Transaction, batch: str, number: int) -> bytes:
    found = tx.execute(_LINES, {"of": batch, "number": number}).scalar()
    if found is None:
        raise Fault("receipts")
    return bytes(found)


def _tile(tx: Transaction, places: Places, lines: int, level: int, number: int) -> list[bytes]:
    kept = tx.execute(_TILE, {"of": places.batch, "level": level, "number": number}).scalar()
    if kept is None:
        raise Fault("receipts")
    if isinstance(places, FormerPlaces):
        return cut(kept)
    if level == 1:
        first = number * WIDTH
        over = [at for at in range(WIDTH) if places.number(first + at) * WIDTH < lines]
    else:
        over = list(tx.execute(_TILES, {"of": places.batch}).scalars())
    return filled(places, level, number, dict(zip(over, cut(kept), strict=True)))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
