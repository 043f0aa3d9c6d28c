"""The changes that may loosen a protection: when they do, what they would replace, what they do once carried out, who gains.

Tightened at once or carried out after an approval, a change is the same: its effect is written once, here. Opens no transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from tre import budget, optouts, projects
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.office import projecting, simulating
from tre.office.act import Body
from tre.policy import Policies
from tre.projects import Project, exemptions
from tre.projects.approvals import Approval, rehearsal
from tre.state import Transaction

Payload = Mapping[str, Any]
EVER = datetime.min.replace(tzinfo=UTC)  # for a change that does not look at the time
Told = tuple[dict[str, Any], Body]


@dataclass(frozen=True, slots=True)
class Change(ABC):
    """What is asked of one thing. ``payload`` is JSON: it is kept, and read again when another person approves."""

    kind: ClassVar[str]
    entry: ClassVar[str]
    role: ClassVar[str] = "admin"
    """Whoever proposes it and whoever approves it has this role."""

    subject: str
    payload: Payload
    policies: Policies
    at: datetime = EVER

    @property
    def project(self) -> str | None:
        return self.subject

    @property
    def dataset(self) -> str | None:
        return None

    @abstractmethod
    def loosens(self, tx: Transaction) -> bool:
        """Whether one person may not do it alone."""

    @abstractmethod
    def now(self, tx: Transaction) -> Any:
        """What it would replace, as JSON: an approval is of a change of this and of nothing else."""

    @abstractmethod
    def carry_out(self, tx: Transaction) -> Told:
        """The effect, told as JSON and as the entry says it."""

    def version(self, tx: Transaction) -> int:
        """What the thing's ETag says now."""
        return int(projecting.told(tx, projects.get(tx, self.subject))["version"])

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        """What an approver should know before."""
        return {}

    def public(self) -> Body:
        """What everyone is told of it when it is proposed."""
        return {}

    def gaining(self, tx: Transaction) -> set[str]:
        """Whoever could ask more, or longer, or be more: they are not the ones to approve it."""
        return set(projects.members(tx, self.subject))


@dataclass(frozen=True, slots=True)
class ProjectBudget(Change):
    kind = "project-budget"
    entry = "budget"

    @property
    def _scope(self) -> str:
        return f"project:{self.subject}"

    def loosens(self, tx: Transaction) -> bool:
        return not budget.balance(tx, self._scope).tightened_by(_stated(self.payload))

    def now(self, tx: Transaction) -> Any:
        return budget.balance(tx, self._scope).version

    def carry_out(self, tx: Transaction) -> Told:
        _restate(tx, self._scope, _stated(self.payload))
        return projecting.told(tx, projects.get(tx, self.subject)), projecting.budget_body(_stated(self.payload))

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        stated, now = _stated(self.payload), budget.balance(tx, self._scope)
        with rehearsal(tx):
            _restate(tx, self._scope, stated)
            then = budget.balance(tx, self._scope)
        passing = simulating.refusals_that_would_have_passed(tx, self.subject, then)
        left = {"accounting": then.kind, "remaining": then.to_json()["remaining"]}
        return {"refusals_that_would_have_passed": passing} | left | simulating.posteriors(now.stated, stated)


