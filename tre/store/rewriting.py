"""A snapshot → another one without some people, from its own files alone: nobody's source is needed to erase somebody.

Everything is copied into new files, a range of persons at a time: a DELETE would leave every byte where it was. Persons keep
their order and are numbered anew without a gap; codes that nobody has any more go with the people who had them; the facts are
proved again over the finished files. What is held in memory is a pair of numbers a person, however many rows there are.

Rows stand in the order of their persons already, and a copy that keeps it costs a fifth less than one that sorts. No engine
promises to keep an order that is not asked for, so the proof decides: a copy that it refuses is made once more, sorted.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shutil import rmtree
from threading import Event
from typing import Any

from tre.errors import Fault, Unfit
from tre.policy import DatasetPolicy
from tre.store.connection import Connection, EngineError, connected, fill_with_pseudonyms, one, text, word
from tre.store.files import make_durable, publish_folder, sha256_of, workshop
from tre.store.manifest import MANIFEST, finish
from tre.store.writing import PERSONS, attach, detach, file_of
from tre.terms import Snapshot, digest

Progress = Callable[[str, float], None]
RANGE = 1_000_000  # persons that are copied at a time


def rewrite(
    policy: DatasetPolicy, snapshot: Snapshot, store: Path, leave_out: Iterable[bytes], progress: Progress | None = None
) -> Snapshot:
    """The snapshot without the people whose pseudonyms are in ``leave_out``, whole, durable and proved in ``store``. `Unfit` when
    it is not as its manifest says, or of other tables than the policy's."""
    if snapshot.schema != policy.schema_digest:
        raise Unfit(f"the records of {policy.dataset} were loaded under other tables; load them again under the policy in force")
    place = (store / policy.dataset / secrets.token_hex(16)).absolute()
    with workshop(place.parent) as begun, ThreadPoolExecutor(1) as beside:
        whole = beside.submit(check_files, snapshot)
        try:
            with connected(None, begun / "spill") as connection:
                copying = _Copying(connection, policy, begun, progress or (lambda *_: None))
                copying.number(Path(snapshot.folder), leave_out)
                rewritten = copying.made(place)
        except EngineError:  # its text may hold values
            whole.result()  # what is damaged cannot be copied; this says so
            raise Fault("rewrite") from None
        except Unfit:
            whole.result()
            raise
        whole.result()
        publish_folder(begun / "made", place)
    make_durable(store)
    return rewritten


def check_files(snapshot: Snapshot) -> dict[str, Any]:
    """The manifest of a snapshot that is whole: its files stand there with the digests that were taken of them. `Unfit` names the
    file that does not."""
    folder = Path(snapshot.folder)
    try:
        raw = (folder / MANIFEST).read_bytes()
        if digest(raw) != snapshot.manifest:
            raise Unfit(f"{folder / MANIFEST} is not the one that the snapshot names; restore a backup or load the records again")
        manifest: dict[str, Any] = json.loads(raw)
        for file in manifest["files"]:
            if sha256_of(folder / file["name"]) != file["sha256"]:
                raise Unfit(f"{folder / file['name']} was changed or damaged; restore a backup or load the records again")
    except OSError as error:
        raise Unfit(f"{error.filename or folder} cannot be read ({error.strerror})") from None
    return manifest


class _Copying:
    """One snapshot, in files attached as old_…, into a folder of ``begun``."""

    def __init__(self, connection: Connection, policy: DatasetPolicy, begun: Path, tell: Progress) -> None:
        self._connection, self._policy, self._begun, self._tell = connection, policy, begun, tell
        self._ranges: list[tuple[int, int]] = []

    def number(self, old: Path, leave_out: Iterable[bytes]) -> None:
        """The table ``renumbered`` of those who stay: their number so far, and the ``fresh`` one."""
        for name in _files(self._policy):
            self._connection.execute(f"ATTACH {text(old / (name + '.duckdb'))} AS {_old(name)} (READ_ONLY)")
        # The method that fits all integers: weighing every other one costs more time than it saves room.
        self._connection.execute("SET force_compression = 'bitpacking'")
        fill_with_pseudonyms(self._connection, "left_out", leave_out, self._begun)
        self._connection.execute(
            f"""CREATE TEMP TABLE gone AS SELECT person FROM {_old(PERSONS)}.persons SEMI JOIN left_out USING (pseudonym);
                DROP TABLE left_out; CREATE TABLE renumbered (person INTEGER, fresh INTEGER)"""
        )
        persons, left = one(self._connection, f"SELECT coalesce(max(person), -1) + 1 FROM {_old(PERSONS)}.persons")[0], 0
        for first in range(0, persons, RANGE):
            self._ranges.append((first, min(persons, first + RANGE) - 1))
            left += _number(self._connection, *self._ranges[-1], left)

    def made(self, place: Path) -> Snapshot:
        """The new files, proved and described. `Unfit` when a fact does not hold, in sorted rows neither."""
        try:
            return self._made(place, sort=False)
        except Unfit:
            self._tell("copying once more, sorted", 0.0)
            return self._made(place, sort=True)

    def _made(self, place: Path, sort: bool) -> Snapshot:
        made, proving = self._begun / "made", self._begun / "proving"
        rmtree(made, ignore_errors=True)
        for folder in (made, made / "exclusions"):
            folder.mkdir(mode=0o700)
        proving.mkdir(mode=0o700, exist_ok=True)
        attach(self._connection, self._policy, made)
        self._copy_tables(sort)
        detach(self._connection, self._policy)
        self._tell("proving the facts", 0.8)
        try:
            return finish(self._policy, made, place, proving)
        except Unfit as unfit:  # it speaks of a load
            raise Unfit(str(unfit).replace("the load was undone", "the rewriting was undone", 1)) from None

    def _copy_tables(self, sort: bool) -> None:
        """A table by one thread, the largest first, and one more at a time than there are processors, so that they all come to an
        end at about the same time."""
        self._connection.execute("SET threads = 1")
        tables = sorted(_tables(self._policy), key=lambda table: table.values(self._connection), reverse=True)
        parts, done, given_up = len(tables) * len(self._ranges), count(1), Event()

        def copied() -> None:
            if given_up.is_set():
                raise CancelledError
            self._tell("copying", 0.8 * next(done) / parts)

        with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as threads:
            copies = [threads.submit(table.copy, self._connection.cursor(), self._ranges, sort, copied) for table in tables]
            try:
                for copy in as_completed(copies):
                    copy.result()
            except BaseException:  # whatever it was: the others end with the range they are at
                given_up.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise


