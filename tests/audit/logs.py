"""A log to test with: entries that are all different, and what an attacker with the file at hand can do to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from tre import audit
from tre.keys import Keys
from tre.state import State, Transaction

ORIGIN = "example.org/log"
START = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("asked", "reserved", "released", "refused")


def entry(number: int) -> audit.Entry:
    """The entry a test log has at this index."""
    kind = KINDS[number % 4]
    return audit.Entry(
        kind,
        START + timedelta(seconds=number),
        {"number": number, "question": f"sha256:{number:064x}", "note": "ünïcode ✓", "nothing": None},
        project=f"p{number % 5}",
        person_asking=f"r:{number % 7}",
        outcome={"released": "released", "refused": "refused"}.get(kind),
        reason="too-large" if kind == "refused" else None,
        dataset="gp" if number % 3 else None,
        id=f"q{number // 4}",
    )


class Log:
    """A database with the log in it, and the keys that sign it."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.path = home / "database.sqlite"
        self.keys = Keys.open(home / "keys")
        self.vkey = audit.vkey(ORIGIN, self.keys.verify_key)

    def open(self) -> Self:
        self.state = State.open(f"sqlite:///{self.path}")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.state.close()

    def fill(self, size: int) -> None:
        """Append until there are ``size`` entries."""

        def append(tx: Transaction) -> None:
            for number in range(audit.size(tx), size):
                audit.append(tx, entry(number))

        self.state.write(append)

    def sign(self, origin: str = ORIGIN) -> str:
        return self.state.write(lambda tx: audit.publish(tx, self.keys.sign, self.keys.verify_key, origin, START))

    def export(self, folder: Path) -> int:
        with self.state.read() as tx:
            return audit.export(tx, folder)

    def verify(self, known: tuple[str, ...] = ()) -> audit.Verdict:
        return audit.verify_database(self.path, [self.vkey], known)


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """The database in the hands of someone who may write the file: the triggers are gone."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        yield connection
        connection.commit()
