"""Whoever withdraws while a list that names them is being entered is told apart; and of which form a batch's tree is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_withdrawn_meanwhile"
down_revision = "0013_closed_registers"
branch_labels = None
depends_on = None

# Of batches and withdrawals from before: nobody was told apart, and every withdrawal was before any batch that is begun now.
ADDED = (
    ("opt_out_batches", "withdrawn"),
    ("withdrawn", "version"),
    ("opt_out_unfinished", "version"),
    ("opt_out_receipts", "padded"),
)


def upgrade() -> None:
    for table, column in ADDED:
        op.add_column(table, sa.Column(column, sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    raise NotImplementedError("a receipt that was given is kept")