@dataclass(frozen=True, slots=True)
class _Table:
    """One that has a row for a person: its file, its columns besides the person's number, and those of them that are codes."""

    file: str
    name: str
    columns: list[str]
    codes: list[str]

    def values(self, connection: Connection) -> int:
        """How many there are to copy."""
        rows = one(connection, f"SELECT count(*) FROM {_old(self.file)}.{word(self.name)}")[0]
        return rows * (1 + len(self.columns))

    def copy(self, connection: Connection, ranges: list[tuple[int, int]], sort: bool, copied: Callable[[], None]) -> None:
        """The rows of those who stay, in the order of the persons and of each person's ranks; then the codes they have."""
        into, rows = f"{self.file}.{word(self.name)}", f"{_old(self.file)}.{word(self.name)}"
        wanted = ", ".join(["fresh", *(f"t.{word(column)}" for column in self.columns)])
        named = ", ".join(["person", *map(word, self.columns)])
        order = f"ORDER BY {', '.join(['fresh', *(['rank'] if 'rank' in self.columns else [])])}" if sort else ""
        connection.execute(f"CREATE TABLE {into} AS SELECT * FROM {rows} LIMIT 0")
        for first, last in ranges:
            among = f"WHERE person BETWEEN {first} AND {last}"
            connection.execute(
                f"INSERT INTO {into} ({named}) SELECT {wanted} FROM {_in_order(rows, among)} AS t"
                f" JOIN (FROM renumbered {among}) AS r ON t.person = r.person {order}"
            )
            copied()
        for column in self.codes:
            self._copy_dictionary(connection, column, into)
        connection.close()

    def _copy_dictionary(self, connection: Connection, column: str, rows: str) -> None:
        """Only codes that somebody still has; a code keeps its number."""
        dictionary = word(f"codes_{self.name}_{column}")
        connection.execute(
            f"CREATE TABLE {self.file}.{dictionary} AS SELECT id, code FROM {_old(self.file)}.{dictionary}"
            f" WHERE id IN (SELECT DISTINCT {word(column)} FROM {rows}) ORDER BY id"
        )


def _files(policy: DatasetPolicy) -> set[str]:
    return {PERSONS, *map(file_of, policy.tables.values())}


def _old(file: str) -> str:
    return f"old_{file}"


def _tables(policy: DatasetPolicy) -> Iterator[_Table]:
    yield _Table(PERSONS, "persons", ["pseudonym"], [])
    for name, table in policy.tables.items():
        rank = [] if table.one_row_per_person else ["rank"]
        codes = [column for column, found in table.columns.items() if found.type == "code"]
        yield _Table(file_of(table), name, [*table.columns, *rank], codes)


def _number(connection: Connection, first: int, last: int, left: int) -> int:
    """Those who stay among a range of persons, with the numbers after ``left`` others. How many."""
    return one(
        connection,
        f"""INSERT INTO renumbered SELECT person, ({left} + row_number() OVER (ORDER BY person) - 1)::INTEGER
            FROM (SELECT person FROM {_old(PERSONS)}.persons WHERE person BETWEEN {first} AND {last})
            ANTI JOIN (SELECT person FROM gone WHERE person BETWEEN {first} AND {last}) USING (person)""",
    )[0]


def _in_order(rows: str, among: str) -> str:
    """Rows as a join of DuckDB 2.0.0 keeps their order: behind a limit, whose order is fixed. Elsewhere it holds a part of fewer
    than 64 rows back and gives it out after the others, also where one thread runs it. A limit out of reach is optimised away,
    unless it has an offset."""
    return f"(FROM {rows} {among} LIMIT {2**62} OFFSET 0)"
