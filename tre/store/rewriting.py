"""A snapshot → another one without some people, from its own files alone: nobody's source is needed to erase somebody.

Everything is copied into new files, a range of persons at a time: a DELETE would leave every byte where it was. Persons keep
their order and are numbered anew without a gap; codes that nobody has any more go with the people who had them; the facts are
proved again over the finished files. What is held in memory does not grow with the number of rows.

Rows stand in the order of their persons already, and are sorted all the same: a join does not keep their order, even where one
thread runs it. (DuckDB 2.0.0 holds a part of fewer than 64 rows back and gives it out after the others; the proof finds it.)
Sorting what is in order takes a fifth more. Tables are copied beside one another, each by one thread.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tre.errors import Fault, Unfit
from tre.policy import DatasetPolicy, TablePolicy
from tre.store.connection import Connection, EngineError, connected, fill_with_pseudonyms, one, text, word
from tre.store.files import make_durable, publish_folder, sha256_of, workshop
from tre.store.manifest import MANIFEST, write_manifest
from tre.store.proof import prove
from tre.store.writing import PERSONS, attach, detach, file_of
from tre.terms import Snapshot, digest

Progress = Callable[[str, float], None]
RANGE = 1_000_000  # persons that are copied at a time


def rewrite(
    policy: DatasetPolicy, snapshot: Snapshot, store: Path, leave_out: Iterable[bytes], progress: Progress | None = None
) -> Snapshot:
    """The snapshot without the people whose pseudonyms are in ``leave_out``, whole, durable and proved in ``store``. `Unfit` when
    it is not as its manifest says, or of other tables than the policy's."""
    tell = progress or (lambda *_: None)
    if snapshot.schema != policy.schema_digest:
        raise Unfit(f"the records of {policy.dataset} were loaded under other tables; load them again under the policy in force")
    check_files(snapshot)
    id = secrets.token_hex(16)
    place = (store / policy.dataset / id).absolute()
    with workshop(place.parent) as begun:
        made, spill = begun / "made", begun / "spill"
        for folder in (made, spill, made / "exclusions"):
            folder.mkdir(mode=0o700)
        try:
            with connected(None, spill) as connection:
                _write(connection, policy, Path(snapshot.folder), made, leave_out, tell)
            tell("proving the facts", 0.8)
            facts = _proved(policy, made, spill)
        except EngineError:  # its text may hold values
            raise Fault("rewrite") from None
        tell("taking digests", 0.95)
        rewritten = write_manifest(policy, id, made, place, facts)
        publish_folder(made, place)
    make_durable(store)
    return rewritten


def _proved(policy: DatasetPolicy, made: Path, spill: Path) -> dict[str, dict[str, bool]]:
    try:
        return prove(policy, made, spill)
    except Unfit as unfit:  # it speaks of a load
        raise Unfit(str(unfit).replace("the load was undone", "the rewriting was undone", 1)) from None


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


def _write(
    connection: Connection, policy: DatasetPolicy, old: Path, made: Path, leave_out: Iterable[bytes], tell: Progress
) -> None:
    """The files of the snapshot: persons and rows a range at a time, then the dictionaries of what is left."""
    files = {PERSONS, *map(file_of, policy.tables.values())}
    for name in files:
        connection.execute(f"ATTACH {text(old / (name + '.duckdb'))} AS {_old(name)} (READ_ONLY)")
    attach(connection, policy, made)
    fill_with_pseudonyms(connection, "left_out", leave_out, made.parent)
    connection.execute(
        f"CREATE TEMP TABLE gone AS SELECT person FROM {_old(PERSONS)}.persons SEMI JOIN left_out USING (pseudonym)"
    )
    connection.execute("DROP TABLE left_out")
    copies = dict(_copies(policy))
    for name, (file, _) in copies.items():
        connection.execute(f"CREATE TABLE {file}.{word(name)} AS SELECT * FROM {_old(file)}.{word(name)} LIMIT 0")
    connection.execute("SET threads = 1")
    persons = one(connection, f"SELECT coalesce(max(person), -1) + 1 FROM {_old(PERSONS)}.persons")[0]
    left = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for first in range(0, persons, RANGE):
            tell("copying", 0.8 * first / persons)
            last = min(persons, first + RANGE) - 1
            left += _number(connection, first, last, left)
            begun = [
                threads.submit(_copy, connection.cursor(), file, name, columns, first, last)
                for name, (file, columns) in copies.items()
            ]
            for copy in begun:
                copy.result()
    for name, table in policy.tables.items():
        _copy_dictionaries(connection, name, table)
    detach(connection, policy)


def _old(file: str) -> str:
    return f"old_{file}"


def _copies(policy: DatasetPolicy) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Every table that has a row for a person: its file, and its columns besides the person's number."""
    yield "persons", (PERSONS, ["pseudonym"])
    for name, table in policy.tables.items():
        yield name, (file_of(table), [*table.columns, *([] if table.one_row_per_person else ["rank"])])


def _number(connection: Connection, first: int, last: int, left: int) -> int:
    """The table ``renumbered`` of those who stay among a range of persons, with the numbers after ``left`` others. How many."""
    connection.execute(
        f"""CREATE OR REPLACE TABLE renumbered AS
            SELECT person, ({left} + row_number() OVER (ORDER BY person) - 1)::INTEGER AS fresh
            FROM (SELECT person FROM {_old(PERSONS)}.persons WHERE person BETWEEN {first} AND {last})
            ANTI JOIN (SELECT person FROM gone WHERE person BETWEEN {first} AND {last}) USING (person)"""
    )
    return one(connection, "SELECT count(*) FROM renumbered")[0]


def _copy(connection: Connection, file: str, name: str, columns: list[str], first: int, last: int) -> None:
    """The rows of those who stay, in the order of the persons, and of each person's ranks."""
    into, rows = f"{file}.{word(name)}", f"{_old(file)}.{word(name)}"
    wanted = ", ".join(["fresh", *(f"t.{word(column)}" for column in columns)])
    named = ", ".join(["person", *map(word, columns)])
    connection.execute(
        f"INSERT INTO {into} ({named}) SELECT {wanted} FROM {rows} AS t JOIN renumbered AS r ON t.person = r.person"
        f" WHERE t.person BETWEEN {first} AND {last} ORDER BY {', '.join(['fresh', *(['rank'] if 'rank' in columns else [])])}"
    )
    connection.close()


def _copy_dictionaries(connection: Connection, name: str, table: TablePolicy) -> None:
    """Only codes that somebody still has; a code keeps its number."""
    file = file_of(table)
    for column, policy in table.columns.items():
        if policy.type == "code":
            dictionary = word(f"codes_{name}_{column}")
            connection.execute(
                f"CREATE TABLE {file}.{dictionary} AS SELECT id, code FROM {_old(file)}.{dictionary}"
                f" WHERE id IN (SELECT {word(column)} FROM {file}.{word(name)}) ORDER BY id"
            )
