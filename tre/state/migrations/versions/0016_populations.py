"""The mode of a dataset becomes that of the people it is about: what was a dataset's name is the name of its population."""

from __future__ import annotations

from alembic import op

revision = "0016_populations"
down_revision = "0015_closed_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE opt_out_modes RENAME COLUMN dataset TO people")


def downgrade() -> None:
    raise NotImplementedError("a population keeps its mode")
