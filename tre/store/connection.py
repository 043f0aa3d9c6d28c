"""The engine that loads: bounded in memory, spilling only into a folder that is removed afterwards, loading no extension."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb

Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error
MEGABYTE = 1_000_000
LARGEST = 3_000  # megabytes


def memory() -> int:
    """Megabytes the engine may use: half of the machine's, up to a bound; what needs more goes to the disk."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEGABYTE
    return min(LARGEST, physical // 2)


@contextmanager
def connected(database: Path | None, spill: Path, read_only: bool = False) -> Iterator[Connection]:
    """An engine over a file, or over nothing, whose temporary files are in ``spill``."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory()}MB",
        "threads": str(os.cpu_count() or 1),
        "temp_directory": str(spill),
        "access_mode": "read_only" if read_only else "automatic",
        "python_enable_replacements": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
    }
    connection = duckdb.connect(str(database) if database else ":memory:", config=config)
    try:
        # DuckDB 2.0.0: grouping by person is 12 to 20 times slower with the first where rows are clustered by person; the others
        # may turn a join round, and one that holds a text column's dictionary on the side it builds can fail.
        optimizers = "partitioned_execution,join_order,build_side_probe_side"
        connection.execute(f"SET disabled_optimizers = '{optimizers}'; SET preserve_insertion_order = true")
        connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")  # for `watched`
        connection.execute("SET TimeZone = 'UTC'")  # a source's times are days of UTC, wherever they are loaded
        yield connection
    finally:
        connection.close()


@contextmanager
def watched(connection: Connection, told: Callable[[float], None]) -> Iterator[None]:
    """Meanwhile tells, about twice a second, what fraction of the longest statement is done."""
    ended = threading.Event()

    def watch() -> None:
        most = 0.0
        while not ended.wait(0.5):
            now = connection.query_progress() / 100  # below 0 where nothing runs
            if now > most:
                most = now
                told(min(1.0, most))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def one(connection: Connection, query: str) -> tuple[int, ...]:
    """The only row of a query that counts."""
    row: tuple[int, ...] | None = connection.execute(query).fetchone()
    assert row is not None
    return row


def word(name: str) -> str:
    """A name as the engine reads it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str | Path) -> str:
    """A text as the engine reads it."""
    return "'" + str(value).replace("'", "''") + "'"


def fill_with_pseudonyms(connection: Connection, table: str, pseudonyms: Iterable[bytes], folder: Path) -> None:
    """A table of pseudonyms from an iterator of any length, through a file: a million takes about a second."""
    path = folder / "pseudonyms"
    rest = iter(pseudonyms)
    with path.open("x") as lines:
        while batch := list(islice(rest, 65_536)):
            lines.write("\n".join(pseudonym.hex() for pseudonym in batch) + "\n")
    reading = f"read_csv({text(path)}, auto_detect = false, header = false, columns = {{'hex': 'VARCHAR'}})"
    connection.execute(f"CREATE TEMP TABLE {word(table)} AS SELECT DISTINCT unhex(hex) AS pseudonym FROM {reading}")
    path.unlink()
