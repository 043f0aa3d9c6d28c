"""What leaves of the log have only a salted digest of: for auditors, erasable; and the triggers that keep it as it was sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_openings"
down_revision = "0007_policy"
branch_labels = None
depends_on = None

LABELS = ("kind", "outcome", "reason")
REFUSE = "BEGIN SELECT RAISE(ABORT, 'what was sealed is only erased'); END"
OTHER = """NEW."index" <> (SELECT coalesce(max("index"), -1) FROM entries)
    OR EXISTS (SELECT 1 FROM openings WHERE "index" = NEW."index")"""


def upgrade() -> None:
    op.create_table(
        "openings",
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(label, sa.Text) for label in LABELS),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    for label in LABELS:
        op.create_index(f"openings_by_{label}", "openings", [label])
    op.execute(f"CREATE TRIGGER openings_insert BEFORE INSERT ON openings WHEN {OTHER} {REFUSE}")
    op.execute(f"CREATE TRIGGER openings_update BEFORE UPDATE ON openings {REFUSE}")


def downgrade() -> None:
    raise NotImplementedError("the log is only added to")
