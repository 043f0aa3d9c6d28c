"""Budgets of which a restore does not know what was spent; and by which certificate each unlinked snapshot was certified."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_closed_accounts"
down_revision = "0014_withdrawn_meanwhile"
branch_labels = None
depends_on = None

CERTIFIED = """UPDATE snapshots SET certified_by = (
    SELECT c.id FROM certificates c, json_each(c.statement, '$.unlinked') u WHERE u.value = snapshots.id)"""


def upgrade() -> None:
    op.add_column("accounts", sa.Column("closed_at", sa.Text))
    op.add_column("snapshots", sa.Column("certified_by", sa.Text))
    op.execute(CERTIFIED)


def downgrade() -> None:
    raise NotImplementedError("what is closed is opened by people alone")
