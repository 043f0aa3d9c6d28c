"""What the checker of the log knows of one leaf: its labels, and whether the opening that is kept beside it is its own.

Part of the second opinion (`audit.verify`): shares no line with the writer.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

COLUMNS = ("at", "kind", "project", "person_asking", "outcome", "reason", "dataset", "id")
SEALED = ("kind", "outcome", "reason")


class Found(Exception):
    """The first thing wrong."""

    def __init__(self, entry: int | None, what: str) -> None:
        super().__init__(entry, what)
        self.entry = entry
        self.what = what


class Openings:
    """What was sealed and not erased, read in step with the entries: it has the digest that its leaf says, and its labels are its
    own. Databases from before there was any have no such table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'openings'").fetchone()
        text = f'SELECT "index", salt, details, {", ".join(SEALED)} FROM openings ORDER BY "index"'
        self._rows: Iterator[Any] = connection.execute(text) if there else iter(())
        self._next = next(self._rows, None)

    def expect(self, place: int, leaf: bytes) -> None:
        if self._next is None or self._next[0] > place:
            return
        index, salt, details, *labels = self._next
        if index != place or json.loads(leaf).get("sealed") != f"sha256:{hashlib.sha256(salt + details).hexdigest()}":
            raise Found(place, f"what is kept of entry {place} is not what was sealed in it")
        told = json.loads(details)
        if labels != [told.get(name) for name in SEALED]:
            raise Found(place, f"what was sealed in entry {place} has other labels than are kept with it")
        self._next = next(self._rows, None)

    def end(self, size: int) -> None:
        if self._next is not None:
            raise Found(size, f"there is something sealed of more than the {size} entries found")


def labels_of(leaf: bytes) -> list[Any] | None:
    """What the columns of an entry must say; None when the leaf is not canonical JSON of an object with time and kind."""
    try:
        told = json.loads(leaf)
        again = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    if again != leaf or not isinstance(told, dict) or not {"at", "kind"} <= set(told):
        return None
    if any(type(told[name]) is not str for name in COLUMNS if name in told):
        return None
    return [told.get(name) for name in COLUMNS]
