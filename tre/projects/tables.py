"""The tables of identities, projects and members."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Table, Text

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
    sqlite_strict=True,
)

members = Table(
    "members",
    metadata,
    Column("project", Text, ForeignKey("projects.id"), primary_key=True),
    Column("name", Text, ForeignKey("identities.name"), primary_key=True, index=True),
    sqlite_strict=True,
)
