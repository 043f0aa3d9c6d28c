"""Backups: the database, the log and the live records as they were at one moment, and their records brought back.

Promises that what was erased after a backup was made is erased from what it brings back before anything of it is live, also where
the objection was withdrawn since; and that a backup which is not of this log brings nothing here.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tre import audit, optouts, store
from tre.audit import checkpoint, tiles
from tre.errors import Unfit
from tre.office.act import Act, demand
from tre.office.erasing import Erasing
from tre.office.publishing import ORIGIN, Publication
from tre.state import State, Transaction
from tre.store import backing
from tre.store.backing import Kept
from tre.terms import Person, Snapshot, canonical, timestamp

Step = Callable[[str, float], None]


class Backing(Erasing):
    """Over one home, also while it is served."""

    publication: Publication
    registers: Path

    def back_up(self, person: Person, place: Path, step: Step | None = None) -> dict[str, Any]:
        """A new backup in a new folder. Its id is in the log, and in the list of those that an erasure does not reach, before a
        byte of it is written. It holds no key: `tre keys backup` does."""
        demand(person, "controller")
        tell, id = step or (lambda *_: None), secrets.token_hex(16)
        self.publication.sign()
        with backing.beginning(place) as made:
            records = self._note_backup(person, id)
            with backing.kept_from_unlinking(records):
                for done, snapshot in enumerate(records):
                    tell(f"copying {snapshot.dataset}", 0.6 * done / len(records))
                    backing.copy_records(snapshot, made)
            tell("copying the database", 0.6)
            self.state.copy(made / backing.DATABASE)
            _export(made)
            tell("taking digests", 0.8)
            digest = backing.write_list(made, self._listed(id, records, made))
        self.state.write(lambda tx: store.note_whole(tx, id, digest))
        return {"backup": id, "folder": str(place.absolute()), "datasets": [snapshot.dataset for snapshot in records]}

    def _note_backup(self, person: Person, id: str) -> list[Snapshot]:
        def write(tx: Transaction) -> list[Snapshot]:
            live = [found for name in self.policies.datasets if (found := store.live(tx, name)) is not None]
            store.note_backup(tx, id, {one.dataset: one.id for one in live}, self.clock())
            audit.append(tx, Act("backed-up", person, self.clock(), body={"backup": id}).entry())
            return live

        return self.state.write(write)

    def _listed(self, id: str, records: list[Snapshot], made: Path) -> dict[str, Any]:
        """The list of the backup, signed with the log's key."""
        listed: dict[str, Any] = {
            "format": backing.FORMAT,
            "backup": id,
            "at": timestamp(self.clock()),
            "snapshots": {one.dataset: {"id": one.id, "schema": one.schema, "manifest": one.manifest} for one in records},
            "files": backing.list_files(made),
            "vkey": checkpoint.vkey(ORIGIN, self.keys.verify_key),
        }
        return listed | {"signature": base64.b64encode(self.keys.sign(to_sign(canonical(listed)))).decode()}

    def restore_records(self, person: Person, kept: Kept, step: Step | None = None) -> dict[str, Any]:
        """Make live the records of a backup that this home made, without everyone who objected or was erased since."""
        demand(person, "controller")
        self._demand_lists()
        told = {}
        for snapshot in kept.snapshots:
            policy = self._policy(snapshot.dataset)
            with store.alone_with(self.store, snapshot.dataset), store.making(self.store, snapshot.dataset):
                version = self._keep_erased()
                was = self._live(snapshot.dataset)
                made = store.rewrite(policy, snapshot, self.store, self._people_since(snapshot), step)
                self._switch(person, "restored", made, was, version, {"backup": kept.id})
            told[snapshot.dataset] = made.id
        self.retire()
        return {"backup": kept.id, "records": told}

    def _demand_lists(self) -> None:
        """Each whole since a restore, which closed them; the check service's also with its file, that no backup holds."""
        with self.state.read() as tx:
            missing = {regime for regime, at in optouts.delivered(tx).items() if at is None}
            cleared, closed = optouts.cleared(tx), optouts.closed(tx)
        if any(policy.opt_outs.national == optouts.BY_LIST for policy in self.policies.datasets.values()):
            there = cleared is not None and store.place_of(self.registers, cleared.list).is_file()
            # Direct objections only add to the check service's list: nobody needs to have made one.
            missing -= {optouts.NATIONAL} - closed
            missing |= set() if there and optouts.BY_LIST not in closed else {optouts.BY_LIST}
        if missing:
            raise Unfit(
                f"the lists of opt-outs ({', '.join(sorted(missing))})"
                " have not been delivered here whole since this database was restored, or "
                "ever; deliver them (tre opt-outs apply --whole, tre opt-outs cleared), then restore the records: nothing was "
                "changed"
            )

    def _live(self, dataset: str) -> Snapshot | None:
        with self.state.read() as tx:
            return store.live(tx, dataset)

    def _people_since(self, snapshot: Snapshot) -> Iterator[bytes]:
        """Whoever objects now, and whoever was erased after the snapshot was made."""
        yield from self._people_to_erase()
        with self.state.read() as tx:
            yield from optouts.erased_since(tx, store.without(tx, snapshot.id) or 0)


def to_sign(listed: bytes) -> bytes:
    """No checkpoint, nor anything else that the log's key signs, can be read out of it."""
    return f"{ORIGIN}\nbackup\n".encode() + listed + b"\n"


def _export(made: Path) -> None:
    """The log as the copied database has it published."""
    with State.open(f"sqlite:///{made / backing.DATABASE}") as copy, copy.read() as tx:
        tiles.export(tx, made / backing.LOG)
