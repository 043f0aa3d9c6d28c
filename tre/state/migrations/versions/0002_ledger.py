"""The rooms of the ledger: budgets, projects, opt-outs, questions and releases; and the triggers that keep what was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_ledger"
down_revision = "0001_audit"
branch_labels = None
depends_on = None

PARTS = ("rho", "epsilon", "delta")
REGIME = "regime IN ('type-1', 'national', 'local')"
# Rows that stay for good, and what of them may change.
KEPT = ("accounts", "reservations", "charges", "identities", "projects", "questions", "objections", "opt_out_batches")
AS_WRITTEN = {
    "charges": "true",
    "opt_out_batches": "true",
    "objections": "true",
    "reservations": "OLD.state <> 'open' OR NEW.id <> OLD.id OR NEW.question <> OLD.question OR NEW.project <> OLD.project"
    " OR NEW.dataset <> OLD.dataset OR NEW.person IS NOT OLD.person OR NEW.at <> OLD.at"
    " OR NEW.rho <> OLD.rho OR NEW.epsilon <> OLD.epsilon OR NEW.delta <> OLD.delta",
    # An outcome is for good. Its bytes may lose the question's text, after the text itself has been erased.
    "questions": "OLD.closed_at IS NOT NULL AND (NEW.state <> OLD.state OR NEW.closed_at IS NOT OLD.closed_at"
    " OR NEW.reservation IS NOT OLD.reservation OR NEW.repeat_of IS NOT OLD.repeat_of OR NEW.status IS NOT OLD.status"
    " OR NEW.key IS NOT OLD.key OR NEW.body IS NOT OLD.body OR NEW.id <> OLD.id OR (NEW.envelope IS NOT OLD.envelope"
    " AND EXISTS (SELECT 1 FROM question_texts WHERE question = OLD.id)))",
    "releases": "OLD.sealed = 0 OR NEW.sealed <> 0 OR NEW.statement <> OLD.statement OR NEW.digest <> OLD.digest"
    " OR NEW.reservation <> OLD.reservation OR NEW.question <> OLD.question OR NEW.release_at <> OLD.release_at",
}


def amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.CheckConstraint(f"{name} >= 0"), nullable=False)


def upgrade() -> None:
    budgets()
    people_and_projects()
    opt_outs()
    questions_and_releases()
    for table in KEPT:
        keep(table, "DELETE", "true")
    for table, when in AS_WRITTEN.items():
        keep(table, "UPDATE", when)
    keep("releases", "DELETE", "OLD.sealed = 0")


def keep(table: str, act: str, when: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: what was written stays'); END"
    op.execute(f"CREATE TRIGGER {table}_{act.lower()} BEFORE {act} ON {table} WHEN {when} {refuse}")


def budgets() -> None:
    op.create_table(
        "accounts",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('concentrated', 'pure')"), nullable=False),
        sa.Column("stated_epsilon", sa.Text, nullable=False),
        sa.Column("stated_delta", sa.Text, nullable=False),
        sa.Column("stated_keys_delta", sa.Text),
        *(amount(f"{pot}_{part}") for pot in ("ceiling", "spent", "reserved") for part in PARTS),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("question", sa.Text, nullable=False, unique=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        *(amount(part) for part in PARTS),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state IN ('open', 'released', 'fault', 'cancelled')"),
            nullable=False,
            index=True,
        ),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "charges",
        sa.Column("reservation", sa.Text, sa.ForeignKey("reservations.id"), primary_key=True),
        sa.Column("scope", sa.Text, sa.ForeignKey("accounts.scope"), primary_key=True, index=True),
        *(amount(part) for part in PARTS),
        sqlite_strict=True,
    )


def people_and_projects() -> None:
    op.create_table(
        "identities",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("pseudonym", sa.Text, nullable=False, unique=True),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("token", sa.LargeBinary, sa.CheckConstraint("length(token) = 32"), nullable=False, unique=True),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("legal_basis", sa.Text, nullable=False),
        sa.Column("lay_summary", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("state", sa.Text, sa.CheckConstraint("state IN ('active', 'inactive', 'held', 'closed')"), nullable=False),
        sa.Column("ends_on", sa.Text, nullable=False),
        sa.Column("faults", sa.Integer, sa.CheckConstraint("faults >= 0"), nullable=False),
        sa.Column("held_at", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "members",
        sa.Column("project", sa.Text, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("name", sa.Text, sa.ForeignKey("identities.name"), primary_key=True, index=True),
        sqlite_strict=True,
    )


def opt_outs() -> None:
    op.create_table(
        "registers",
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("as_of", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "objections",
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), primary_key=True),
        sa.Column("pseudonym", sa.LargeBinary, sa.CheckConstraint("length(pseudonym) = 16"), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "opt_out_batches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("regime", sa.Text, sa.CheckConstraint(REGIME), nullable=False),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("applied", sa.Integer, nullable=False),
        sa.Column("already_known", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_strict=True,
    )


def questions_and_releases() -> None:
    op.create_table(
        "questions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reservation", sa.Text, unique=True),
        sa.Column("repeat_of", sa.Text, sa.ForeignKey("questions.id")),
        sa.Column("status", sa.Integer),
        sa.Column("content_type", sa.Text),
        sa.Column("envelope", sa.LargeBinary),
        sa.Column("closed_at", sa.Text),
        sa.Column("cancelled_at", sa.Text),
        sa.UniqueConstraint("person", "key"),
        sa.CheckConstraint("state IN ('waiting', 'running', 'released', 'refused', 'fault', 'cancelled')"),
        sa.CheckConstraint(
            "(state IN ('waiting', 'running')) = (closed_at IS NULL) AND (closed_at IS NULL) = (envelope IS NULL)"
        ),
        sa.CheckConstraint("state NOT IN ('running', 'released') OR reservation IS NOT NULL OR repeat_of IS NOT NULL"),
        sqlite_strict=True,
    )
    op.create_index("questions_by_project", "questions", ["project", "number"])
    op.create_index("questions_by_state", "questions", ["state"])
    op.create_table(
        "question_texts",
        sa.Column("question", sa.Text, sa.ForeignKey("questions.id"), primary_key=True),
        sa.Column("sql", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "releases",
        sa.Column("reservation", sa.Text, primary_key=True),
        sa.Column("question", sa.Text, sa.ForeignKey("questions.id"), nullable=False, unique=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("repeat_key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('concentrated', 'pure')"), nullable=False),
        sa.Column("scales", sa.Text, nullable=False),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("suppressed", sa.Integer, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("regimes", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opt_outs_as_of", sa.Text, nullable=False),
        sa.Column("sealed", sa.Integer, nullable=False),
        sa.Column("sealed_at", sa.Text, nullable=False),
        sa.Column("release_at", sa.Text, nullable=False),
        sa.Column("published_at", sa.Text),
        sa.CheckConstraint("(sealed = 1 AND published_at IS NULL) OR (sealed = 0 AND published_at >= release_at)"),
        sqlite_strict=True,
    )
    op.create_index("releases_by_repeat_key", "releases", ["project", "repeat_key"])


def downgrade() -> None:
    raise NotImplementedError("the ledger is only added to")
