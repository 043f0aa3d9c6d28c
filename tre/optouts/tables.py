"""The tables of the registers. A pseudonym stands here and nowhere near a record."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from tre.state import metadata

REGIMES = ("type-1", "national", "local")
_REGIME = "regime IN ('type-1', 'national', 'local')"
_CLOSED = "regime IN ('type-1', 'national', 'local', 'check-service')"

# ``version``: that at which the register last changed; one counter for all registers. ``as_of``: when it was last delivered.
registers = Table(
    "registers",
    metadata,
    Column("regime", Text, CheckConstraint(_REGIME), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("as_of", Text),
    sqlite_strict=True,
)

# Since a restore: lists of which it is not known what reached them after the backup. A regime's row goes with a delivery that
# says it is whole, that of the check service's list with any, for each is whole. ``at``: of the restore.
closed_registers = Table(
    "closed_registers",
    metadata,
    Column("regime", Text, CheckConstraint(_CLOSED), primary_key=True),
    Column("at", Text, nullable=False),
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
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    sqlite_strict=True,
)

# The regimes that the datasets about some people answer under, sorted: those of the first reservation on any, for good.
# ``people``: the name of a population or of a dataset.
modes = Table(
    "opt_out_modes",
    metadata,
    Column("people", Text, primary_key=True),
    Column("regimes", Text, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_strict=True,
)

# Of each batch: the tree of its receipts, signed. ``first_line``: the number of its first line; ``lines``: how many from
# there to the last; ``size``: leaves of the tree; ``entry``: the index of the log's entry that names the root. ``padded``: 1
# where the tree has the one size of all, 0 of the batches before, whose trees were as large as their lists.
receipts = Table(
    "opt_out_receipts",
    metadata,
    Column("batch", Text, ForeignKey("opt_out_batches.id"), primary_key=True),
    Column("first_line", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("padded", Integer, nullable=False, server_default="0"),
    sqlite_strict=True,
)

# A byte for each line of a batch, in the order of the lines: nothing here says who it was about.
line_states = Table(
    "opt_out_lines",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("states", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# 256 hashes each, in the order of the tree: level 1 of 256 receipts, level 2 of 256 hashes of level 1.
tiles = Table(
    "opt_out_tiles",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# Batches of which a part is in the register and the end is not written. ``counting`` is 1 once the register's version has moved
# for what was entered of it. ``version``: of the registers when it was begun.
unfinished_batches = Table(
    "opt_out_unfinished",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("regime", Text, CheckConstraint(_REGIME), nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("counting", Integer, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
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
# ``version``: from which on it does not count.
withdrawn = Table(
    "withdrawn",
    metadata,
    Column("regime", Text, CheckConstraint(_REGIME), primary_key=True),
    Column("pseudonym", LargeBinary, CheckConstraint("length(pseudonym) = 16"), primary_key=True),
    Column("version", Integer, nullable=False, server_default="0"),
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
