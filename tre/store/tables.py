"""The tables of snapshots, backups and certificates of erasure: which there are, where, and which of each dataset is live."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from tre.state import metadata

# ``folder``: below the folder of the database where it can be, so that a home is moved whole. ``stopped_at``: an alarm closed it.
# ``without_version``: whoever had objected, with deletion as its meaning, at that version of the registers is not in it.
# ``unlinked_at``: its files are gone. ``certified_by``: the certificate that says so, once nothing else that may hold its people
# stands in the store.
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
    Column("without_version", Integer),
    Column("unlinked_at", Text),
    Column("certified_by", Text),
    sqlite_strict=True,
)

one_is_live = Index("snapshots_live", snapshots.c.dataset, unique=True, sqlite_where=text("live = 1"))

# ``statement``: canonical JSON, whose bytes are signed. ``entry``: the index in the log of the entry that has its digest.
certificates = Table(
    "certificates",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("dataset", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    sqlite_strict=True,
)

# ``snapshots``: dataset → snapshot in it, as JSON. ``digest``: of its list of files, once it is whole.
backups = Table(
    "backups",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("snapshots", Text, nullable=False),
    Column("digest", Text),
    sqlite_strict=True,
)
