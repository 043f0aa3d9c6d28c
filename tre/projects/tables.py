"""The tables of identities, projects and members, and of what people decided about them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from tre.state import metadata

identities = Table(
    "identities",
    metadata,
    Column("name", Text, primary_key=True),
    Column("pseudonym", Text, nullable=False, unique=True),
    Column("roles", Text, nullable=False),
    # SHA-256 of the token, which has 256 random bits: nothing to guess, so nothing slower is needed.
    Column("token", LargeBinary, CheckConstraint("length(token) = 32"), nullable=False, unique=True),
    Column("made_at", Text, nullable=False),
    Column("revoked_at", Text),
    sqlite_strict=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("lay_summary", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('active', 'inactive', 'held', 'closed')"), nullable=False),
    Column("ends_on", Text, nullable=False),
    Column("faults", Integer, CheckConstraint("faults >= 0"), nullable=False),
    Column("held_at", Text),
    Column("version", Integer, nullable=False),
    # The approvals from outside that it stands on, as JSON: read whole with each question, and changed whole.
    Column("approvals", Text, nullable=False, server_default="[]"),
    # For the register: whose project it is, and what the public has of it.
    Column("organisation", Text, nullable=False, server_default=""),
    Column("benefit", Text, nullable=False, server_default=""),
    sqlite_strict=True,
)

members = Table(
    "members",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, ForeignKey("identities.name"), primary_key=True, index=True),
    sqlite_strict=True,
)

approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", Text, nullable=False),
    # A digest of what the change would replace: an approval of something that has changed meanwhile has no effect.
    Column("made_on", Text, nullable=False),
    Column("simulation", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    Column("why", Text),
    CheckConstraint("state IN ('waiting', 'approved', 'refused', 'withdrawn', 'lapsed')"),
    CheckConstraint(
        "(state = 'waiting') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)"
        " AND (decided_at IS NULL) = (why IS NULL)"
    ),
    # The database itself holds the two people apart.
    CheckConstraint("state NOT IN ('approved', 'refused') OR decided_by <> proposer"),
    Index("approvals_by_state", "state", "number"),
    Index("approvals_by_subject", "kind", "subject"),
    sqlite_strict=True,
)

budget_requests = Table(
    "budget_requests",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("epsilon", Text, nullable=False),
    Column("delta", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_strict=True,
)

hold_decisions = Table(
    "hold_decisions",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False),
    Column("held_at", Text, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("released", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    sqlite_strict=True,
)

# Which policies were in force, whole, as canonical JSON; the last is in force now. The log has their digests.
policies = Table(
    "policies",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("resolved", Text, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_strict=True,
)

# Who approved that the policies of one digest follow those of another.
policy_approvals = Table(
    "policy_approvals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("follows", Text, nullable=False),
    Column("name", Text, ForeignKey("identities.name"), nullable=False),
    Column("at", Text, nullable=False),
    UniqueConstraint("digest", "follows", "name"),
    sqlite_strict=True,
)

# ``regimes`` are those that do not apply, sorted. A row is changed once: when it is revoked.
exemptions = Table(
    "exemptions",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("project", Text, ForeignKey("projects.id"), nullable=False, index=True),
    Column("regimes", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("approval_reference", Text, nullable=False),
    Column("expires_on", Text, nullable=False),
    Column("granted_at", Text, nullable=False),
    Column("revoked_at", Text),
    sqlite_strict=True,
)
