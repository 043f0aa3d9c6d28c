"""Cleared lists of the check service, withdrawals of objections, and alarms about feeds. Each is only added to; that somebody's
objection is withdrawn is taken out again where they object anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_registers"
down_revision = "0009_receipts"
branch_labels = None
depends_on = None

REGIME = "regime IN ('type-1', 'national', 'local')"
KEPT = ("cleared_lists", "opt_out_withdrawals", "opt_out_alarms")


def upgrade() -> None:
    op.create_table(
        "cleared_lists",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("list", sa.Text, nullable=False),
        *(sa.Column(count, sa.Integer, nullable=False) for count in ("people", "received", "repeated")),
        *(sa.Column(told, sa.Text, nullable=False) for told in ("rejected", "source", "at")),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "withdrawn",
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), primary_key=True),
        sa.Column("pseudonym", sa.LargeBinary, sa.CheckConstraint("length(pseudonym) = 16"), primary_key=True),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_withdrawals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), nullable=False),
        *(sa.Column(count, sa.Integer, nullable=False) for count in ("received", "withdrawn", "not_known")),
        *(sa.Column(told, sa.Text, nullable=False) for told in ("rejected", "source", "at")),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_alarms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), nullable=False),
        *(sa.Column(told, sa.Text, nullable=False) for told in ("source", "why", "at")),
        sqlite_strict=True,
    )
    op.create_index("opt_out_batches_by_time", "opt_out_batches", ["at"])
    for table in KEPT:
        refuse = f"BEGIN SELECT RAISE(ABORT, 'a row of {table} stays as it was written'); END"
        op.execute(f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {refuse}")


def downgrade() -> None:
    raise NotImplementedError("what was delivered and withdrawn is only added to")
