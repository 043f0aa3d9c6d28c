"""What a room is handed to read or write with: a thin cover of one database connection, dead once its transaction has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, CursorResult
from sqlalchemy.sql.base import Executable

from tre.errors import Fault
from tre.state.kept import Rows, Shelf

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Transaction:
    """One caller's part of a transaction. It cannot begin, commit or roll back: `State` does that."""

    __slots__ = ("_connection", "_open", "_raw", "_shelf")

    def __init__(self, connection: Connection, shelf: Shelf) -> None:
        self._connection: Connection | None = connection
        self._raw: Any = connection.connection.driver_connection
        self._shelf = shelf
        self._open: WeakSet[Any] = WeakSet()

    def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any] | Rows:
        """Run one statement; several sets of parameters run it once for each. One that a room keeps is compiled once."""
        if self._connection is None:
            raise RuntimeError("this transaction has ended")
        if not self._raw.in_transaction:
            # SQLite gave it up after an error: what ran from here on would be kept, alone and at once.
            raise Fault("state")
        kept = self._shelf.find(statement, parameters)
        if kept is not None:
            return kept.run(self._raw, parameters)
        found = self._connection.execute(statement, parameters)
        if found.cursor is not None:
            self._open.add(found.cursor)
        return found

    def end(self) -> None:
        """From here on, whoever kept this transaction or rows not yet read can do nothing with them: a statement that still runs
        would keep the database from committing."""
        self._connection = None
        for cursor in list(self._open):
            cursor.close()
