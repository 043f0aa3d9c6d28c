"""The people a question leaves out, as a file of one snapshot's ordinals. Holds no pseudonym and no regime of anyone.

Made of those who are named, and of those who are not on a list of cleared people, where there is one. Who of a snapshot is not on
a list is found once for each list: both may name everybody in the country.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from tre.errors import Fault
from tre.store.connection import EngineError, connected, fill_with_pseudonyms, text
from tre.store.files import publish_file, workshop
from tre.terms import Exclusion, Snapshot

FOLDER, UNCLEARED = "exclusions", "uncleared-"
# A question that has just been handed a file opens it within this time.
OPENED_WITHIN_S = 900.0


def excluded(
    snapshot: Snapshot, version: int, regimes: tuple[str, ...], as_of: str, cleared: Path | None = None
) -> Exclusion | None:
    """The exclusion of this version of the registers, if its file has been made."""
    file = exclusion_file(snapshot, version, regimes, cleared)
    return Exclusion(snapshot.id, version, regimes, str(file), as_of) if file.exists() else None


def exclude(
    snapshot: Snapshot,
    version: int,
    regimes: tuple[str, ...],
    pseudonyms: Iterable[bytes],
    as_of: str,
    cleared: Path | None = None,
) -> Exclusion:
    """Makes the file ``excluded(person)``, sorted and without repeats, from pseudonyms in any order and, with a list of cleared
    people, from whoever is not on it; once for each version of the registers, choice of regimes and list. Pseudonyms of nobody
    in the snapshot leave no trace."""
    made = excluded(snapshot, version, regimes, as_of, cleared)
    if made is not None:
        return made
    absent = None if cleared is None else uncleared(snapshot, cleared)
    file = exclusion_file(snapshot, version, regimes, cleared)
    with workshop(file.parent) as begun:
        try:
            _write(Path(snapshot.folder) / "persons.duckdb", begun / "excluded.duckdb", pseudonyms, absent, begun)
        except EngineError:  # its text may hold values
            raise Fault("exclude") from None
        publish_file(begun / "excluded.duckdb", file)
    return Exclusion(snapshot.id, version, regimes, str(file), as_of)


def exclusion_file(snapshot: Snapshot, version: int, regimes: tuple[str, ...], cleared: Path | None) -> Path:
    """Where the file of an exclusion is, whether it has been made or not."""
    parts = [str(version), *sorted(regimes), *([] if cleared is None else [cleared.stem])]
    return Path(snapshot.folder) / FOLDER / f"{'-'.join(parts)}.duckdb"


def uncleared_file(snapshot: Snapshot, cleared: Path) -> Path:
    return Path(snapshot.folder) / FOLDER / f"{UNCLEARED}{cleared.stem}.duckdb"


def uncleared(snapshot: Snapshot, cleared: Path) -> Path:
    """The file ``uncleared(person)``: whoever of the snapshot is not on the list; made once. FileNotFoundError when there is no
    such list: nobody would be cleared by it."""
    file = uncleared_file(snapshot, cleared)
    if file.exists():
        return file
    if not cleared.is_file():
        raise FileNotFoundError(cleared.name)
    with workshop(file.parent) as begun:
        try:
            _compare(Path(snapshot.folder) / "persons.duckdb", cleared, begun / "uncleared.duckdb", begun)
        except EngineError:
            raise Fault("exclude") from None
        publish_file(begun / "uncleared.duckdb", file)
    return file


def _compare(persons: Path, cleared: Path, out: Path, folder: Path) -> None:
    """In ranges of pseudonyms, for both files are in their order: what is held in memory is one range of the list."""
    with connected(None, folder / "spill") as connection:
        connection.execute(f"ATTACH {text(persons)} AS records (READ_ONLY); ATTACH {text(cleared)} AS list (READ_ONLY)")
        connection.execute(f"ATTACH {text(out)} AS made")
        connection.execute("CREATE TABLE made.uncleared(person INTEGER)")
        for first in range(0, 256, RANGE):
            within = f"pseudonym >= '\\x{first:02x}'::BLOB"
            if first + RANGE < 256:
                within += f" AND pseudonym < '\\x{first + RANGE:02x}'::BLOB"
            connection.execute(
                f"INSERT INTO made.uncleared SELECT person FROM (SELECT * FROM records.persons WHERE {within})"
                f" ANTI JOIN (SELECT * FROM list.people WHERE {within}) USING (pseudonym) ORDER BY person"
            )
        connection.execute("CHECKPOINT made; DETACH made")


RANGE = 32  # of the 256 first bytes of a pseudonym


def _write(persons: Path, out: Path, pseudonyms: Iterable[bytes], absent: Path | None, folder: Path) -> None:
    with connected(None, folder / "spill") as connection:
        connection.execute(f"ATTACH {text(persons)} AS records (READ_ONLY); ATTACH {text(out)} AS made")
        fill_with_pseudonyms(connection, "wanted", pseudonyms, folder)
        leaving = "SELECT person FROM records.persons SEMI JOIN wanted USING (pseudonym)"
        if absent is not None:
            connection.execute(f"ATTACH {text(absent)} AS absent (READ_ONLY)")
            leaving += " UNION SELECT person FROM absent.uncleared"
        connection.execute(f"CREATE TABLE made.excluded AS SELECT person FROM ({leaving}) ORDER BY person")
        connection.execute("CHECKPOINT made; DETACH made")


def sweep_exclusions(store: Path, in_force: Collection[Path], older_than_s: float = OPENED_WITHIN_S) -> list[Path]:
    """Unlink what exclusions no question needs any more, anywhere in a store: not among ``in_force``, older than the time within
    which a question opens what it was handed, and held by no reader. Those that were unlinked."""
    kept, gone = {path.absolute() for path in in_force}, []
    for path in sorted(store.glob(f"*/*/{FOLDER}/*.duckdb")):
        if path.absolute() not in kept and time.time() - path.stat().st_mtime >= older_than_s and _unlinked(path):
            gone.append(path)
    return gone


def _unlinked(path: Path) -> bool:
    """Unless somebody reads it: a reader of the engine holds a shared lock, and one that was killed holds none."""
    path.chmod(0o600)  # an exclusive lock is given to who may write
    hold = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.lockf(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        path.chmod(0o400)
        return False
    finally:
        os.close(hold)
    return True
