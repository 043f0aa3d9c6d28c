"""Exemptions from opt-outs, the mode of each dataset, and what the register tells of a project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_exemptions"
down_revision = "0011_erasure"
branch_labels = None
depends_on = None

GRANTED = ("number", "id", "project", "regimes", "legal_basis", "approval_reference", "expires_on", "granted_at")
AS_WRITTEN = {
    "exemptions": " OR ".join(["OLD.revoked_at IS NOT NULL", *(f"NEW.{name} <> OLD.{name}" for name in GRANTED)]),
    "opt_out_modes": "true",
}


def upgrade() -> None:
    for name in ("organisation", "benefit"):
        op.add_column("projects", sa.Column(name, sa.Text, nullable=False, server_default=""))
    exemptions()
    modes()
    for table, when in AS_WRITTEN.items():
        keep(table, "DELETE", "true")
        keep(table, "UPDATE", when)


def keep(table: str, act: str, when: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: what was written stays'); END"
    op.execute(f"CREATE TRIGGER {table}_{act.lower()} BEFORE {act} ON {table} WHEN {when} {refuse}")


def exemptions() -> None:
    op.create_table(
        "exemptions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("project", sa.Text, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("regimes", sa.Text, nullable=False),
        sa.Column("legal_basis", sa.Text, nullable=False),
        sa.Column("approval_reference", sa.Text, nullable=False),
        sa.Column("expires_on", sa.Text, nullable=False),
        sa.Column("granted_at", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("ix_exemptions_project", "exemptions", ["project"])


def modes() -> None:
    """Whatever was reserved so far was under all three regimes: no purpose that lifts one could ask."""
    op.create_table(
        "opt_out_modes",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("regimes", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO opt_out_modes (dataset, regimes, at) "
        "SELECT dataset, 'local,national,type-1', min(at) FROM reservations GROUP BY dataset"
    )


def downgrade() -> None:
    raise NotImplementedError("what was approved stays, and a dataset keeps its mode")
