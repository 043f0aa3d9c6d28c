"""Erasing: a snapshot without everyone whose objection means deletion, the files before it unlinked, a certificate of it for all.

Promises that the database names a whole snapshot at every moment; that an erasure which another change overtook leaves nothing;
that a certificate is given once nothing but the live snapshot stands in the store, and is given then, whatever was killed before;
and that neither an entry nor a certificate says how many were erased, nor whether any one person had a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tre import audit, optouts, store
from tre.errors import Reason, Refusal
from tre.office import certifying
from tre.office.act import Act, Body, demand
from tre.office.rooms import Rooms
from tre.state import Transaction
from tre.terms import Person, Snapshot

Step = Callable[[str, float], None]
MOMENT_S = 2.0


class Erasing(Rooms):
    """Over one home, also while it is served: readers keep the snapshot they have open until they take the next."""

    store: Path
    _digests: dict[str, str]

    def erase(self, person: Person, dataset: str, step: Step | None = None) -> dict[str, Any]:
        """Make live a snapshot rewritten from the live one, without those who are not to be in it. CHANGED_MEANWHILE when an
        erasure of the dataset runs already, or another snapshot became live before this one could."""
        demand(person, "controller")
        policy = self._policy(dataset)
        try:
            with store.alone_with(self.store, dataset), store.making(self.store, dataset):
                was, version = self._to_rewrite(dataset)
                made = store.rewrite(policy, was, self.store, self._people_to_erase(), step)
                self._switch(person, "erased", made, was, version)
        except BlockingIOError:
            raise Refusal(
                Reason.CHANGED_MEANWHILE, "An erasure of this dataset runs already.", "Wait for its end, then erase once more."
            ) from None
        return {"dataset": dataset, "snapshot": made.id, "was": was.id} | self._let_go(made)

    def _to_rewrite(self, dataset: str) -> tuple[Snapshot, int]:
        """The live snapshot, and the version of the registers whose people will not be in the next."""
        version = self._keep_erased()
        with self.state.read() as tx:
            was = store.live(tx, dataset)
        if was is None:
            raise Refusal(Reason.NOT_READY, f"No records of {dataset} are live.", "Load records, or restore a backup.")
        return was, version

    def _keep_erased(self) -> int:
        """Write down who is to be in no snapshot made from here on; the version of the registers that says so."""
        with self.state.read() as tx:
            moved = optouts.moved(tx)
        for part in moved.parts():
            self.state.write(partial(optouts.keep_erased, found=part))
        return moved.version

    def _people_to_erase(self) -> Iterator[bytes]:
        """Those who were written down, and nobody else: whoever is left out of a snapshot must be known to a later restore."""
        with self.state.read() as tx:
            yield from optouts.to_leave_out(tx)

    def _switch(
        self, person: Person, kind: str, made: Snapshot, was: Snapshot | None, version: int, more: Body | None = None
    ) -> None:
        """The new snapshot becomes live in place of the one it was made from, with the entry that says so; or it is removed."""
        before = was.id if was else None
        body: Body = {"snapshot": made.id, "was": before, "policy": self._digests[made.dataset], **(more or {})}

        def write(tx: Transaction) -> None:
            now = store.live(tx, made.dataset)
            if (now.id if now else None) != before:
                raise Refusal(
                    Reason.CHANGED_MEANWHILE, "Another snapshot became live meanwhile; nothing was changed.", "Do it once more."
                )
            store.make_live(tx, made, self.clock(), version)
            audit.append(tx, Act(kind, person, self.clock(), dataset=made.dataset, body=body).entry())

        try:
            self.state.write(write)
        except Refusal:
            store.unlink(made)
            raise

    def _demand_not_overtaken(self, tx: Transaction, dataset: str, version: int) -> None:
        """An erasure that came to its end meanwhile left out people whom a load of this version still holds, and said so."""
        now = store.live(tx, dataset)
        if now is not None and (store.without(tx, now.id) or 0) > version:
            raise Refusal(
                Reason.CHANGED_MEANWHILE,
                "People were erased while these records were read; nothing was changed.",
                "Load once more.",
            )

    # ------------------------------------------------------------------ what is superseded goes
    def retire(self) -> None:
        """Unlink what is superseded and nobody reads any more, each with its entry; a certificate where with it the last of a
        dataset's earlier snapshots is gone. Called again and again: what is read now is gone later."""
        with self.state.read() as tx:
            superseded = store.superseded(tx)
        gone = [snapshot for snapshot in superseded if store.unlink(snapshot)]
        for dataset in sorted({snapshot.dataset for snapshot in gone}):
            self._note_unlinked(dataset, [snapshot.id for snapshot in gone if snapshot.dataset == dataset])
        with self.state.read() as tx:
            due = [dataset for dataset in store.uncertified(tx) if self._to_certify(tx, dataset)]
        for dataset in due:
            self._certify(dataset)

    def remove_unnamed(self) -> None:
        """Remove what a killed load or erasure had begun, or put in place without the database naming it."""
        for dataset in self.policies.datasets:
            with store.cleared_of_unnamed(self.store, dataset, self._named):
                pass

    def _named(self) -> set[str]:
        with self.state.read() as tx:
            return store.known(tx)

    def _note_unlinked(self, dataset: str, ids: list[str]) -> None:
        def write(tx: Transaction) -> None:
            for id in ids:
                if store.note_unlinked(tx, id, self.clock()):
                    audit.append(tx, Act("unlinked", self.host, self.clock(), dataset=dataset, body={"snapshot": id}).entry())

        self.state.write(write)

    def _certify(self, dataset: str) -> None:
        """Once nothing that may hold an erased person stands beside the live snapshot. Records that come in, or are rewritten,
        are somebody's who may have been erased meanwhile: while anybody makes a snapshot it waits, and is given later."""
        with store.cleared_of_unnamed(self.store, dataset, self._named) as alone:
            if alone:
                store.make_durable(self.store / dataset)
                self.state.write(lambda tx: self._certified(tx, dataset))

    def _to_certify(self, tx: Transaction, dataset: str) -> tuple[Snapshot, int, list[str]] | None:
        """The live snapshot, the version of the registers whose people are not in it, and what is gone with no certificate that
        says so; None while an earlier one is read, where nothing is, and where it is not known whom the live one is without."""
        live, gone = store.live(tx, dataset), store.uncertified(tx).get(dataset)
        version = store.without(tx, live.id) if live else None
        if live is None or version is None or not gone or any(one.dataset == dataset for one in store.superseded(tx)):
            return None
        return live, version, gone

    def _certified(self, tx: Transaction, dataset: str) -> None:
        """Unless another process has done it just now."""
        found = self._to_certify(tx, dataset)
        if found is None:
            return
        live, version, gone = found
        at = self.clock()
        made = certifying.state(tx, live, gone, version, at)
        body: Body = {"certificate": made.id, "snapshot": live.id, "digest": made.digest}
        entry = audit.append(tx, Act("erasure-certified", self.host, at, dataset=dataset, body=body).entry())
        certifying.keep(tx, made, self.keys, entry.index)
        store.note_certified(tx, gone, made.id)

    def _let_go(self, made: Snapshot) -> dict[str, Any]:
        """Try at once, and for a moment: who tends the home may be looking just now. What somebody reads still, or makes, is
        waited for by whoever tends it."""
        until = time.monotonic() + MOMENT_S
        while True:
            self.retire()
            with self.state.read() as tx:
                reading = [one.id for one in store.superseded(tx) if one.dataset == made.dataset]
                waits = self._to_certify(tx, made.dataset) is not None
                given = [
                    one.id for one in store.certificates(tx, made.dataset)[-1:] if certifying.told(one)["snapshot"] == made.id
                ]
            if reading or not waits or time.monotonic() > until:
                return {"still_read": reading, "certificate": given[0] if given and not (reading or waits) else None}
            time.sleep(0.05)

    # ------------------------------------------------------------------ for everyone
    def erasures(self) -> dict[str, Any]:
        """Every certificate, newest first, and every backup with whether it predates what is live."""
        with self.state.read() as tx:
            found = [certifying.told(one) for one in store.certificates(tx)]
            return {"erasures": found[::-1], "backups": certifying.backups(tx)}

    def erasure(self, id: str) -> dict[str, Any]:
        """One certificate, as it is checked without us."""
        with self.state.read() as tx:
            found = [one for one in store.certificates(tx) if one.id == id]
        if not found:
            raise Refusal(Reason.NOT_FOUND, "There is no such certificate.", "GET /v1/erasures lists them.")
        return certifying.told(found[0])
