"""Snapshots: which there are and which of each dataset is live; a snapshot's row stays, and stays what it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_store"
down_revision = "0002_ledger"
branch_labels = None
depends_on = None

CHANGED = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in ("id", "dataset", "folder", "schema", "manifest", "live_from"))
REFUSE = "BEGIN SELECT RAISE(ABORT, 'a snapshot stays as it was loaded'); END"


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("live_from", sa.Text, nullable=False),
        sa.Column("live", sa.Integer, sa.CheckConstraint("live IN (0, 1)"), nullable=False),
        sa.Column("stopped_at", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("snapshots_live", "snapshots", ["dataset"], unique=True, sqlite_where=sa.text("live = 1"))
    op.execute(f"CREATE TRIGGER snapshots_update BEFORE UPDATE ON snapshots WHEN {CHANGED} {REFUSE}")
    op.execute(f"CREATE TRIGGER snapshots_delete BEFORE DELETE ON snapshots {REFUSE}")


def downgrade() -> None:
    raise NotImplementedError("a snapshot's row stays")
