"""The tables of the registers. A pseudonym stands here and nowhere near a record."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Table, Text

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

# Whoever objected, with deletion as its meaning, before a snapshot was made: left out of it, and of whatever an older backup
# brings back, also once the objection is withdrawn. ``version``: of the registers, when they were first left out.
# ``standing``: 0 once a snapshot was made that did not leave them out any more.
erased = Table(
    "erased",
    metadata,
    Column("pseudonym", LargeBinary, CheckConstraint("length(pseudonym) = 16"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("standing", Integer, CheckConstraint("standing IN (0, 1)"), nullable=False),
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
