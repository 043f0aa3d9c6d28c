"""Erasure: which snapshots are unlinked, who may never come back from a backup, which certificates and backups there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_erasure"
down_revision = "0010_registers"
branch_labels = None
depends_on = None

REFUSE = "BEGIN SELECT RAISE(ABORT, 'a certificate stays as it was signed'); END"


def upgrade() -> None:
    op.add_column("snapshots", sa.Column("without_version", sa.Integer))
    op.add_column("snapshots", sa.Column("unlinked_at", sa.Text))
    op.create_table(
        "erased",
        sa.Column("pseudonym", sa.LargeBinary, sa.CheckConstraint("length(pseudonym) = 16"), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("standing", sa.Integer, sa.CheckConstraint("standing IN (0, 1)"), nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "certificates",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("vkey", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "backups",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("snapshots", sa.Text, nullable=False),
        sa.Column("digest", sa.Text),
        sqlite_strict=True,
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER certificates_{change.lower()} BEFORE {change} ON certificates {REFUSE}")


def downgrade() -> None:
    raise NotImplementedError("what was erased stays erased")
