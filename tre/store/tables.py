"""The table of snapshots: which there are, where, and which of each dataset is live."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from tre.state import metadata

# ``folder``: below the folder of the database where it can be, so that a home is moved whole. ``stopped_at``: an alarm closed it.
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("live_from", Text, nullable=False),
    Column("live", Integer, CheckConstraint("live IN (0, 1)"), nullable=False),
    Column("stopped_at", Text),
    sqlite_strict=True,
)

one_is_live = Index("snapshots_live", snapshots.c.dataset, unique=True, sqlite_where=text("live = 1"))
