"""The log's tables, and the triggers that make SQLite itself refuse to change what was written or to leave a gap."""

from __future__ import annotations

from sqlalchemy import DDL, Column, Index, Integer, LargeBinary, Table, Text, event

from tre.state import metadata

# What an entry is about, in its caller's words; ``id`` is of the question it belongs to.
LABELS = ("project", "person_asking", "outcome", "reason", "dataset", "id")

entries = Table(
    "entries",
    metadata,
    Column("index", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    *(Column(label, Text) for label in LABELS),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    sqlite_strict=True,
)
for _label in ("at", "kind", *LABELS):
    Index(f"entries_by_{_label}", entries.c[_label])

# The hash of every complete subtree: of 2^level entries, the first of them position * 2^level. Level 0 is the leaf hashes.
subtrees = Table(
    "subtrees",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

# What a leaf has only a salted digest of, for auditors, and the only thing here that can be erased. Columns of a kind, an outcome
# and a reason are there where they are sealed too.
SEALED = ("kind", "outcome", "reason")
openings = Table(
    "openings",
    metadata,
    Column("index", Integer, primary_key=True, autoincrement=False),
    *(Column(label, Text) for label in SEALED),
    Column("salt", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
    sqlite_strict=True,
)
for _label in SEALED:
    Index(f"openings_by_{_label}", openings.c[_label])

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("vkey", Text, nullable=False),
    sqlite_strict=True,
)

# An INSERT OR REPLACE deletes without waking a DELETE trigger, so what may be inserted is said too.
ADDS_ONLY = {
    "entries": """NEW."index" <> (SELECT coalesce(max("index"), -1) + 1 FROM entries)""",
    "subtrees": "EXISTS (SELECT 1 FROM subtrees WHERE level = NEW.level AND position = NEW.position)",
    "checkpoints": "NEW.size <= (SELECT coalesce(max(size), -1) FROM checkpoints)",
}


def triggers(table: str) -> tuple[str, str, str]:
    """The three statements that keep a table of the log as it was written."""
    refuse = "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
    return (
        f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN {ADDS_ONLY[table]} {refuse}",
        f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {refuse}",
    )


# An opening comes with its entry, and is that or nothing.
OPENINGS = (
    """CREATE TRIGGER openings_insert BEFORE INSERT ON openings
    WHEN NEW."index" <> (SELECT coalesce(max("index"), -1) FROM entries)
    OR EXISTS (SELECT 1 FROM openings WHERE "index" = NEW."index")
    BEGIN SELECT RAISE(ABORT, 'what was sealed is only erased'); END""",
    "CREATE TRIGGER openings_update BEFORE UPDATE ON openings BEGIN SELECT RAISE(ABORT, 'what was sealed is only erased'); END",
)

for _table in (entries, subtrees, checkpoints):
    for _statement in triggers(_table.name):
        event.listen(_table, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]
for _statement in OPENINGS:
    event.listen(openings, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]
