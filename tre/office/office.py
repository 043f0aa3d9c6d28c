"""The office: one method an act of governing. Each act and its entry are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from tre import audit, optouts, store
from tre.errors import Refusal
from tre.keys import Keys
from tre.office import catalogue, logbook
from tre.office.act import Act, Body, carry_out, demand
from tre.office.approving import Approving
from tre.office.backing import Backing
from tre.office.exempting import Exempting
from tre.office.governing import Governing
from tre.office.opening import ROTATED, ROTATING, keys_of, only_one
from tre.office.policing import Policing
from tre.office.publishing import Publication
from tre.office.receiving import Receiving
from tre.office.registering import Registering
from tre.office.showing import Register, Showing
from tre.policy import Policies, read_policies
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.terms import Person, Snapshot

RUNNING = "the policy on disk is not the one that `tre serve` runs under; start it anew, and the one on disk is in force"
NEVER = timedelta(days=36_500)
Step = Callable[..., None]


class Office(Policing, Governing, Approving, Backing, Receiving, Registering, Exempting, Showing):
    """Over one home: people, projects, approvals and opt-outs stand beside; records and the log are here."""

    def __init__(
        self,
        state: State,
        policies: Policies,
        keys: Keys,
        folder: Path,
        public: Path,
        registers: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state, self.policies, self.keys, self.clock = state, policies, keys, clock
        self.store, self.registers = folder, registers
        self.publication = Publication(state, keys, public, clock)
        self.register = Register(state)
        self.host = Person("host", keys.person_pseudonym("host"), frozenset({"admin", "controller", "auditor"}))
        self._digests = {name: policy.digest for name, policy in policies.datasets.items()}

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, locked: bool = False, governed: bool = True) -> Iterator[Self]:
        """The rooms of a home, opened and closed. `Unfit` when keys, log and records are not of one another, or when the policy
        on disk is looser than the one in force. ``locked``: the caller holds the home's lock. Not ``governed``: for what needs
        no policy, and must work while one waits for approval."""
        make_home(settings)
        policies = read_policies(settings.policies)
        with State.open(settings.database_url) as state:
            keys = keys_of(settings, state, datetime.now(UTC), _alone(settings, locked, ROTATING))
            office = cls(state, policies, keys, settings.store, settings.log, settings.registers)
            if governed:
                office.agree(_alone(settings, locked, RUNNING))
            if locked:
                office.settle_opt_outs()
            yield office

    # ------------------------------------------------------------------ what there is
    def catalogue(self) -> list[dict[str, Any]]:
        return [catalogue.summary(policy) for policy in self.policies.datasets.values()]

    def dictionary(self, dataset: str) -> dict[str, Any]:
        return catalogue.dictionary(self._policy(dataset), self._digests[dataset])

    def live_snapshot(self, dataset: str) -> Snapshot | None:
        with self.state.read() as tx:
            return store.live(tx, dataset)

    # ------------------------------------------------------------------ records
    def load(self, person: Person, dataset: str, source: Path, step: Step | None = None) -> dict[str, Any]:
        """Load records, leaving out everyone whose objection means deletion, and make them live with the entry that says so."""
        demand(person, "controller")
        policy = self._policy(dataset)
        with store.making(self.store, dataset):
            version = self._keep_erased()
            loaded = store.load(policy, source, self.store, self.keys.pseudonym, self._people_to_erase(), step)
            self.ready_for_cleared(loaded.snapshot)

            def change(tx: Transaction) -> tuple[None, Body]:
                self._demand_not_overtaken(tx, dataset, version)
                store.make_live(tx, loaded.snapshot, self.clock(), version)
                return None, {"snapshot": loaded.snapshot.id, "policy": self._digests[dataset]}

            try:
                self._act("loaded", person, change, dataset=dataset)
            except Refusal:
                store.unlink(loaded.snapshot)
                raise
        self.retire()
        return {
            "dataset": dataset,
            "snapshot": loaded.snapshot.id,
            "accepted": dict(loaded.accepted),
            "rejected": {table: dict(reasons) for table, reasons in loaded.rejected.items()},
        }

    def age_of_opt_outs(self) -> timedelta:
        """How old the oldest list is; very old where one was never delivered."""
        with self.state.read() as tx:
            times, cleared = list(optouts.delivered(tx).values()), optouts.cleared(tx)
        times.append(cleared.at if cleared is not None else None)
        given = [datetime.fromisoformat(at) for at in times if at is not None]
        return self.clock() - min(given) if len(given) == len(times) else NEVER

    # ------------------------------------------------------------------ the log
    def read_log(self, person: Person, filters: dict[str, Any]) -> dict[str, Any]:
        return self._read("read", person, {"filters": logbook.searched(filters)}, lambda tx: logbook.page(tx, filters))

    def read_entry(self, person: Person, index: int) -> dict[str, Any]:
        return self._read("read", person, {"entry": index}, lambda tx: logbook.with_text(tx, logbook.one(tx, index)))

    def read_story(self, person: Person, question: str) -> dict[str, Any]:
        return self._read("read", person, {"story": question}, lambda tx: logbook.story(tx, question))

    def inclusion(self, person: Person, index: int) -> dict[str, Any]:
        return self._read("read", person, {"proof": index}, lambda tx: logbook.inclusion(tx, index))

    def consistency(self, person: Person, first: int, second: int) -> dict[str, Any]:
        body: Body = {"consistency": f"{first},{second}"}
        return self._read("read", person, body, lambda tx: logbook.consistency(tx, first, second))

    def _read(self, kind: str, person: Person, body: Body, found: Callable[[Transaction], dict[str, Any]]) -> dict[str, Any]:
        """Reading is an act: what was found and the entry of it are one transaction. What was looked at is for auditors alone."""
        demand(person, "auditor")
        return carry_out(self.state, Act(kind, person, self.clock(), sealed=body), lambda tx: (found(tx), {}))

    def verify_log(self, person: Person) -> dict[str, Any]:
        demand(person, "auditor")
        with self.state.read() as tx:
            rotated = audit.page(tx, kind=ROTATED, limit=1)
        first = str(rotated[0].body["old"]) if rotated else self.publication.vkey
        verdict = logbook.verify(self.state, first)
        self._act("verified", person, lambda tx: (None, {"ok": "yes" if verdict.ok else "no", "entries": verdict.size}))
        return {"ok": verdict.ok, "size": verdict.size, "root": verdict.root, "first_bad": verdict.first_bad}

    def export_log(self, person: Person, folder: Path) -> dict[str, Any]:
        demand(person, "auditor")
        self.publication.sign()
        with self.state.read() as tx:
            return logbook.export(tx, folder)


def _alone(settings: Settings, locked: bool, otherwise: str) -> AbstractContextManager[None]:
    return nullcontext() if locked else only_one(settings, otherwise)
