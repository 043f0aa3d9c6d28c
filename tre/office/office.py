"""The office: one method an act of governing. Each act and its entry are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Self

from tre import audit, optouts, store
from tre.errors import Unfit
from tre.keys import Keys
from tre.office import catalogue, logbook
from tre.office.act import Act, Body, carry_out, demand
from tre.office.approving import Approving
from tre.office.backing import Backing
from tre.office.governing import Governing
from tre.office.opening import ROTATED, ROTATING, keys_of, only_one
from tre.office.policing import Policing
from tre.office.publishing import Publication
from tre.policy import Policies, read_policies
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.terms import Person, Snapshot

RUNNING = "the policy on disk is not the one that `tre serve` runs under; start it anew, and the one on disk is in force"
NEVER = timedelta(days=36_500)
Step = Callable[..., None]


class Office(Policing, Governing, Approving, Backing):
    """Over one home: people, projects and approvals stand beside; records, opt-outs and the log are here."""

    def __init__(
        self,
        state: State,
        policies: Policies,
        keys: Keys,
        folder: Path,
        public: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state, self.policies, self.keys, self.store, self.clock = state, policies, keys, folder, clock
        self.publication = Publication(state, keys, public, clock)
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
            office = cls(state, policies, keys, settings.store, settings.log)
            if governed:
                office.agree(_alone(settings, locked, RUNNING))
            yield office

    # ------------------------------------------------------------------ what there is
    def catalogue(self) -> list[dict[str, Any]]:
        return [catalogue.summary(policy) for policy in self.policies.datasets.values()]

    def dictionary(self, dataset: str) -> dict[str, Any]:
        return catalogue.dictionary(self._policy(dataset), self._digests[dataset])

    def live_snapshot(self, dataset: str) -> Snapshot | None:
        with self.state.read() as tx:
            return store.live(tx, dataset)

    # ------------------------------------------------------------------ records and opt-outs
    def load(self, person: Person, dataset: str, source: Path, step: Step | None = None) -> dict[str, Any]:
        """Load records, leaving out everyone whose objection means deletion, and make them live with the entry that says so."""
        demand(person, "controller")
        policy = self._policy(dataset)
        version = self._keep_erased()
        with store.making(self.store, dataset):
            loaded = store.load(policy, source, self.store, self.keys.pseudonym, self._people_to_erase(), step)

            def change(tx: Transaction) -> tuple[None, Body]:
                store.make_live(tx, loaded.snapshot, self.clock(), version)
                return None, {"snapshot": loaded.snapshot.id, "policy": self._digests[dataset]}

            self._act("loaded", person, change, dataset=dataset)
        self.retire()
        return {
            "dataset": dataset,
            "snapshot": loaded.snapshot.id,
            "accepted": dict(loaded.accepted),
            "rejected": {table: dict(reasons) for table, reasons in loaded.rejected.items()},
        }

    def deliver_opt_outs(self, person: Person, file: Path, regime: str | None, step: Step | None = None) -> list[dict[str, Any]]:
        """A list from a file, in force for the next question computed."""
        try:
            return self._receive(person, optouts.read_file(file, regime), file.name)
        except OSError as error:
            raise Unfit(f"{file} cannot be read ({error.strerror})") from None

    def receive_opt_outs(self, person: Person, regime: str, nhs_numbers: list[str]) -> dict[str, Any]:
        """A list from a body."""
        return {"batches": self._receive(person, optouts.lines_of(regime, nhs_numbers), "http")}

    def receive_opt_outs_file(self, person: Person, raw: bytes) -> dict[str, Any]:
        """A list from a body that is a CSV file's."""
        demand(person, "controller")
        return {
            "batches": self._receive(person, optouts.read_csv(StringIO(raw.decode("utf-8-sig", "replace"), newline=None)), "http")
        }

    def _receive(self, person: Person, lines: Iterator[optouts.Line], source: str) -> list[dict[str, Any]]:
        demand(person, "controller")
        deliveries = optouts.receive(lines, self.keys.pseudonym)
        with self.state.read() as tx:
            sifted = {regime: optouts.sift(tx, regime, delivery.pseudonyms) for regime, delivery in deliveries.items()}
        told: list[dict[str, Any]] = []

        def write(tx: Transaction) -> None:
            told.clear()
            for regime, delivery in deliveries.items():
                new, known = sifted[regime]
                made = optouts.apply(tx, regime, new, delivery.rejected, source, self.clock(), known=known)
                # The counts are the controller's: in the log they would tell who joined a list of which size.
                audit.append(tx, Act("opt-outs", person, self.clock(), body={"batch": made.id, "regime": regime}).entry())
                told.append(
                    {
                        "batch": made.id,
                        "regime": regime,
                        "received": made.received,
                        "applied": made.applied,
                        "already_known": made.already_known,
                        "rejected": dict(made.rejected),
                        "rejected_lines": delivery.named,
                    }
                )

        self.state.write(write)
        return told

    def age_of_opt_outs(self) -> timedelta:
        """How old the oldest register is; very old where one was never delivered."""
        with self.state.read() as tx:
            times = list(optouts.delivered(tx).values())
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
