"""The tables of questions, of their texts (the only thing here that can be erased) and of releases."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from tre.state import metadata

OPEN = ("waiting", "running")
CLOSED = ("released", "refused", "fault", "cancelled")

questions = Table(
    "questions",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("project", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("key", Text),
    Column("body", Text),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reservation", Text, unique=True),
    Column("repeat_of", Text, ForeignKey("questions.id")),
    Column("status", Integer),
    Column("content_type", Text),
    Column("envelope", LargeBinary),
    Column("closed_at", Text),
    Column("cancelled_at", Text),
    UniqueConstraint("person", "key"),
    CheckConstraint("state IN ('waiting', 'running', 'released', 'refused', 'fault', 'cancelled')"),
    CheckConstraint("(state IN ('waiting', 'running')) = (closed_at IS NULL) AND (closed_at IS NULL) = (envelope IS NULL)"),
    CheckConstraint("state NOT IN ('running', 'released') OR reservation IS NOT NULL OR repeat_of IS NOT NULL"),
    Index("questions_by_project", "project", "number"),
    Index("questions_by_state", "state"),
    sqlite_strict=True,
)

question_texts = Table(
    "question_texts",
    metadata,
    Column("question", Text, ForeignKey("questions.id"), primary_key=True),
    Column("sql", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    sqlite_strict=True,
)

releases = Table(
    "releases",
    metadata,
    Column("reservation", Text, primary_key=True),
    Column("question", Text, ForeignKey("questions.id"), nullable=False, unique=True),
    Column("project", Text, nullable=False),
    Column("repeat_key", Text, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('concentrated', 'pure')"), nullable=False),
    Column("scales", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("regimes", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opt_outs_as_of", Text, nullable=False),
    Column("sealed", Integer, nullable=False),
    Column("sealed_at", Text, nullable=False),
    Column("release_at", Text, nullable=False),
    Column("published_at", Text),
    # The reservation of the release, drawn for another project, that this one gives again. Copied from its row, which stays.
    Column("repeat_of", Text),
    CheckConstraint("(sealed = 1 AND published_at IS NULL) OR (sealed = 0 AND published_at >= release_at)"),
    Index("releases_by_repeat_key", "project", "repeat_key"),
    Index("releases_of_all_by_repeat_key", "repeat_key"),
    sqlite_strict=True,
)
