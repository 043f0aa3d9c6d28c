"""A long list of people, as it came → a file of their pseudonyms, in order and once each. Streamed: the list may name everybody
in the country, and what is held in memory does not grow with it. Their identifiers are in a temporary folder only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tre.errors import Fault
from tre.persons import pseudonym_parameters, pseudonym_sql, valid_nhs_number_sql
from tre.store.connection import Connection, EngineError, connected, one, text
from tre.store.files import held, publish_file, unless_held, workshop

INVALID, MISSING = "invalid-nhs-number", "missing"
LONGEST_LINE = 1_000_000
DELIVERING = ".delivering"


@dataclass(frozen=True, slots=True)
class Listed:
    """The file, named by its content, and what became of the lines: received = people + repeated + rejected."""

    file: Path
    people: int
    repeated: int
    rejected: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.file.stem


def place_of(folder: Path, name: str) -> Path:
    """Where the file of a list is."""
    return folder / f"{name}.duckdb"


@contextmanager
def delivering(folder: Path) -> Iterator[None]:
    """Held from before a list is made until it is in force, or dropped: one at a time, however long it takes. Its file stands
    there meanwhile and nothing names it."""
    with held(folder / DELIVERING, fcntl.LOCK_EX):
        yield


@contextmanager
def nobody_delivers(folder: Path) -> Iterator[bool]:
    """Whether what is in force now is all that is needed; nobody begins to deliver until the end."""
    with unless_held(folder / DELIVERING) as free:
        yield free


def enlist(source: Path, folder: Path, key: bytes) -> Listed:
    """Makes the file ``people(pseudonym)`` in ``folder`` from lines with one NHS number each, spaces within it and commas behind
    it aside. Whole or absent, whatever is killed; where the same list was made before, that file stays."""
    with workshop(folder) as begun:
        try:
            with connected(None, begun / "spill") as connection:
                _read(connection, source)
                rejected = _rejected(connection)
                people, mark = _write(connection, begun / "people.duckdb", key)
                given = one(connection, "SELECT count(number) FROM given")[0]
        except EngineError:  # its text may hold values
            raise Fault("enlist") from None
        file = place_of(folder, mark)
        publish_file(begun / "people.duckdb", file)
        os.utime(file)  # whichever was there: somebody is about to put it in force
    return Listed(file, people, given - people, rejected)


def _read(connection: Connection, source: Path) -> None:
    """``given(number)``: NULL for a line that holds no valid number. Nearly any byte is a character of this encoding, so that a
    line of anything is one that is rejected; control characters above 127 are none, and refuse the whole."""
    reading = (
        f"read_csv({text(source)}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '',"
        f" encoding = 'latin-1', max_line_size = {LONGEST_LINE}, columns = {{'line': 'VARCHAR'}})"
    )
    line = "replace(ltrim(rtrim(line, ', \r\t'), '\t '), ' ', '')"
    connection.execute(
        f"CREATE TEMP TABLE given AS SELECT given = '' AS missing,"
        f" CASE WHEN {valid_nhs_number_sql('given')} THEN given::BIGINT END AS number"
        f" FROM (SELECT {line} AS given FROM {reading} WHERE trim(line, ' \r\t') <> '')"
    )


def _rejected(connection: Connection) -> dict[str, int]:
    missing, invalid = one(
        connection, "SELECT count(*) FILTER (missing), count(*) FILTER (NOT missing AND number IS NULL) FROM given"
    )
    return {reason: count for reason, count in ((MISSING, missing), (INVALID, invalid)) if count}


def _write(connection: Connection, out: Path, key: bytes) -> tuple[int, str]:
    """How many people, and the name of the list: equal lists have one name, others another one but for a chance of 2⁻¹²⁸."""
    connection.execute(f"ATTACH {text(out)} AS made")
    connection.execute(
        f"CREATE TABLE made.people AS SELECT {pseudonym_sql('CAST(number AS VARCHAR)')} AS pseudonym"
        " FROM (SELECT DISTINCT number FROM given WHERE number IS NOT NULL) ORDER BY pseudonym",
        pseudonym_parameters(key),
    )
    people, mark = one(connection, "SELECT count(*), coalesce(bit_xor(md5_number(pseudonym)), 0) FROM made.people")
    connection.execute("CHECKPOINT made; DETACH made")
    return people, hashlib.sha256(f"{people}/{mark}".encode()).hexdigest()[:32]


def sweep_lists(folder: Path, in_force: str | None, older_than_s: float) -> list[Path]:
    """Unlink the files of lists that are not in force, but those just made. Those that were unlinked. To be called while
    `nobody_delivers`, with what was in force since."""
    made_before = time.time() - older_than_s
    old = [path for path in sorted(folder.glob("*.duckdb")) if path.stem != in_force and path.stat().st_mtime <= made_before]
    for path in old:
        path.unlink(missing_ok=True)
    return old
