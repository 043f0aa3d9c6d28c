"""Custody of the records: loads them, makes pseudonyms of the identifiers, and keeps each version as an immutable snapshot.

Promises that a snapshot is whole or absent, that the facts in its manifest were proved over the finished files, and that no
value of a row is in any message. Never answers a question, never changes a file in place, never sees a register: it is handed
the pseudonyms to leave out.
"""

from __future__ import annotations

from tre.store.certificates import (
    Backup,
    Certificate,
    backups,
    certificates,
    keep_certificate,
    note_backup,
    note_whole,
)
from tre.store.exclusions import (
    OPENED_WITHIN_S,
    exclude,
    excluded,
    exclusion_file,
    sweep_exclusions,
    uncleared,
    uncleared_file,
)
from tre.store.files import alone_with, cleared_of_unnamed, make_durable, making, sweep, workshop
from tre.store.lists import Listed, delivering, enlist, nobody_delivers, place_of, sweep_lists
from tre.store.loading import Loaded, load
from tre.store.retiring import holding, rows_of, unlink
from tre.store.rewriting import check_files, rewrite
from tre.store.snapshots import (
    known,
    live,
    make_live,
    note_certified,
    note_unlinked,
    present,
    stand_down,
    stop,
    stopped,
    superseded,
    uncertified,
    unlinked,
    without,
)

__all__ = [
    "OPENED_WITHIN_S",
    "Backup",
    "Certificate",
    "Listed",
    "Loaded",
    "alone_with",
    "backups",
    "certificates",
    "check_files",
    "cleared_of_unnamed",
    "delivering",
    "enlist",
    "exclude",
    "excluded",
    "exclusion_file",
    "holding",
    "keep_certificate",
    "known",
    "live",
    "load",
    "make_durable",
    "make_live",
    "making",
    "nobody_delivers",
    "note_backup",
    "note_certified",
    "note_unlinked",
    "note_whole",
    "place_of",
    "present",
    "rewrite",
    "rows_of",
    "stand_down",
    "stop",
    "stopped",
    "superseded",
    "sweep",
    "sweep_exclusions",
    "sweep_lists",
    "uncertified",
    "uncleared",
    "uncleared_file",
    "unlink",
    "unlinked",
    "without",
    "workshop",
]