@dataclass(frozen=True, slots=True)
class DatasetBudget(Change):
    kind = "dataset-budget"
    entry = "budget"

    @property
    def project(self) -> str | None:
        return None

    @property
    def dataset(self) -> str | None:
        return self.subject

    @property
    def _scope(self) -> str:
        return f"dataset:{self.subject}"

    def version(self, tx: Transaction) -> int:
        return budget.balance(tx, self._scope).version if budget.exists(tx, self._scope) else 0

    def loosens(self, tx: Transaction) -> bool:
        return not budget.exists(tx, self._scope) or not budget.balance(tx, self._scope).tightened_by(_stated(self.payload))

    def now(self, tx: Transaction) -> Any:
        return self.version(tx)

    def carry_out(self, tx: Transaction) -> Told:
        policy, stated = self.policies.datasets[self.subject], _stated(self.payload)
        _restate(tx, self._scope, stated, Stated(policy.lifetime_cap.epsilon, policy.lifetime_cap.delta))
        return projecting.dataset_budget(tx, policy), projecting.budget_body(stated)

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        now = budget.balance(tx, self._scope).stated if budget.exists(tx, self._scope) else Stated(Decimal(0), Decimal(0))
        return simulating.posteriors(now, _stated(self.payload))

    def gaining(self, tx: Transaction) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class Members(Change):
    """Exactly these members. A ceiling given for one is set; where there was none, any is tighter."""

    kind = "members"
    entry = "members"

    @property
    def _names(self) -> list[str]:
        return [member["name"] for member in self.payload["members"]]

    def _ceilings(self) -> list[tuple[str, str, Stated]]:
        given = [member for member in self.payload["members"] if member["epsilon"] is not None]
        return [(one["name"], f"researcher:{self.subject}/{one['name']}", _stated(one)) for one in given]

    def loosens(self, tx: Transaction) -> bool:
        return bool(self.gaining(tx))

    def now(self, tx: Transaction) -> Any:
        names = sorted({*projects.members(tx, self.subject), *self._names})
        scopes = {name: f"researcher:{self.subject}/{name}" for name in names}
        ceilings = {name: budget.balance(tx, scope).version for name, scope in scopes.items() if budget.exists(tx, scope)}
        return [projects.members(tx, self.subject), ceilings]

    def carry_out(self, tx: Transaction) -> Told:
        if len(set(self._names)) != len(self._names):
            raise Refusal(Reason.INVALID_REQUEST, "A member is named twice.", "Name each member once.")
        changed = projects.set_members(tx, self.subject, self._names)
        for _, scope, stated in self._ceilings():
            _restate(tx, scope, stated)
        return projecting.told(tx, changed), {"members": len(self._names)}

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        new = set(self._names) - set(projects.members(tx, self.subject))
        return {"new_members": sorted(new), "wider_ceilings": sorted(self.gaining(tx) - new)}

    def gaining(self, tx: Transaction) -> set[str]:
        wider = {
            name
            for name, scope, stated in self._ceilings()
            if budget.exists(tx, scope) and not budget.balance(tx, scope).tightened_by(stated)
        }
        return wider | (set(self._names) - set(projects.members(tx, self.subject)))


@dataclass(frozen=True, slots=True)
class ProjectChange(Change):
    """Words, end date, approvals and state. Where one of them loosens, all of them wait."""

    kind = "project-change"
    entry = "project-changed"

    @property
    def _wanted(self) -> dict[str, Any]:
        read: dict[str, Callable[[Any], Any]] = {"ends_on": date.fromisoformat, "approvals": projects.approvals_of}
        return {name: read[name](value) if name in read else value for name, value in self.payload.items()}

    def loosens(self, tx: Transaction) -> bool:
        now = projects.get(tx, self.subject)
        return projects.loosens(now, replace(now, **self._wanted))

    def now(self, tx: Transaction) -> Any:
        """Approvals only for a change of them: one that is added while an activation waits has two people of its own."""
        known = _particulars(projects.get(tx, self.subject))
        return {name: value for name, value in known.items() if name != "approvals" or name in self.payload}

    def carry_out(self, tx: Transaction) -> Told:
        changed = projects.change(tx, self.subject, **self._wanted)
        if self.payload.get("state") == "active":
            projecting.permitted(self.policies, changed.purpose)
            projecting.whole(changed)
        told = {name: value for name, value in self.payload.items() if name != "approvals"}
        if "approvals" in self.payload or told.get("state") == "active":
            told |= projecting.approvals_body(changed.approvals)
        return projecting.told(tx, changed), {"changed": ",".join(sorted(self.payload)), **told}

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        now = _particulars(projects.get(tx, self.subject))
        return {name: {"from": now[name], "to": value} for name, value in self.payload.items()}


@dataclass(frozen=True, slots=True)
class Repurposing(Change):
    """Another purpose or legal basis: the project stops, and what it stood on goes. One person may do that."""

    kind = "project-purpose"
    entry = "project-changed"

    def loosens(self, tx: Transaction) -> bool:
        return False

    def now(self, tx: Transaction) -> Any:
        return _particulars(projects.get(tx, self.subject))

    def carry_out(self, tx: Transaction) -> Told:
        now = projects.get(tx, self.subject)
        purpose = self.payload.get("purpose", now.purpose)
        projecting.permitted(self.policies, purpose)
        changed = projects.repurpose(tx, self.subject, purpose, self.payload.get("legal_basis", now.legal_basis))
        exemptions.revoke_all(tx, self.subject, self.at)
        told = {"changed": ",".join(sorted(self.payload)), "purpose": purpose, "legal_basis": changed.legal_basis}
        return projecting.told(tx, changed), {**told, "state": changed.state, **projecting.approvals_body(())}


