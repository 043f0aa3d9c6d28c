"""The people a question leaves out, as a file of one snapshot's ordinals. Holds no pseudonym and no regime of anyone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tre.errors import Fault
from tre.store.connection import EngineError, connected, fill_with_pseudonyms, text
from tre.store.files import publish_file, workshop
from tre.terms import Exclusion, Snapshot


def excluded(snapshot: Snapshot, version: int, regimes: tuple[str, ...], as_of: str) -> Exclusion | None:
    """The exclusion of this version of the registers, if its file has been made."""
    file = _file(snapshot, version, regimes)
    return Exclusion(snapshot.id, version, regimes, str(file), as_of) if file.exists() else None


def exclude(snapshot: Snapshot, version: int, regimes: tuple[str, ...], pseudonyms: Iterable[bytes], as_of: str) -> Exclusion:
    """Makes the file ``excluded(person)``, sorted and without repeats, from pseudonyms in any order; once for each version of the
    registers and choice of regimes. Pseudonyms of nobody in the snapshot leave no trace."""
    made = excluded(snapshot, version, regimes, as_of)
    if made is not None:
        return made
    file = _file(snapshot, version, regimes)
    with workshop(file.parent) as begun:
        try:
            _write(Path(snapshot.folder) / "persons.duckdb", begun / "excluded.duckdb", pseudonyms, begun)
        except EngineError:  # its text may hold values
            raise Fault("exclude") from None
        publish_file(begun / "excluded.duckdb", file)
    return Exclusion(snapshot.id, version, regimes, str(file), as_of)


def _file(snapshot: Snapshot, version: int, regimes: tuple[str, ...]) -> Path:
    return Path(snapshot.folder) / "exclusions" / f"{version}-{'-'.join(sorted(regimes))}.duckdb"


def _write(persons: Path, out: Path, pseudonyms: Iterable[bytes], folder: Path) -> None:
    with connected(None, folder / "spill") as connection:
        connection.execute(f"ATTACH {text(persons)} AS records (READ_ONLY); ATTACH {text(out)} AS made")
        fill_with_pseudonyms(connection, "wanted", pseudonyms, folder)
        connection.execute(
            "CREATE TABLE made.excluded AS SELECT person FROM records.persons SEMI JOIN wanted USING (pseudonym) ORDER BY person"
        )
        connection.execute("CHECKPOINT made; DETACH made")
