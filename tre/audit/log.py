"""The append-only log: what is written, found again and proved. Keeps bytes and labels; computes nothing from what they say.

Every append reads the edge of the tree inside its own write transaction: another process may have added to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Row, Select, bindparam, delete, insert, select, union_all

from tre import merkle
from tre.audit.tables import LABELS, SEALED, entries, openings, subtrees
from tre.errors import Fault
from tre.state import Transaction
from tre.terms import canonical, timestamp

Value = str | int | None

# A bundle of the published log gives an entry two bytes of length.
LARGEST = 65_535
LONGEST_PAGE = 10_000
SALT = 32  # bytes at the beginning of an opening
_NAMED = ("at", "kind", "sealed", *LABELS)

_LAST = select(entries.c.index).order_by(entries.c.index.desc()).limit(1)
_SUBTREE = select(subtrees.c.hash).where(subtrees.c.level == bindparam("level"), subtrees.c.position == bindparam("position"))
_ENTRIES = entries.outerjoin(openings, openings.c.index == entries.c.index)
_SHOWN = select(entries.c.index, entries.c.leaf, openings.c.salt, openings.c.details).select_from(_ENTRIES)
_ONE = _SHOWN.where(entries.c.index == bindparam("of"))
_ADD = insert(entries)
_ADD_OPENING = insert(openings)
_ERASE = delete(openings).where(openings.c.index == bindparam("of"))
_ADD_SUBTREES = insert(subtrees)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: kind, time and labels that can be searched for, and a body that can not. Ids in it are pseudonymous
    and digests salted, for nothing here can ever be erased. ``id`` is of the question that the entry belongs to.

    ``sealed`` is a body for auditors: everyone else reads its digest under ``salt``. With ``told``, the kind that everyone reads,
    the true kind, the outcome and the reason are sealed with it."""

    kind: str
    at: datetime
    body: Mapping[str, Value] = field(default_factory=dict)
    project: str | None = None
    person_asking: str | None = None
    outcome: str | None = None
    reason: str | None = None
    dataset: str | None = None
    id: str | None = None
    sealed: Mapping[str, Value] = field(default_factory=dict)
    told: str | None = None
    salt: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if not self.kind or self.told in ("", self.kind):
            raise ValueError("an entry has a kind, and is not told by the kind that is sealed")
        if clash := (set(_NAMED) & {*self.body, *self.sealed}) | (set(self.body) & set(self.sealed)):
            raise ValueError(f"a body cannot use a label's name, nor a name twice: {sorted(clash)}")
        if len(self.salt) != (SALT if self.sealed or self.told else 0):
            raise ValueError(f"what is sealed has a salt of {SALT} bytes, and nothing else has one")
        values: Iterable[object] = (*self.body.values(), *self.sealed.values())
        if any(isinstance(value, bool) or not isinstance(value, str | int | None) for value in values):
            raise TypeError("a body maps names to texts, integers and null")

    @property
    def labels(self) -> dict[str, str | None]:
        """What everyone can read and search for."""
        hidden = SEALED if self.told else ()
        return {label: None if label in hidden else getattr(self, label) for label in LABELS}

    @property
    def details(self) -> bytes:
        """The bytes that are sealed: canonical JSON of the sealed body and labels; empty when nothing is."""
        hidden = {label: text for label in SEALED if self.told and (text := getattr(self, label)) is not None}
        return canonical({**hidden, **self.sealed}) if self.salt else b""

    @property
    def opening(self) -> bytes | None:
        """Salt and details, of which the leaf has the SHA-256."""
        return self.salt + self.details if self.salt else None

    @property
    def leaf(self) -> bytes:
        """The bytes the tree is made of: canonical JSON of kind, time, the labels given, the body and the seal."""
        labels = {label: text for label, text in self.labels.items() if text is not None}
        seal = {"sealed": commitment(self.opening)} if self.opening else {}
        leaf = canonical({"at": timestamp(self.at), "kind": self.told or self.kind, **labels, **seal, **self.body})
        if max(len(leaf), len(self.details)) > LARGEST:
            raise ValueError("an entry is at most 65,535 bytes")
        return leaf


def commitment(opening: bytes) -> str:
    """What a leaf says of an opening."""
    return "sha256:" + hashlib.sha256(opening).hexdigest()


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands, how many there were with it, and what opens what it has sealed."""

    index: int
    size: int
    opening: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it is kept, with what was sealed in its place where that has not been erased (``opening``)."""

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
    opening: bytes | None = None


def append(tx: Transaction, entry: Entry) -> Position:
    """Add one entry and the hashes of the subtrees it completes."""
    index, leaf = size(tx), entry.leaf
    leaf_hash = merkle.leaf_hash(leaf)
    kind, at = entry.told or entry.kind, timestamp(entry.at)
    tx.execute(_ADD, entry.labels | {"index": index, "at": at, "kind": kind, "leaf": leaf, "leaf_hash": leaf_hash})
    tx.execute(_ADD_SUBTREES, _completed(tx, index, leaf_hash))
    if entry.opening is not None:
        hidden = {label: getattr(entry, label) if entry.told else None for label in SEALED}
        tx.execute(_ADD_OPENING, hidden | {"index": index, "salt": entry.salt, "details": entry.details})
    return Position(index, index + 1, entry.opening)


