"""Lists of opt-outs that count as not delivered since a restore, until each has come whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_closed_registers"
down_revision = "0012_exemptions"
branch_labels = None
depends_on = None

CLOSED = "regime IN ('type-1', 'national', 'local', 'check-service')"


def upgrade() -> None:
    op.create_table(
        "closed_registers",
        sa.Column("regime", sa.Text, sa.CheckConstraint(CLOSED), primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("what is closed is opened by whole deliveries alone")
