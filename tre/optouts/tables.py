"""The tables of the registers. A pseudonym stands here and nowhere near a record."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text

from tre.state import metadata

REGIMES = ("type-1", "national", "local")
_REGIME = "regime IN ('type-1', 'national', 'local')"

# ``version``: that at which the register last changed; one counter for all registers. ``as_of``: when it was last delivered.
registers = Table(
    "registers",
    metadata,
    Column("regime", Text, CheckConstraint(_REGIME), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("as_of", Text),
    sqlite_strict=True,
)

objections = Table(
    "objections",
    metadata,
    Column("regime", Text, CheckConstraint(_REGIME), primary_key=True),
    Column("pseudonym", LargeBinary, CheckConstraint("length(pseudonym) = 16"), primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

batches = Table(
    "opt_out_batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("regime", Text, CheckConstraint(_REGIME), nullable=False),
    Column("received", Integer, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("already_known", Integer, nullable=False),
    Column("rejected", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

by_time = Index("opt_out_batches_by_time", batches.c.at)

# One row for each delivery of the check service's list of people without a national opt-out; the newest is in force. ``list``
# names its file: equal lists have one. ``people``: how many it clears.
cleared_lists = Table(
    "cleared_lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list", Text, nullable=False),
    Column("people", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("rejected", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

# Whose objection does not count any more. The objection itself stays in its register; who objects anew leaves this list.
withdrawn = Table(
    "withdrawn",
    metadata,
    Column("regime", Text, CheckConstraint(_REGIME), primary_key=True),
    Column("pseudonym", LargeBinary, CheckConstraint("length(pseudonym) = 16"), primary_key=True),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

withdrawals = Table(
    "opt_out_withdrawals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("regime", Text, CheckConstraint(_REGIME), nullable=False),
    Column("received", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("not_known", Integer, nullable=False),
    Column("rejected", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

# What was noticed of a feed, once; it stands until that feed delivers again.
alarms = Table(
    "opt_out_alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("regime", Text, CheckConstraint(_REGIME), nullable=False),
    Column("source", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_strict=True,
)
