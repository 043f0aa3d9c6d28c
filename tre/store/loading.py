"""A folder of source files → a snapshot. Streamed: what is held in memory does not grow with the number of rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tre.errors import Fault
from tre.policy import DatasetPolicy
from tre.store.connection import Connection, EngineError, connected, watched
from tre.store.files import make_durable, publish_folder, workshop
from tre.store.manifest import finish
from tre.store.source import find_sources
from tre.store.staging import stage
from tre.store.writing import attach, detach, write_persons, write_table
from tre.terms import Snapshot

Counts = Mapping[str, Mapping[str, int]]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Loaded:
    """A snapshot and what became of each table's rows: every row is accepted or rejected, and a rejected one has one reason.
    ``nulled``: values that could not be kept, of rows whose other values could. The counts are the controller's alone."""

    snapshot: Snapshot
    accepted: Mapping[str, int]
    rejected: Counts
    nulled: Counts


@dataclass
class _Counted:
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    nulled: dict[str, dict[str, int]] = field(default_factory=dict)


def load(
    policy: DatasetPolicy,
    source: Path,
    store: Path,
    key: bytes,
    leave_out: Iterable[bytes] = (),
    progress: Progress | None = None,
) -> Loaded:
    """Load ``source`` without the people whose pseudonyms are in ``leave_out``. Nothing is in ``store`` until all of it is,
    durable and proved; identifiers are in a temporary folder only, which is removed."""
    told = _Told(progress or (lambda *_: None), 2 * len(policy.tables) + 2)
    place = (store / policy.dataset / secrets.token_hex(16)).absolute()
    with workshop(place.parent) as begun:
        made, spill = begun / "made", begun / "spill"
        for folder in (made, spill, made / "exclusions"):
            folder.mkdir(mode=0o700)
        try:
            with connected(begun / "work.duckdb", spill) as connection:
                counted = _write(connection, policy, source, made, key, leave_out, told)
            told("proving the facts")
            snapshot = finish(policy, made, place, spill)
        except EngineError:  # its text may hold values
            raise Fault("load") from None
        publish_folder(made, place)
    make_durable(store)
    return Loaded(snapshot, counted.accepted, counted.rejected, counted.nulled)


def _write(
    connection: Connection,
    policy: DatasetPolicy,
    source: Path,
    made: Path,
    key: bytes,
    leave_out: Iterable[bytes],
    told: _Told,
) -> _Counted:
    """The files of the snapshot: each source is read once, then persons are numbered, then each table is written."""
    counted = _Counted()
    for name, found in find_sources(connection, policy, source).items():
        told(f"reading {found.path.name}")
        with watched(connection, told.within):
            rejected, nulled = stage(connection, policy, name, found)
        counted.rejected[name], counted.nulled[name] = dict(rejected), dict(nulled)
    told("making pseudonyms")
    attach(connection, policy, made)
    write_persons(connection, policy, key, leave_out, made.parent)
    for name in policy.tables:
        told(f"writing {name}")
        counted.accepted[name], left_away = write_table(connection, policy, name, made.parent, told.within)
        counted.rejected[name].update(left_away)
    detach(connection, policy)
    return counted


class _Told:
    """Tells the progress, a step at a time."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps, self._done, self._what = progress, steps, 0, ""

    def __call__(self, what: str) -> None:
        self._what = what
        self._progress(what, self._done / self._steps)
        self._done += 1

    def within(self, fraction: float) -> None:
        """So much of the step that was told last is done."""
        self._progress(self._what, (self._done - 1 + fraction) / self._steps)
