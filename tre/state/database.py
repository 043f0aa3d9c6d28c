"""Opens the one database and is the only way into it. Knows files, pragmas and transactions; never what a table means."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import NullPool, QueuePool

from tre.errors import Unfit
from tre.state.kept import Shelf
from tre.state.schema import bring_to_head
from tre.state.transaction import Transaction
from tre.state.writer import Writer, driver

T = TypeVar("T")

# What each connection is told. FULL: a commit is on the disk when it returns. secure_delete: erased text is overwritten.
EVERY = ("PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF")
WRITING = (*EVERY, "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON")
READING = (*EVERY, "PRAGMA query_only = ON")
BUSY_S = 5.0


class State:
    """The database, open. Any thread may call `write` and `read`."""

    def __init__(self, reading: Engine, connection: Connection) -> None:
        self._reading = reading
        self._writing = connection.engine
        self._shelf = Shelf(connection.dialect)
        self._writer = Writer(connection, self._shelf)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open, and make or migrate if need be. `Unfit` when this database cannot be used."""
        path = _file(url)
        writing = _engine(path, WRITING, pooled=False)
        try:
            connection = writing.connect()
            _prepare(connection)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise Unfit(f"the database {path} cannot be opened: {_first_line(error)}") from None
        return cls(_engine(path, READING, pooled=True), connection)

    @property
    def path(self) -> Path:
        """The file, for a checker that opens it by itself."""
        return Path(str(self._writing.url.database))

    @property
    def sound(self) -> bool:
        """False once the disk has failed a commit, or after `close`: from then on every write is a fault."""
        return self._writer.sound

    def write(self, fn: Callable[[Transaction], T], urgent: bool = False) -> T:
        """Run ``fn`` on the writer thread; return its value when it is durable. Its exception undoes its own rows alone. A fault
        means that nothing is known to be written. ``urgent``: before those that wait, for what has to be done by a time."""
        self._not_inside()
        return self._writer.submit(fn, urgent).result()

    def submit(self, fn: Callable[[Transaction], T]) -> Future[T]:
        """The same, without waiting: the future has its value when it is durable."""
        self._not_inside()
        return self._writer.submit(fn)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees the database as it was at its first statement, and cannot write."""
        self._not_inside()
        with self._reading.connect() as connection:
            raw = driver(connection)
            raw.execute("BEGIN")
            transaction = Transaction(connection, self._shelf)
            try:
                yield transaction
            finally:
                transaction.end()
                raw.rollback()

    def copy(self, path: Path) -> None:
        """The database as it is at this moment, as one new file, while others write; its owner's alone, and durable."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with self._reading.connect() as connection, closing(sqlite3.connect(path)) as copy:
            driver(connection).backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        os.fsync(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """Finish the writes that wait, then let go of the file."""
        self._writer.close()
        self._reading.dispose()
        self._writing.dispose()

    def _not_inside(self) -> None:
        if self._writer.is_here():
            raise RuntimeError("a write is running on this thread: use its transaction")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _file(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Unfit("TRE_DATABASE is not an address; unset it to use a SQLite file in TRE_HOME") from None
    if parsed.get_backend_name() == "postgresql":
        raise Unfit("PostgreSQL is not offered yet; unset TRE_DATABASE to use a SQLite file in TRE_HOME")
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise Unfit("TRE_DATABASE is not a SQLite file (sqlite:///path); unset it to use one in TRE_HOME")
    return Path(str(parsed.database)).absolute()


def _engine(path: Path, pragmas: tuple[str, ...], pooled: bool) -> Engine:
    arguments = {"timeout": BUSY_S, "check_same_thread": False, "cached_statements": 512}
    url = URL.create("sqlite", database=str(path))
    # AUTOCOMMIT: the library begins and ends nothing, so that each BEGIN, SAVEPOINT and COMMIT is ours.
    if pooled:
        engine = create_engine(
            url, isolation_level="AUTOCOMMIT", connect_args=arguments, poolclass=QueuePool, pool_size=4, max_overflow=60
        )
    else:
        engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args=arguments, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def tell(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    return engine


def _prepare(connection: Connection) -> None:
    raw = driver(connection)
    _only_ours(raw)
    mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise Unfit(f"the database cannot keep a write-ahead log here (journal mode {mode}); is it on a network file system?")
    raw.execute("BEGIN IMMEDIATE")
    try:
        bring_to_head(connection)
        raw.execute("COMMIT")
    except BaseException:
        raw.rollback()
        connection.close()
        raise


def _only_ours(raw: sqlite3.Connection) -> None:
    """The file is its owner's alone; SQLite gives its companions the same mode."""
    path = raw.execute("PRAGMA database_list").fetchone()[2]
    Path(path).chmod(0o600)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
