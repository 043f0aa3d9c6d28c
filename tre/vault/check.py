"""The run-time alarm: what must be true of the snapshot and of the counts, looked at again while answering.

Promises to raise only when the guarantee has already failed: in a correct build no records and no question can raise it. Shares
no code with the load that proved the facts nor with `plan.bound`. Never says what it saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tre.plan.order import Order
from tre.terms import Snapshot
from tre.vault.exact import ExactTable


class Alarm(Exception):
    """A fact that was proved is not so. Carries nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the engine counted when it opened a table: rows, different persons among them, rows left out."""

    rows: int
    persons: int
    left_out: int


def manifest_of(snapshot: Snapshot) -> Mapping[str, Any]:
    """The manifest, if it is the one that the snapshot names, and its files stand beside it in their sizes. (Their digests are
    taken again by whoever proves the store: a second per gigabyte is too much here.)"""
    raw = (Path(snapshot.folder) / "manifest.json").read_bytes()
    if "sha256:" + hashlib.sha256(raw).hexdigest() != snapshot.manifest:
        raise Alarm
    manifest = json.loads(raw)
    if not isinstance(manifest, dict):
        raise Alarm
    if (manifest.get("snapshot"), manifest.get("dataset"), manifest.get("schema")) != (
        snapshot.id,
        snapshot.dataset,
        snapshot.schema,
    ):
        raise Alarm
    if any((Path(snapshot.folder) / file["name"]).stat().st_size != file["size"] for file in manifest["files"]):
        raise Alarm
    return manifest


def check_tables(manifest: Mapping[str, Any], counted: Mapping[str, Counted]) -> None:
    """The facts of the load, and one row per person counted again by another way than the load's."""
    for table, seen in counted.items():
        facts = manifest["tables"][table]["facts"]
        if facts.get("one_row_per_person") is not True or facts.get("values_in_bounds") is not True:
            raise Alarm
        if seen.rows != seen.persons or not 0 <= seen.left_out <= seen.rows:
            raise Alarm


def check_counts(exact: ExactTable, order: Order, counted: Counted) -> None:
    """No count below 0 or above the public number of persons; all groups together no more than the people who did not object."""
    if counted.rows > order.max_persons:
        raise Alarm
    for counts in exact.counts:
        if min(counts) < 0 or sum(counts) > counted.rows - counted.left_out:
            raise Alarm