@dataclass(frozen=True, slots=True)
class Exempting(Change):
    """Some opt-outs shall not apply to a project. Decided by controllers alone."""

    kind = "exemption"
    entry = "exemption"
    role = "controller"

    @property
    def _exemption(self) -> exemptions.Exemption:
        return exemptions.wanted(self.payload["exemption"], self.subject, self.payload, self.at)

    def loosens(self, tx: Transaction) -> bool:
        return True

    def now(self, tx: Transaction) -> Any:
        """That the project asks for what it asked for when this was proposed."""
        known = _particulars(projects.get(tx, self.subject))
        return {name: known[name] for name in ("purpose", "legal_basis", "dataset")}

    def carry_out(self, tx: Transaction) -> Told:
        exemptions.grant(tx, self._exemption, projects.get(tx, self.subject), self.policies)
        told = self._exemption.to_json()
        return {**told, "project": self.subject, "apply": list(self._applying(tx))}, {**told}

    def simulate(self, tx: Transaction) -> dict[str, Any]:
        """Which opt-outs apply to the project now, which would, and under which alone its dataset answers."""
        now = self._applying(tx)
        with rehearsal(tx):
            self.carry_out(tx)
            then = self._applying(tx)
        mode = optouts.mode(tx, self.policies.same_people(projects.get(tx, self.subject).dataset))
        fixed = None if mode is None else list(mode)
        return {
            "exemption": self.payload["exemption"],
            "apply": list(now),
            "would_apply": list(then),
            "dataset_answers_under": fixed,
        }

    def public(self) -> Body:
        return {**self._exemption.to_json()}

    def _applying(self, tx: Transaction) -> tuple[str, ...]:
        counting = exemptions.in_force(tx, self.subject, self.at)
        return exemptions.applying(projects.get(tx, self.subject).purpose, counting, self.policies)


@dataclass(frozen=True, slots=True)
class Role(Change):
    """One role for one identity: each role is approved by itself."""

    kind = "role"
    entry = "role"

    @property
    def project(self) -> str | None:
        return None

    def version(self, tx: Transaction) -> int:
        return 0

    def loosens(self, tx: Transaction) -> bool:
        return True

    def now(self, tx: Transaction) -> Any:
        found = projects.identity(tx, self.subject)
        return [found.revoked_at, self.payload["role"] in found.roles]

    def carry_out(self, tx: Transaction) -> Told:
        found, role = projects.identity(tx, self.subject), self.payload["role"]
        if found.revoked_at is not None:
            raise Refusal(Reason.INVALID_REQUEST, "This identity has been revoked.", "Make another under a new name.")
        given = projects.set_roles(tx, self.subject, found.roles | {role})
        return {"name": given.name, "roles": sorted(given.roles)}, {"identity": given.pseudonym, "role": role}

    def gaining(self, tx: Transaction) -> set[str]:
        return {self.subject}


KINDS: Mapping[str, type[Change]] = {
    one.kind: one for one in (ProjectBudget, DatasetBudget, Members, ProjectChange, Repurposing, Exempting, Role)
}


def of(approval: Approval, policies: Policies, at: datetime) -> Change:
    """The change that an approval is of, as it would be carried out at this moment."""
    return KINDS[approval.kind](approval.subject, approval.payload, policies, at)


def budget_payload(epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None) -> dict[str, str | None]:
    """A stated budget as JSON; INVALID_REQUEST when it is not one."""
    projecting.stated(epsilon, delta, keys_delta)
    return {"epsilon": f"{epsilon:f}", "delta": f"{delta:f}", "keys_delta": None if keys_delta is None else f"{keys_delta:f}"}


def _stated(payload: Payload) -> Stated:
    keys = payload.get("keys_delta")
    return projecting.stated(
        Decimal(payload["epsilon"]), Decimal(payload["delta"] or "0"), None if keys is None else Decimal(keys)
    )


def _restate(tx: Transaction, scope: str, stated: Stated, cap: Stated | None = None) -> None:
    if not budget.exists(tx, scope):
        budget.open_account(tx, scope, stated, cap)
    elif budget.balance(tx, scope).tightened_by(stated):
        budget.tighten(tx, scope, stated)
    else:
        budget.raise_to(tx, scope, stated, cap)


def _particulars(project: Project) -> dict[str, Any]:
    """What an approver of a project approves: its words, too."""
    names = ("title", "purpose", "legal_basis", "dataset", "lay_summary", "organisation", "benefit", "state")
    approvals = [one.to_json() for one in project.approvals]
    return {name: getattr(project, name) for name in names} | {"ends_on": project.ends_on.isoformat(), "approvals": approvals}
