"""The append-only log of everything asked, decided and changed, as a Merkle tree that an outsider can check.

Promises that an entry is never changed or taken out, that every size has one root, and that a signed size is never taken back.
Stores bytes and the labels its caller gives; computes nothing from what it stores, and never holds a question's text or a
person's id. What a caller seals is in the tree as a salted digest, and beside it for auditors until it is erased. `verify` is the
second opinion: it shares no code with the rest.
"""

from tre.audit.checkpoint import latest, publish, vkey
from tre.audit.log import (
    LONGEST_PAGE,
    SALT,
    Entry,
    Logged,
    Position,
    append,
    consistency,
    count_openings,
    entry,
    erase_opening,
    inclusion,
    last,
    page,
    root,
    size,
)
from tre.audit.tiles import export
from tre.audit.verify import Verdict, verify_database, verify_folder

__all__ = [
    "LONGEST_PAGE",
    "SALT",
    "Entry",
    "Logged",
    "Position",
    "Verdict",
    "append",
    "consistency",
    "count_openings",
    "entry",
    "erase_opening",
    "export",
    "inclusion",
    "last",
    "latest",
    "page",
    "publish",
    "root",
    "size",
    "verify_database",
    "verify_folder",
    "vkey",
]
