"""The log: entries, the hashes of complete subtrees, signed checkpoints; and the triggers that keep them as they were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_audit"
down_revision = None
branch_labels = None
depends_on = None

LABELS = ("project", "person_asking", "outcome", "reason", "dataset", "id")
ADDS_ONLY = {
    "entries": """NEW."index" <> (SELECT coalesce(max("index"), -1) + 1 FROM entries)""",
    "subtrees": "EXISTS (SELECT 1 FROM subtrees WHERE level = NEW.level AND position = NEW.position)",
    "checkpoints": "NEW.size <= (SELECT coalesce(max(size), -1) FROM checkpoints)",
}
REFUSE = "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        *(sa.Column(label, sa.Text) for label in LABELS),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    for label in ("at", "kind", *LABELS):
        op.create_index(f"entries_by_{label}", "entries", [label])
    op.create_table(
        "subtrees",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("vkey", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    for table, unless in ADDS_ONLY.items():
        op.execute(f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN {unless} {REFUSE}")
        op.execute(f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {REFUSE}")
        op.execute(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {REFUSE}")


def downgrade() -> None:
    raise NotImplementedError("the log is only added to")
