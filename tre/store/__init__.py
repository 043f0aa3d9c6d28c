"""Custody of the records: loads them, makes pseudonyms of the identifiers, and keeps each version as an immutable snapshot.

Promises that a snapshot is whole or absent, that the facts in its manifest were proved over the finished files, and that no
value of a row is in any message. Never answers a question, never changes a file in place, never sees a register: it is handed
the pseudonyms to leave out.
"""

from __future__ import annotations

from tre.store.exclusions import (
    OPENED_WITHIN_S,
    exclude,
    excluded,
    exclusion_file,
    sweep_exclusions,
    uncleared,
    uncleared_file,
)
from tre.store.files import sweep, workshop
from tre.store.lists import Listed, enlist, place_of, sweep_lists
from tre.store.loading import Loaded, load
from tre.store.snapshots import live, make_live, present, stop, stopped

__all__ = [
    "OPENED_WITHIN_S",
    "Listed",
    "Loaded",
    "enlist",
    "exclude",
    "excluded",
    "exclusion_file",
    "live",
    "load",
    "make_live",
    "place_of",
    "present",
    "stop",
    "stopped",
    "sweep",
    "sweep_exclusions",
    "sweep_lists",
    "uncleared",
    "uncleared_file",
    "workshop",
]
