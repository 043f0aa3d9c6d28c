"""The one database: where it is, its shape, and the only two ways in.

Promises that `State.write` returns only when what it wrote is durable, that one caller's failure never touches another's rows,
and that a read never waits for a writer. Never knows the meaning of a table: the rooms define theirs in `<room>/tables.py`, on
`metadata`, and bring them about by a file in `migrations/versions/`, whose name is its revision.
"""

from tre.state.database import State
from tre.state.schema import metadata
from tre.state.transaction import Transaction

__all__ = ["State", "Transaction", "metadata"]
