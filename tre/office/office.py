"""The office: one method an act of governing. Each act and its entry are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, Self, TypeVar

from tre import audit, budget, optouts, projects, store
from tre.budget import Stated
from tre.errors import Reason, Refusal, Unfit
from tre.keys import Keys
from tre.office import catalogue, logbook, projecting
from tre.office.act import Act, Body, carry_out, demand
from tre.office.publishing import Publication
from tre.policy import DatasetPolicy, Policies, read_policies
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.terms import Person, Snapshot

NEVER = timedelta(days=36_500)
Step = Callable[..., None]
T = TypeVar("T")


class Office:
    """Over one home. ``host`` is whoever sits at its terminal; what they do is in the log like everybody's."""

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
    def open(cls, settings: Settings) -> Iterator[Self]:
        """The rooms of a home, opened and closed. `Unfit` when keys were lost: nobody could tell this log from another."""
        make_home(settings)
        policies, keys = read_policies(settings.policies), Keys.open(settings.keys)
        with State.open(settings.database_url) as state:
            with state.read() as tx:
                if keys.fresh and audit.size(tx):
                    raise Unfit(f"the keys in {settings.keys} are new but the log is not; put back the backup of the keys")
            yield cls(state, policies, keys, settings.store, settings.log)

    # ------------------------------------------------------------------ who
    def sign_in(self, token: str) -> Person:
        """Whoever holds the token; NOT_SIGNED_IN says nothing of why not."""
        with self.state.read() as tx:
            person = projects.who(tx, token)
        if person is None:
            raise Refusal(Reason.NOT_SIGNED_IN)
        return person

    def me(self, person: Person) -> dict[str, Any]:
        with self.state.read() as tx:
            own = [project.id for project in projects.of(tx, person)]
        return {"name": person.name, "roles": sorted(person.roles), "projects": own}

    def identities(self, person: Person) -> list[dict[str, Any]]:
        demand(person, "admin")
        with self.state.read() as tx:
            found = projects.identities(tx)
        return [
            {
                "name": one.name,
                "pseudonym": one.pseudonym,
                "roles": sorted(one.roles),
                "made_at": one.made_at,
                "revoked_at": one.revoked_at,
            }
            for one in found
        ]

    def make_identity(self, person: Person, name: str, roles: tuple[str, ...]) -> dict[str, Any]:
        """A new identity. Over HTTP it has no role: a role is given on the machine itself, by `tre token new`."""
        demand(person, "admin")
        if name == self.host.name:
            raise Refusal(Reason.INVALID_REQUEST, "This name is that of the terminal itself.", "Choose another.")
        if roles and person is not self.host:
            raise Refusal(
                Reason.ROLE_NOT_ALLOWED,
                "One admin alone gives no role.",
                "Make the identity without a role; a role is given on the machine itself: tre token new NAME --role ROLE",
            )
        token = self._act("identity-made", person, self._making(name, roles), roles=",".join(sorted(roles)))
        return {"name": name, "roles": sorted(roles), "token": token}

    def renew_identity(self, name: str, roles: tuple[str, ...]) -> str:
        """At the terminal: make the identity, or give an existing one of the same roles a new token."""

        def change(tx: Transaction) -> tuple[str, Body]:
            known = {one.name for one in projects.identities(tx)}
            return (projects.renew(tx, name), {"renewed": "yes"}) if name in known else self._making(name, roles)(tx)

        return self._act("identity-made", self.host, change, roles=",".join(sorted(roles)))

    def revoke(self, person: Person, name: str) -> dict[str, Any]:
        demand(person, "admin")

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            gone = projects.revoke(tx, name, self.clock())
            return {"name": gone.name, "revoked_at": gone.revoked_at}, {"identity": gone.pseudonym}

        return self._act("identity-revoked", person, change)

    def _making(self, name: str, roles: tuple[str, ...]) -> Callable[[Transaction], tuple[str, Body]]:
        pseudonym = self.keys.person_pseudonym(name)
        return lambda tx: (projects.make_identity(tx, name, roles, pseudonym, self.clock()), {"identity": pseudonym})

    # ------------------------------------------------------------------ what there is
    def catalogue(self) -> list[dict[str, Any]]:
        return [catalogue.summary(policy) for policy in self.policies.datasets.values()]

    def dictionary(self, dataset: str) -> dict[str, Any]:
        return catalogue.dictionary(self._policy(dataset), self._digests[dataset])

    def live_snapshot(self, dataset: str) -> Snapshot | None:
        with self.state.read() as tx:
            return store.live(tx, dataset)

    def _policy(self, dataset: str) -> DatasetPolicy:
        if dataset not in self.policies.datasets:
            raise Refusal(Reason.NOT_FOUND)
        return self.policies.datasets[dataset]

    # ------------------------------------------------------------------ projects and budgets
    def projects(self, person: Person) -> list[dict[str, Any]]:
        with self.state.read() as tx:
            found = projects.every(tx) if person.roles & {"admin", "auditor"} else projects.of(tx, person)
            return [projecting.told(tx, project) for project in found]

    def project(self, person: Person, project: str) -> dict[str, Any]:
        with self.state.read() as tx:
            return projecting.told(tx, projecting.visible(tx, person, project))

    def make_project(self, person: Person, fields: dict[str, Any]) -> dict[str, Any]:
        demand(person, "admin")
        self._policy(fields["dataset"])
        projecting.permitted(self.policies, fields["purpose"])

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            made = projects.create(tx, projects.Project(**fields))
            budget.open_account(tx, f"project:{made.id}", Stated(Decimal(0), Decimal(0)))
            return projecting.told(tx, made), {"purpose": made.purpose, "ends_on": made.ends_on.isoformat()}

        return self._act("project-made", person, change, project=fields["id"], dataset=fields["dataset"])

    def change_project(self, person: Person, project: str, fields: dict[str, Any], if_match: str | None) -> dict[str, Any]:
        """Tightening and better words, at once."""
        demand(person, "admin")
        return self._act("project-changed", person, projecting.changing(project, fields, if_match), project=project)

    def set_members(self, person: Person, project: str, members: list[dict[str, Any]], if_match: str | None) -> dict[str, Any]:
        """Fewer members, or lower ceilings of theirs, at once."""
        demand(person, "admin")
        return self._act("members", person, projecting.membership(project, members, if_match), project=project)

    def set_project_budget(
        self, person: Person, project: str, epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None, if_match: str | None
    ) -> dict[str, Any]:
        """Tightening, at once."""
        demand(person, "admin")
        stated = projecting.stated(epsilon, delta, keys_delta)

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            projecting.check_etag(projecting.told(tx, projects.get(tx, project))["version"], if_match)
            budget.tighten(tx, f"project:{project}", stated)
            return projecting.told(tx, projects.get(tx, project)), projecting.budget_body(stated)

        return self._act("budget", person, change, project=project)

    def dataset_budget(self, person: Person, dataset: str) -> dict[str, Any]:
        demand(person, "admin", "auditor", "controller")
        policy = self._policy(dataset)
        with self.state.read() as tx:
            return projecting.dataset_budget(tx, policy)

    def set_dataset_budget(
        self, person: Person, dataset: str, epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None, if_match: str | None
    ) -> dict[str, Any]:
        """Tightening, at once."""
        demand(person, "admin")
        policy, stated = self._policy(dataset), projecting.stated(epsilon, delta, keys_delta)

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            projecting.check_etag(projecting.dataset_budget(tx, policy)["version"], if_match)
            budget.tighten(tx, f"dataset:{dataset}", stated)
            return projecting.dataset_budget(tx, policy), projecting.budget_body(stated)

        return self._act("budget", person, change, dataset=dataset)

    def found_project(
        self,
        project: str,
        *,
        dataset: str,
        title: str,
        purpose: str,
        legal_basis: str,
        lay_summary: str,
        ends_on: date,
        members: tuple[str, ...],
        stated: tuple[Decimal, Decimal],
    ) -> None:
        """At the terminal, for the demo: an active project with a budget, under a dataset whose whole lifetime cap is granted."""
        cap = Stated(self._policy(dataset).lifetime_cap.epsilon, self._policy(dataset).lifetime_cap.delta)

        def change(tx: Transaction) -> tuple[None, Body]:
            if project not in {one.id for one in projects.every(tx)}:
                if not budget.exists(tx, f"dataset:{dataset}"):
                    budget.open_account(tx, f"dataset:{dataset}", cap, cap)
                made = projects.Project(project, title, purpose, legal_basis, dataset, lay_summary, ends_on)
                projects.create(tx, made)
                projects.change(tx, project, state="active")
                projects.set_members(tx, project, members)
                budget.open_account(tx, f"project:{project}", Stated(*stated))
            return None, {"purpose": purpose, "ends_on": ends_on.isoformat(), **projecting.budget_body(Stated(*stated))}

        self._act("project-made", self.host, change, project=project, dataset=dataset)

    # ------------------------------------------------------------------ records and opt-outs
    def load(self, person: Person, dataset: str, source: Path, step: Step | None = None) -> dict[str, Any]:
        """Load records, leaving out whoever objected under type 1, and make them live with the entry that says so."""
        demand(person, "controller")
        policy = self._policy(dataset)
        with self.state.read() as tx:
            left_out = list(optouts.pseudonyms(tx, ("type-1",)))
        loaded = store.load(policy, source, self.store, self.keys.pseudonym, left_out, step)

        def change(tx: Transaction) -> tuple[None, Body]:
            store.make_live(tx, loaded.snapshot, self.clock())
            return None, {"snapshot": loaded.snapshot.id, "policy": self._digests[dataset]}

        self._act("loaded", person, change, dataset=dataset)
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
        """Reading is an act: what was found and the entry of it are one transaction."""
        demand(person, "auditor")
        return carry_out(self.state, Act(kind, person, self.clock(), body=body), lambda tx: (found(tx), {}))

    def verify_log(self, person: Person) -> dict[str, Any]:
        demand(person, "auditor")
        verdict = logbook.verify(self.state, self.publication.vkey)
        self._act("verified", person, lambda tx: (None, {"ok": "yes" if verdict.ok else "no", "entries": verdict.size}))
        return {"ok": verdict.ok, "size": verdict.size, "root": verdict.root, "first_bad": verdict.first_bad}

    def export_log(self, person: Person, folder: Path) -> dict[str, Any]:
        demand(person, "auditor")
        self.publication.sign()
        with self.state.read() as tx:
            return logbook.export(tx, folder)

    def _act(
        self,
        kind: str,
        person: Person,
        change: Callable[[Transaction], tuple[T, Body]],
        project: str | None = None,
        dataset: str | None = None,
        **body: str,
    ) -> T:
        return carry_out(self.state, Act(kind, person, self.clock(), project, dataset, body), change)