def erase_opening(tx: Transaction, index: int) -> bool:
    """Erase what an entry has sealed, and its salt, without which the leaf says nothing of it. Says whether it was there."""
    return tx.execute(_ERASE, {"of": index}).rowcount == 1


def _completed(tx: Transaction, index: int, leaf_hash: bytes) -> list[dict[str, Any]]:
    """The subtrees that end with this entry: the leaf, and one more for each level at which it is a right-hand child."""
    level, position, node = 0, index, leaf_hash
    rows = [{"level": 0, "position": index, "hash": leaf_hash}]
    while position % 2:
        node = merkle.node_hash(_subtree(tx, level, position - 1), node)
        level, position = level + 1, position // 2
        rows.append({"level": level, "position": position, "hash": node})
    return rows


def size(tx: Transaction) -> int:
    """How many entries there are."""
    last = tx.execute(_LAST).scalar()
    return 0 if last is None else int(last) + 1


def root(tx: Transaction, at_size: int | None = None) -> bytes:
    """The root hash, now or when the log had ``at_size`` entries."""
    return merkle.root(_reader(tx), _within(tx, at_size))


def inclusion(tx: Transaction, index: int, at_size: int | None = None) -> list[bytes]:
    """The proof that an entry is in the log of that size."""
    return merkle.inclusion(_reader(tx), index, _within(tx, at_size))


def consistency(tx: Transaction, first: int, second: int | None = None) -> list[bytes]:
    """The proof that the log of the second size begins with the log of the first."""
    return merkle.consistency(_reader(tx), first, _within(tx, second))


def entry(tx: Transaction, index: int) -> Logged | None:
    row = tx.execute(_ONE, {"of": index}).one_or_none()
    return None if row is None else _logged(row)


def last(tx: Transaction, *kinds: str) -> Logged | None:
    """The newest entry of one of these kinds."""
    newest = _SHOWN.where(entries.c.kind.in_(kinds)).order_by(entries.c.index.desc()).limit(1)
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
    labels = {"project": project, "person_asking": researcher, "dataset": dataset, "id": question}
    asked: list[ColumnElement[bool]] = [entries.c[name] == text for name, text in labels.items() if text is not None]
    if since is not None:
        asked.append(entries.c.at >= timestamp(since))
    if until is not None:
        asked.append(entries.c.at < timestamp(until))
    if after is not None:
        asked.append(entries.c.index > after)
    hidden = {name: text for name, text in (("kind", kind), ("outcome", outcome), ("reason", reason)) if text is not None}
    found = _found(asked, hidden).limit(limit)
    return [_logged(row) for row in tx.execute(_SHOWN.where(entries.c.index.in_(found)).order_by(entries.c.index))]


def _found(asked: list[ColumnElement[bool]], hidden: Mapping[str, str]) -> Select[tuple[int]] | CompoundSelect[tuple[int]]:
    """The places of what is looked for, in order: by labels that everyone reads, or by those that are sealed. Answered by indexes
    alone; leaves are read for the page only."""
    plain = select(entries.c.index).where(*asked, *(entries.c[name] == text for name, text in hidden.items()))
    if not hidden:
        return plain.order_by(entries.c.index)
    sealed = select(entries.c.index).join_from(openings, entries, entries.c.index == openings.c.index)
    sealed = sealed.where(*asked, *(openings.c[name] == text for name, text in hidden.items()))
    return union_all(plain, sealed).order_by("index")


def _logged(row: Row[Any]) -> Logged:
    # By place: a row of SQLAlchemy has an `index` of its own.
    index, leaf, salt, details = tuple(row)
    told = json.loads(leaf) | (json.loads(details) if details else {})
    body = {name: value for name, value in told.items() if name not in _NAMED}
    labels = {label: told.get(label) for label in LABELS}
    opening = None if details is None else salt + details
    return Logged(index=index, at=told["at"], kind=told["kind"], **labels, body=body, leaf=leaf, opening=opening)


def _within(tx: Transaction, at_size: int | None) -> int:
    now = size(tx)
    if at_size is None:
        return now
    if not 0 <= at_size <= now:
        raise ValueError("the log has no such size")
    return at_size


def _reader(tx: Transaction) -> merkle.Read:
    return lambda level, position: _subtree(tx, level, position)


def _subtree(tx: Transaction, level: int, position: int) -> bytes:
    found = tx.execute(_SUBTREE, {"level": level, "position": position}).scalar()
    if found is None:
        raise Fault("log")
    return bytes(found)
