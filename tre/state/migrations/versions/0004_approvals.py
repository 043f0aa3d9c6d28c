"""What two people decide: approvals, requests for more budget, decisions on holds; and triggers that keep what was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_approvals"
down_revision = "0003_store"
branch_labels = None
depends_on = None

PROPOSED = ("number", "id", "kind", "subject", "payload", "made_on", "simulation", "salt", "proposer", "at")
AS_WRITTEN = {
    "approvals": " OR ".join(["OLD.state <> 'waiting'", *(f"NEW.{name} <> OLD.{name}" for name in PROPOSED)]),
    "budget_requests": "true",
    "hold_decisions": "true",
}


def upgrade() -> None:
    approvals()
    requests_and_holds()
    for table, when in AS_WRITTEN.items():
        keep(table, "DELETE", "true")
        keep(table, "UPDATE", when)


def keep(table: str, act: str, when: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: what was written stays'); END"
    op.execute(f"CREATE TRIGGER {table}_{act.lower()} BEFORE {act} ON {table} WHEN {when} {refuse}")


def approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("made_on", sa.Text, nullable=False),
        sa.Column("simulation", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.Text),
        sa.Column("why", sa.Text),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'refused', 'withdrawn', 'lapsed')"),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)"
            " AND (decided_at IS NULL) = (why IS NULL)"
        ),
        sa.CheckConstraint("state NOT IN ('approved', 'refused') OR decided_by <> proposer"),
        sqlite_strict=True,
    )
    op.create_index("approvals_by_state", "approvals", ["state", "number"])
    op.create_index("approvals_by_subject", "approvals", ["kind", "subject"])


def requests_and_holds() -> None:
    op.create_table(
        "budget_requests",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("project", sa.Text, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("epsilon", sa.Text, nullable=False),
        sa.Column("delta", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "hold_decisions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("project", sa.Text, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("held_at", sa.Text, nullable=False),
        sa.Column("faults", sa.Integer, nullable=False),
        sa.Column("released", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("what was decided is only added to")
