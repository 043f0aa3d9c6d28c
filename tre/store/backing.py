"""The files of a backup: copied with their digests while nobody can unlink them, made durable, found again whole or refused.

A backup is a folder that appears in one step; half of one is never seen under its name. Holds what the database and the snapshots
held then, and no key.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tre.errors import Unfit
from tre.store.files import make_durable, sha256_of, workshop
from tre.store.manifest import MANIFEST
from tre.terms import Snapshot, canonical, digest

LIST, DATABASE, LOG, RECORDS = "backup.json", "database.sqlite", "log", "store"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that is whole: its files have the digests that its list gives. ``signed``: the list without its signature."""

    place: Path
    id: str
    listed: Mapping[str, Any]
    digest: str

    @property
    def snapshots(self) -> list[Snapshot]:
        found = self.listed["snapshots"]
        return [
            Snapshot(one["id"], name, str(self.place / RECORDS / name / one["id"]), one["schema"], one["manifest"])
            for name, one in sorted(found.items())
        ]

    @property
    def signed(self) -> bytes:
        return canonical({name: value for name, value in self.listed.items() if name != "signature"})


@contextmanager
def beginning(place: Path) -> Iterator[Path]:
    """A folder to make a backup in; at the end it stands at ``place``, whole and durable, or nothing does."""
    place = place.absolute()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise Unfit(f"{place} is there already; name a new folder for the backup")
    with workshop(place.parent) as begun:
        made = begun / "made"
        made.mkdir(mode=0o700)
        yield made
        for path in sorted(made.rglob("*"), reverse=True):
            path.chmod(0o700 if path.is_dir() else 0o400)
            make_durable(path)
        make_durable(made)
        made.rename(place)
        make_durable(place.parent)


@contextmanager
def kept_from_unlinking(snapshots: list[Snapshot]) -> Iterator[None]:
    """Read the files of snapshots as an engine does: under a lock by which whoever retires them knows. `Unfit` when one is being
    unlinked."""
    with ExitStack() as held:
        for snapshot in snapshots:
            for path in sorted(Path(snapshot.folder).glob("*.duckdb")):
                try:
                    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                    held.callback(os.close, descriptor)
                    fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    raise Unfit(f"the records of {snapshot.dataset} changed meanwhile; back up once more") from None
        yield


def copy_records(snapshot: Snapshot, made: Path) -> None:
    """A snapshot's files, without those that are made anew of the registers."""
    folder = made / RECORDS / snapshot.dataset / snapshot.id
    folder.mkdir(mode=0o700, parents=True)
    for path in (*sorted(Path(snapshot.folder).glob("*.duckdb")), Path(snapshot.folder) / MANIFEST):
        shutil.copyfile(path, folder / path.name)


def list_files(made: Path) -> list[dict[str, Any]]:
    """Every file of a backup, with its size and digest."""
    paths = sorted(path for path in made.rglob("*") if path.is_file())
    return [{"path": str(path.relative_to(made)), "size": path.stat().st_size, "sha256": sha256_of(path)} for path in paths]


def write_list(made: Path, listed: Mapping[str, Any]) -> str:
    """The list of a backup, and its digest."""
    raw = canonical(listed)
    (made / LIST).write_bytes(raw)
    return digest(raw)


def open_backup(place: Path) -> Kept:
    """A backup whose every file is as its list says, and no other is there; `Unfit` names what is missing or damaged."""
    place = place.absolute()
    try:
        raw = (place / LIST).read_bytes()
        listed = json.loads(raw)
        found = Kept(place, listed["backup"], listed, digest(raw))
        if listed["format"] != FORMAT or not all(isinstance(one.id, str) for one in found.snapshots):
            raise ValueError
        files = {str(file["path"]): (file["size"], file["sha256"]) for file in listed["files"]}
    except OSError:
        raise Unfit(f"{place} is not a backup, or only half of one: it has no {LIST}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unfit(f"{place / LIST} is damaged; take another backup") from None
    there = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} - {LIST}
    for name in sorted(files.keys() ^ there):
        raise Unfit(f"{place / name} {'is missing' if name in files else 'is not of this backup'}; take another backup")
    for name, (size, sha256) in files.items():
        if (place / name).stat().st_size != size or sha256_of(place / name) != sha256:
            raise Unfit(f"{place / name} is damaged; take another backup")
    return found
