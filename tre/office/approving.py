"""Two people: what waits for an approval and what is decided of it; requests for more budget; projects held after faults."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from tre import projects
from tre.errors import Reason, Refusal
from tre.office import changes, projecting
from tre.office.act import Body, demand, unchanged
from tre.office.changes import Change
from tre.office.rooms import Rooms
from tre.projects import approvals, holds, requests
from tre.projects.approvals import APPROVED, LAPSED, REFUSED, WAITING, WITHDRAWN, Approval
from tre.projects.requests import BudgetRequest
from tre.state import Transaction
from tre.terms import Person

LONGEST_LIST = 1_000


class Approving(Rooms):
    """Decisions of a second person."""

    def approvals(self, person: Person, state: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        demand(person, "admin", "auditor")
        with self.state.read() as tx:
            return [self._told(one) for one in approvals.every(tx, state, LONGEST_LIST)]

    def approval(self, person: Person, id: str) -> dict[str, Any]:
        with self.state.read() as tx:
            return self._told(self._theirs(tx, person, id, "auditor"))

    def decide(self, person: Person, id: str, approve: bool, why: str, if_match: str | None = None) -> dict[str, Any]:
        """Approve, and it is done, with its entries, in one transaction; or not. Its proposer's no withdraws it."""

        def write(tx: Transaction) -> dict[str, Any] | Refusal:
            found = self._theirs(tx, person, id)
            change = changes.of(found, self.policies, self.clock())
            self._still(tx, person, change.role)
            unchanged(found.version, if_match)
            state = self._decision(tx, person, found, change) if approve else _no(person, found)
            decided = approvals.decide(tx, id, state, person.name, why, self.clock())
            self._log(tx, state, person, change, {"approval": id, "why": decided.sealed(why)})
            if state == LAPSED:
                return _lapsed()
            return self._told(decided) | ({"done": self._carry_out(tx, person, change)} if state == APPROVED else {})

        told = self.state.write(write)
        if isinstance(told, Refusal):
            raise told
        return told

    def _theirs(self, tx: Transaction, person: Person, id: str, *readers: str) -> Approval:
        """An approval for whoever decides over it, or reads it: controllers see those of exemptions. To everybody else one that
        exists and one that does not are told alike."""
        demand(person, "admin", "controller", *readers)
        try:
            found = approvals.get(tx, id)
        except Refusal:
            demand(person, "admin", *readers)
            raise
        role = changes.KINDS[found.kind].role
        demand(person, *({role, "admin", *readers} if readers else {role}))
        return found

    def _decision(self, tx: Transaction, person: Person, found: Approval, change: Change) -> str:
        """Approved by somebody else than its proposer and whoever gains; lapsed when it would not do what was proposed."""
        if found.state != WAITING:
            raise Refusal(Reason.CHANGED_MEANWHILE, f"This approval is {found.state}.", "GET /v1/approvals lists what waits.")
        if found.proposer == person.name:
            raise _other("You proposed this yourself.", change.role)
        if person.name in change.gaining(tx):
            raise _other("You would gain by this.", change.role)
        if not approvals.apart(tx, changes.Role.kind, person.name, found.proposer):
            made = "Who makes an identity sees its token, so you and the proposer do not count as two people."
            raise _other(made, change.role)
        gone = not self._is(tx, found.proposer, change.role)
        return LAPSED if gone or approvals.stale(found, change.now(tx)) else APPROVED

    def _told(self, approval: Approval) -> dict[str, Any]:
        change = changes.of(approval, self.policies, self.clock())
        fields = {name: value for name, value in asdict(approval).items() if name not in ("id", "made_on", "salt", "payload")}
        return {
            "approval": approval.id,
            "address": f"/v1/approvals/{approval.id}",
            "project": change.project,
            "dataset": change.dataset,
            "proposed": dict(approval.payload),
            **fields,
            "version": approval.version,
        }

    # ------------------------------------------------------------------ requests
    def request_budget(self, person: Person, project: str, epsilon: Decimal, delta: Decimal, why: str) -> dict[str, Any]:
        """A researcher asks for more budget; it changes nothing by itself."""
        demand(person, "researcher")
        stated = projecting.stated(epsilon, delta, None)

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            if person.name not in projects.members(tx, project):
                raise Refusal(Reason.NOT_FOUND)
            made = requests.request(tx, project, person.name, epsilon, delta, why, self.clock())
            body: Body = {"request": made.id, "why": made.sealed, **projecting.budget_body(stated)}
            return _told_request(made), body

        return self._act("budget-requested", person, change, project=project)

    def budget_requests(self, person: Person, project: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        demand(person, "admin", "auditor")
        with self.state.read() as tx:
            return [_told_request(one) for one in requests.requests(tx, project, LONGEST_LIST)]

    # ------------------------------------------------------------------ holds
    def holds(self, person: Person) -> list[dict[str, Any]]:
        """The projects held after faults, and what was decided of each hold so far."""
        demand(person, "admin", "auditor")
        with self.state.read() as tx:
            return [_told_hold(tx, project) for project in projects.every(tx, "held")]

    def decide_hold(self, person: Person, project: str, release: bool, why: str, if_match: str | None = None) -> dict[str, Any]:
        """An admin who is not one of its members lets a held project ask again, or not yet."""
        demand(person, "admin")

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            self._still_admin(tx, person)
            found = holds.held(tx, project)
            unchanged(projecting.told(tx, found)["version"], if_match)
            if person.name in projects.members(tx, project):
                raise _other("You are a member of this project.")
            made = holds.decide_hold(tx, project, release, person.name, why, self.clock())
            now = projects.get(tx, project).state
            body: Body = {"decision": made.id, "faults": made.faults, "why": made.sealed}
            return {"project": project, "state": now, "released": made.released, "why": why}, body

        return self._act("hold-released" if release else "hold-kept", person, change, project=project)


def _no(person: Person, found: Approval) -> str:
    return WITHDRAWN if found.proposer == person.name else REFUSED


def _lapsed() -> Refusal:
    return Refusal(
        Reason.CHANGED_MEANWHILE,
        "What this would change has changed since it was proposed, or its proposer has not the role any more. It has lapsed.",
        "Look at it as it is now, and propose it again.",
    )


def _other(why: str, role: str = "admin") -> Refusal:
    return Refusal(Reason.ROLE_NOT_ALLOWED, f"{why} Another {role} has to decide.", f"Ask another {role}.")


def _told_request(made: BudgetRequest) -> dict[str, Any]:
    return {
        "request": made.id,
        "project": made.project,
        "by": made.person,
        "epsilon": f"{made.epsilon:f}",
        "delta": f"{made.delta:f}",
        "why": made.why,
        "at": made.at,
    }


def _told_hold(tx: Transaction, project: projects.Project) -> dict[str, Any]:
    decided = holds.hold_decisions(tx, project.id, project.held_at or "")
    return {
        "project": project.id,
        "title": project.title,
        "dataset": project.dataset,
        "held_at": project.held_at,
        "faults": project.faults,
        "version": projecting.told(tx, project)["version"],
        "decisions": [
            {"released": one.released, "why": one.why, "decided_by": one.decided_by, "decided_at": one.decided_at}
            for one in decided
        ],
    }
