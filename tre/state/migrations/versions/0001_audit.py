"""The log: entries, the hashes of complete subtrees, signed checkpoints; and the triggers that keep them as they were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_audit"
down_revision = None
branch_labels = None
depends_on = None

LABELS = ("project", "person_asking", "outcome", "reason", "dataset")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        *(sa.Column(label, sa.String) for label in LABELS),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    )
    for label in ("at", "kind", *LABELS):
        op.create_index(f"entries_by_{label}", "entries", [label])
    op.create_table(
        "subtrees",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
    )
    for table in ("entries", "subtrees", "checkpoints"):
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_never_{act.lower()} BEFORE {act} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
            )


def downgrade() -> None:
    raise NotImplementedError("the log is only added to")
