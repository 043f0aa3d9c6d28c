"""The policies that were in force, and who approved a looser one; neither is ever changed or taken out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_policy"
down_revision = "0006_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("resolved", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "policy_approvals",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("follows", sa.Text, nullable=False),
        sa.Column("name", sa.Text, sa.ForeignKey("identities.name"), nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.UniqueConstraint("digest", "follows", "name"),
        sqlite_strict=True,
    )
    for table in ("policies", "policy_approvals"):
        for act in ("DELETE", "UPDATE"):
            refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: what was written stays'); END"
            op.execute(f"CREATE TRIGGER {table}_{act.lower()} BEFORE {act} ON {table} {refuse}")


def downgrade() -> None:
    raise NotImplementedError("what was in force is only added to")
