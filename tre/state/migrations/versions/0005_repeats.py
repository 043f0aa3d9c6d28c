"""Releases given again in another project: which release they repeat, and how one is found whatever its project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_repeats"
down_revision = "0004_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("releases", sa.Column("repeat_of", sa.Text))
    op.create_index("releases_of_all_by_repeat_key", "releases", ["repeat_key"])


def downgrade() -> None:
    raise NotImplementedError("the ledger is only added to")
