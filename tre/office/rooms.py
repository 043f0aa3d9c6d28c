"""What every act of the office stands on: the rooms, the clock, the policy, and the one way an act and its entry are written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from tre import audit, projects
from tre.errors import Reason, Refusal
from tre.keys import Keys
from tre.office.act import Act, Body, Proposed, carry_out, demand, unchanged
from tre.office.changes import Change
from tre.policy import DatasetPolicy, Policies
from tre.projects import approvals
from tre.state import State, Transaction
from tre.terms import Person

T = TypeVar("T")


class Rooms:
    """Over one home. ``host`` is whoever sits at its terminal; what they do is in the log like everybody's."""

    state: State
    policies: Policies
    keys: Keys
    clock: Callable[[], datetime]
    host: Person

    def _policy(self, dataset: str) -> DatasetPolicy:
        if dataset not in self.policies.datasets:
            raise Refusal(Reason.NOT_FOUND)
        return self.policies.datasets[dataset]

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

    def _govern(self, person: Person, change: Change, if_match: str | None = None) -> dict[str, Any] | Proposed:
        """Carried out at once where it tightens, proposed where it loosens; with its entry, in one transaction."""
        demand(person, "admin")

        def write(tx: Transaction) -> dict[str, Any] | Proposed:
            self._still_admin(tx, person)
            unchanged(change.version(tx), if_match)
            return self._propose(tx, person, change) if change.loosens(tx) else self._carry_out(tx, person, change)

        return self.state.write(write)

    def _carry_out(self, tx: Transaction, person: Person, change: Change) -> dict[str, Any]:
        told, body = change.carry_out(tx)
        self._log(tx, change.entry, person, change, body)
        return told

    def _propose(self, tx: Transaction, person: Person, change: Change) -> Proposed:
        """It waits for another person, unless it could not be carried out at all."""
        with approvals.rehearsal(tx):
            change.carry_out(tx)
        return self._write_down(tx, person, change)

    def _write_down(self, tx: Transaction, person: Person, change: Change) -> Proposed:
        made = approvals.propose(
            tx,
            change.kind,
            change.subject,
            change.payload,
            change.now(tx),
            change.simulate(tx),
            person.name,
            self.clock(),
        )
        body: Body = {"approval": made.id, "proposes": made.kind, "proposal": made.sealed(made.payload), **change.public()}
        self._log(tx, "proposed", person, change, body)
        return Proposed(made.id, made.simulation)

    def _log(self, tx: Transaction, kind: str, person: Person, change: Change, body: Body) -> None:
        audit.append(tx, Act(kind, person, self.clock(), change.project, change.dataset, body).entry())

    def _still_admin(self, tx: Transaction, person: Person) -> None:
        """Signed in is not enough: between that and this transaction somebody may have been revoked."""
        self._still(tx, person, "admin")

    def _still(self, tx: Transaction, person: Person, role: str) -> None:
        if not self._is(tx, person.name, role):
            raise Refusal(Reason.ROLE_NOT_ALLOWED, f"You are not {'an' if role == 'admin' else 'a'} {role} any more.")

    def _is(self, tx: Transaction, name: str, role: str) -> bool:
        """Whether somebody has a role now; at the terminal one has every role of those who govern."""
        if name == self.host.name:
            return role in self.host.roles
        now = projects.identity(tx, name)
        return now.revoked_at is None and role in now.roles
