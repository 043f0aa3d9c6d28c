"""One thread that owns every write: it takes who waits, gives each a SAVEPOINT, commits once, then wakes each of them.

Promises that nobody is woken before the COMMIT is durable, and that one caller's exception undoes that caller's rows alone. When
a COMMIT fails, or SQLite gives the whole transaction up, nothing of the batch is kept and each caller learns it by a fault.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from tre.errors import Fault
from tre.state.kept import Shelf
from tre.state.transaction import Transaction

T = TypeVar("T")

BATCH = 64
# The first of a batch waits no longer than this for the others.
BATCH_S = 0.015
# Another process may be writing; beyond this, the callers are told.
BEGIN_S = 30.0
# After these, what the disk holds is not known and a second sync may lie: only a restart, which reads it again, helps.
DISK = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY")


def driver(connection: Connection) -> sqlite3.Connection:
    """The SQLite connection under one of SQLAlchemy's."""
    raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return raw


@dataclass(slots=True)
class _Call:
    fn: Callable[[Transaction], Any]
    future: Future[Any] = field(default_factory=Future)
    value: Any = None
    error: BaseException | None = None

    def wake(self) -> None:
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Writer:
    """The thread and its queue."""

    def __init__(self, connection: Connection, shelf: Shelf) -> None:
        self._connection = connection
        self._shelf = shelf
        self._raw = driver(connection)
        self._urgent: deque[_Call] = deque()
        self._calls: deque[_Call] = deque()
        self._arrived = threading.Condition()
        self._open = True
        self._disk = True
        self._thread = threading.Thread(target=self._run, name="tre-writer", daemon=True)
        self._thread.start()

    @property
    def sound(self) -> bool:
        return self._open and self._disk

    def is_here(self) -> bool:
        """Whether the caller runs on the writer's own thread, inside a write."""
        return threading.current_thread() is self._thread

    def submit(self, fn: Callable[[Transaction], T], urgent: bool = False) -> Future[T]:
        """Urgent calls are taken before the others."""
        call = _Call(fn)
        call.future.set_running_or_notify_cancel()  # whoever waits may go away: what is written is written
        with self._arrived:
            if not self.sound:
                raise Fault("state")
            (self._urgent if urgent else self._calls).append(call)
            self._arrived.notify()
        return call.future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._arrived:
            self._open = False
            self._arrived.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        try:
            while self._wait():
                for call in self._batch():
                    call.wake()
        finally:
            self._abandon()

    def _batch(self) -> list[_Call]:
        batch: list[_Call] = []
        if self._disk and self._begin():
            self._commit(batch)
        else:
            batch.append(self._next())
            batch[0].error = Fault("state")
        return batch

    def _abandon(self) -> None:
        """Whatever ended the thread, nobody is left waiting for it."""
        with self._arrived:
            self._open = False
        for call in (*self._urgent, *self._calls):
            call.future.set_exception(Fault("state"))

    def _wait(self) -> bool:
        """Until somebody waits; False once closed and nobody does."""
        with self._arrived:
            while not self._waiting() and self._open:
                self._arrived.wait()
        return self._waiting()

    def _waiting(self) -> bool:
        return bool(self._urgent or self._calls)

    def _next(self) -> _Call:
        return (self._urgent or self._calls).popleft()

    def _begin(self) -> bool:
        until = time.monotonic() + BEGIN_S
        while True:
            try:
                self._raw.execute("BEGIN IMMEDIATE")
                return True
            except sqlite3.Error as error:
                if not _name(error).startswith("SQLITE_BUSY") or time.monotonic() > until:
                    return False

    def _commit(self, batch: list[_Call]) -> None:
        until = time.monotonic() + BATCH_S
        try:
            while self._waiting() and len(batch) < BATCH and (not batch or time.monotonic() < until):
                batch.append(self._next())
                self._one(batch[-1])
            self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            self._lost(batch, error)

    def _one(self, call: _Call) -> None:
        """One caller, inside its SAVEPOINT. Leaves by an exception only when the whole transaction is gone."""
        self._raw.execute("SAVEPOINT caller")
        transaction = Transaction(self._connection, self._shelf)
        try:
            call.value = call.fn(transaction)
            transaction.end()
            self._raw.execute("RELEASE caller")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is its caller's, and raised there
            call.error = error
            transaction.end()
            self._raw.execute("ROLLBACK TO caller")
            self._raw.execute("RELEASE caller")

    def _lost(self, batch: list[_Call], error: sqlite3.Error) -> None:
        if _name(error).startswith(DISK):
            self._disk = False
        try:
            self._raw.rollback()
        except sqlite3.Error:
            self._disk = False
        for call in batch:
            call.value, call.error = None, call.error or Fault("state")


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
