"""The approvals that a project stands on. One active before they were kept stands on that, until its last day is over."""

from __future__ import annotations

from alembic import op

revision = "0006_accounts"
down_revision = "0005_repeats"
branch_labels = None
depends_on = None

# As `projects` reads them: a list in JSON, each with the instant from which it has lapsed.
CARRIED_OVER = """json_array(json_object('kind', 'carried-over', 'reference', 'Active before references were kept',
    'expires_at', coalesce(date(ends_on, '+1 day') || 'T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z')))"""


def upgrade() -> None:
    op.execute("ALTER TABLE projects ADD COLUMN approvals TEXT DEFAULT '[]' NOT NULL")
    op.execute(f"UPDATE projects SET approvals = {CARRIED_OVER} WHERE state IN ('active', 'held')")


def downgrade() -> None:
    raise NotImplementedError("what a project stands on stays known")
