"""Projects and budgets: tightened at once, loosened when another admin approves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tre import audit, budget, projects
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.office import projecting
from tre.office.act import Act, Body, Proposed, demand
from tre.office.changes import DatasetBudget, Members, ProjectBudget, ProjectChange, Repurposing, budget_payload
from tre.office.rooms import Rooms
from tre.projects import OutsideApproval
from tre.state import Transaction
from tre.terms import Person

Answer = dict[str, Any] | Proposed
PURPOSE = {"purpose", "legal_basis"}


class Governing(Rooms):
    """What a project may do, with whom, until when, and how much."""

    def projects(self, person: Person) -> list[dict[str, Any]]:
        with self.state.read() as tx:
            found = projects.every(tx) if person.roles & {"admin", "auditor"} else projects.of(tx, person)
            return [projecting.told(tx, project) for project in found]

    def project(self, person: Person, project: str) -> dict[str, Any]:
        with self.state.read() as tx:
            return projecting.told(tx, projecting.visible(tx, person, project))

    def make_project(self, person: Person, fields: dict[str, Any]) -> dict[str, Any]:
        """Made inactive with a budget of 0; that it becomes active is proposed with it, even before there is an approval."""
        demand(person, "admin")
        self._policy(fields["dataset"])
        projecting.permitted(self.policies, fields["purpose"])
        approvals = projects.approvals_of(fields.get("approvals", ()))

        def write(tx: Transaction) -> dict[str, Any]:
            self._still_admin(tx, person)
            made = projects.create(tx, projects.Project(**fields | {"approvals": approvals}))
            budget.open_account(tx, f"project:{made.id}", Stated(Decimal(0), Decimal(0)))
            body: Body = {**projecting.words_body(made), **projecting.approvals_body(approvals)}
            audit.append(tx, Act("project-made", person, self.clock(), made.id, made.dataset, body).entry())
            proposed = self._write_down(tx, person, ProjectChange(made.id, {"state": "active"}, self.policies))
            return projecting.told(tx, made) | {"approval": proposed.approval, "address": proposed.address}

        return self.state.write(write)

    def change_project(self, person: Person, project: str, fields: dict[str, Any], if_match: str | None) -> Answer:
        """Words, an earlier end of it or of an approval, inactive, closed: at once. Where a field loosens, all of them wait.
        Another purpose or legal basis is at once too, and stops the project until two have approved it anew."""
        wanted = {name: _as_json(value) for name, value in fields.items() if value is not None}
        if PURPOSE & set(wanted):
            if set(wanted) - PURPOSE:
                raise Refusal(
                    Reason.INVALID_REQUEST,
                    "A purpose, or its legal basis, is changed by itself: it stops the project.",
                    "Send purpose and legal_basis alone; then record its approvals, and have it made active.",
                )
            return self._govern(person, Repurposing(project, wanted, self.policies, self.clock()), if_match)
        return self._govern(person, ProjectChange(project, wanted, self.policies), if_match)

    def set_members(self, person: Person, project: str, members: list[dict[str, Any]], if_match: str | None) -> Answer:
        """Fewer members, or lower ceilings of theirs: at once. Where one is new or has a wider ceiling, all of it waits."""
        payload = {"members": [_member(member) for member in members]}
        return self._govern(person, Members(project, payload, self.policies), if_match)

    def set_project_budget(
        self, person: Person, project: str, epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None, if_match: str | None
    ) -> Answer:
        payload = budget_payload(epsilon, delta, keys_delta)
        return self._govern(person, ProjectBudget(project, payload, self.policies), if_match)

    def dataset_budget(self, person: Person, dataset: str) -> dict[str, Any]:
        demand(person, "admin", "auditor", "controller")
        policy = self._policy(dataset)
        with self.state.read() as tx:
            return projecting.dataset_budget(tx, policy)

    def set_dataset_budget(
        self, person: Person, dataset: str, epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None, if_match: str | None
    ) -> Answer:
        demand(person, "admin")
        self._policy(dataset)
        payload = budget_payload(epsilon, delta, keys_delta)
        return self._govern(person, DatasetBudget(dataset, payload, self.policies), if_match)

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
        approvals: tuple[OutsideApproval, ...] = (),
        organisation: str = "",
        benefit: str = "",
    ) -> None:
        """At the terminal, for the demo: an active project with a budget, under a dataset whose whole lifetime cap is granted.
        Without approvals it stands on whoever sits at the terminal, until its last day is over."""
        on = approvals or (OutsideApproval("terminal", "Founded at the terminal", _over(ends_on)),)
        cap = Stated(self._policy(dataset).lifetime_cap.epsilon, self._policy(dataset).lifetime_cap.delta)

        made = projects.Project(project, title, purpose, legal_basis, dataset, lay_summary, ends_on)
        made = replace(made, approvals=on, organisation=organisation, benefit=benefit)
        told: Body = {**projecting.words_body(made), "state": "active", **projecting.budget_body(Stated(*stated))}

        def change(tx: Transaction) -> tuple[None, Body]:
            opened: Body = {}
            if project not in {one.id for one in projects.every(tx)}:
                if not budget.exists(tx, f"dataset:{dataset}"):
                    budget.open_account(tx, f"dataset:{dataset}", cap, cap)
                    opened = {f"dataset_{name}": value for name, value in projecting.budget_body(cap).items()}
                projects.create(tx, made)
                projects.change(tx, project, state="active")
                projects.set_members(tx, project, members)
                budget.open_account(tx, f"project:{project}", Stated(*stated))
            return None, {**told, **projecting.approvals_body(on), **opened}

        self._act("project-made", self.host, change, project=project, dataset=dataset)


def _as_json(value: Any) -> Any:
    """A field as a payload keeps it."""
    if isinstance(value, list):
        return [one.to_json() for one in projects.approvals_of(value)]
    return value.isoformat() if isinstance(value, date) else value


def _over(ends_on: date) -> datetime:
    """When a last day is over; the last instant there is, of the last day there is."""
    day = datetime.combine(ends_on, time.max, UTC)
    return day if ends_on == date.max else day + timedelta(microseconds=1)


def _member(given: dict[str, Any]) -> dict[str, Any]:
    """One member as JSON."""
    numbers = {name: None if given[name] is None else f"{given[name]:f}" for name in ("epsilon", "delta")}
    if given["epsilon"] is not None:
        projecting.stated(given["epsilon"], given["delta"] or Decimal(0), None)
    return {"name": given["name"], **numbers}
