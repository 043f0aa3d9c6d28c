"""The append-only log: what is written, found again and proved. Keeps bytes and labels; computes nothing from what they say.

Every append reads the edge of the tree inside its own write transaction: another process may have added to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, insert, select

from tre.audit import tree
from tre.audit.tables import LABELS, entries, subtrees
from tre.errors import Fault
from tre.state import Transaction
from tre.terms import canonical, timestamp

Value = str | int | None

# A bundle of the published log gives an entry two bytes of length.
LARGEST = 65_535
LONGEST_PAGE = 10_000
_NAMED = ("at", "kind", *LABELS)

_LAST = select(entries.c.index).order_by(entries.c.index.desc()).limit(1)
_SUBTREE = select(subtrees.c.hash).where(subtrees.c.level == bindparam("level"), subtrees.c.position == bindparam("position"))
_SHOWN = (entries.c.index, entries.c.at, entries.c.kind, *(entries.c[label] for label in LABELS), entries.c.leaf)
_ONE = select(*_SHOWN).where(entries.c.index == bindparam("index"))
_ADD = insert(entries)
_ADD_SUBTREES = insert(subtrees)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: kind, time and labels that can be searched for, and a body that can not. Ids in it are pseudonymous
    and digests salted, for nothing here can ever be erased. ``id`` is of the question that the entry belongs to."""

    kind: str
    at: datetime
    body: Mapping[str, Value] = field(default_factory=dict)
    project: str | None = None
    person_asking: str | None = None
    outcome: str | None = None
    reason: str | None = None
    dataset: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        if not self.kind:
            raise ValueError("an entry has a kind")
        if clash := set(_NAMED) & set(self.body):
            raise ValueError(f"a body cannot use a label's name: {sorted(clash)}")
        values: Iterable[object] = self.body.values()
        if any(isinstance(value, bool) or not isinstance(value, str | int | None) for value in values):
            raise TypeError("a body maps names to texts, integers and null")

    @property
    def leaf(self) -> bytes:
        """The bytes the tree is made of: canonical JSON of kind, time, the labels given and the body."""
        labels = {label: text for label in LABELS if (text := getattr(self, label)) is not None}
        leaf = canonical({"at": timestamp(self.at), "kind": self.kind, **labels, **self.body})
        if len(leaf) > LARGEST:
            raise ValueError("an entry is at most 65,535 bytes")
        return leaf


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands, and how many there were with it."""

    index: int
    size: int


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it is kept."""

    index: int
    at: str
    kind: str
    project: str | None
    person_asking: str | None
    outcome: str | None
    reason: str | None
    dataset: str | None
    id: str | None
    body: Mapping[str, Value]
    leaf: bytes


def append(tx: Transaction, entry: Entry) -> Position:
    """Add one entry and the hashes of the subtrees it completes."""
    index, leaf = size(tx), entry.leaf
    leaf_hash = tree.leaf_hash(leaf)
    row = {label: getattr(entry, label) for label in LABELS}
    row |= {"index": index, "at": timestamp(entry.at), "kind": entry.kind, "leaf": leaf, "leaf_hash": leaf_hash}
    tx.execute(_ADD, row)
    tx.execute(_ADD_SUBTREES, _completed(tx, index, leaf_hash))
    return Position(index, index + 1)


def _completed(tx: Transaction, index: int, leaf_hash: bytes) -> list[dict[str, Any]]:
    """The subtrees that end with this entry: the leaf, and one more for each level at which it is a right-hand child."""
    level, position, node = 0, index, leaf_hash
    rows = [{"level": 0, "position": index, "hash": leaf_hash}]
    while position % 2:
        node = tree.node_hash(_subtree(tx, level, position - 1), node)
        level, position = level + 1, position // 2
        rows.append({"level": level, "position": position, "hash": node})
    return rows


def size(tx: Transaction) -> int:
    """How many entries there are."""
    last = tx.execute(_LAST).scalar()
    return 0 if last is None else int(last) + 1


def root(tx: Transaction, at_size: int | None = None) -> bytes:
    """The root hash, now or when the log had ``at_size`` entries."""
    return tree.root(_reader(tx), _within(tx, at_size))


def inclusion(tx: Transaction, index: int, at_size: int | None = None) -> list[bytes]:
    """The proof that an entry is in the log of that size."""
    return tree.inclusion(_reader(tx), index, _within(tx, at_size))


def consistency(tx: Transaction, first: int, second: int | None = None) -> list[bytes]:
    """The proof that the log of the second size begins with the log of the first."""
    return tree.consistency(_reader(tx), first, _within(tx, second))


def entry(tx: Transaction, index: int) -> Logged | None:
    row = tx.execute(_ONE, {"index": index}).one_or_none()
    return None if row is None else _logged(row)


def last(tx: Transaction, *kinds: str) -> Logged | None:
    """The newest entry of one of these kinds."""
    newest = select(*_SHOWN).where(entries.c.kind.in_(kinds)).order_by(entries.c.index.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    return None if row is None else _logged(row)


def page(
    tx: Transaction,
    *,
    project: str | None = None,
    researcher: str | None = None,
    outcome: str | None = None,
    reason: str | None = None,
    kind: str | None = None,
    dataset: str | None = None,
    question: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[Logged]:
    """Entries in the order they were written: with every label given, ``since`` <= at < ``until``, index above ``after``."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise ValueError(f"a page has 1 to {LONGEST_PAGE} entries")
    labels = {
        "project": project, "person_asking": researcher, "outcome": outcome, "reason": reason, "kind": kind, "dataset": dataset,
        "id": question,
    }  # fmt: skip
    asked: list[ColumnElement[bool]] = [entries.c[name] == text for name, text in labels.items() if text is not None]
    if since is not None:
        asked.append(entries.c.at >= timestamp(since))
    if until is not None:
        asked.append(entries.c.at < timestamp(until))
    if after is not None:
        asked.append(entries.c.index > after)
    # The inner query is answered by indexes alone; leaves are read for the page only.
    found = select(entries.c.index).where(*asked).order_by(entries.c.index).limit(limit)
    rows = tx.execute(select(*_SHOWN).where(entries.c.index.in_(found)).order_by(entries.c.index))
    return [_logged(row) for row in rows]


def _logged(row: Row[Any]) -> Logged:
    leaf = json.loads(row.leaf)
    body = {name: value for name, value in leaf.items() if name not in _NAMED}
    labels = {label: getattr(row, label) for label in LABELS}
    # By place: a row of SQLAlchemy has an `index` of its own.
    return Logged(index=row[0], at=row.at, kind=row.kind, **labels, body=body, leaf=row.leaf)


def _within(tx: Transaction, at_size: int | None) -> int:
    now = size(tx)
    if at_size is None:
        return now
    if not 0 <= at_size <= now:
        raise ValueError("the log has no such size")
    return at_size


def _reader(tx: Transaction) -> tree.Read:
    return lambda level, position: _subtree(tx, level, position)


def _subtree(tx: Transaction, level: int, position: int) -> bytes:
    found = tx.execute(_SUBTREE, {"level": level, "position": position}).scalar()
    if found is None:
        raise Fault("log")
    return bytes(found)
