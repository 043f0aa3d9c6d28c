"""Receipts of opt-outs: of each batch its signed root, what became of each line, and the hashes that proofs are made from.
And the batches that were begun and not entered to their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_receipts"
down_revision = "0008_openings"
branch_labels = None
depends_on = None

REGIME = "regime IN ('type-1', 'national', 'local')"


def upgrade() -> None:
    op.create_table(
        "opt_out_receipts",
        sa.Column("batch", sa.Text, sa.ForeignKey("opt_out_batches.id"), primary_key=True),
        sa.Column("first_line", sa.Integer, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("vkey", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_lines",
        sa.Column("batch", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("states", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_tiles",
        sa.Column("batch", sa.Text, primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_unfinished",
        sa.Column("batch", sa.Text, primary_key=True),
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("counting", sa.Integer, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("a receipt that was given is kept")
