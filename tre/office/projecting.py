"""Projects and budgets as the office tells them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tre import budget, projects
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.office.act import Body
from tre.policy import DatasetPolicy, Policies
from tre.projects import OutsideApproval, Project
from tre.state import Transaction
from tre.terms import Person, canonical

IMPACT = "dpia"  # the kind of the approval that is an impact assessment (UK GDPR, Article 35)


def told(tx: Transaction, project: Project) -> dict[str, Any]:
    """A project as its members and those who govern see it. The version counts its own changes and its budget's."""
    balance = budget.balance(tx, f"project:{project.id}")
    return {
        "project": project.id,
        "title": project.title,
        "dataset": project.dataset,
        "purpose": project.purpose,
        "legal_basis": project.legal_basis,
        "lay_summary": project.lay_summary,
        "organisation": project.organisation,
        "benefit": project.benefit,
        "ends_on": project.ends_on.isoformat(),
        "approvals": [one.to_json() for one in project.approvals],
        "state": project.state,
        "members": projects.members(tx, project.id),
        "budget": balance.to_json(),
        "version": project.version + balance.version,
    }


def approvals_body(approvals: Iterable[OutsideApproval]) -> Body:
    """As an entry says them: their references are those of public decisions."""
    given = list(approvals)
    return {"approvals": "; ".join(map(str, given)), "stands_on": canonical([one.to_json() for one in given]).decode()}


def words_body(project: Project) -> Body:
    """What the register tells of a project: public words, which stay in the log for good."""
    names = ("title", "lay_summary", "purpose", "legal_basis", "organisation", "benefit")
    return {name: getattr(project, name) for name in names} | {"ends_on": project.ends_on.isoformat()}


def whole(project: Project) -> None:
    """INVALID_REQUEST unless a project that is to become active has what the register tells of it, and an impact assessment."""
    missing = [name for name in ("organisation", "benefit") if not getattr(project, name).strip()]
    if missing:
        raise Refusal(
            Reason.INVALID_REQUEST,
            f"A project becomes active with an organisation and its public benefit; missing: {', '.join(missing)}.",
            'Record them first: PATCH /v1/projects/{project} {"organisation": "…", "benefit": "…"}',
        )
    if IMPACT not in {one.kind for one in project.approvals}:
        raise Refusal(
            Reason.INVALID_REQUEST,
            "A project becomes active on a data protection impact assessment, until the day of its review.",
            f'Record it among its approvals: {{"kind": "{IMPACT}", "reference": "…", "expires_at": "2027-01-01T00:00:00Z"}}',
        )


def visible(tx: Transaction, person: Person, project: str) -> Project:
    """A project of one's own, or any for an admin or an auditor; what is not theirs is told as what does not exist."""
    found = projects.get(tx, project)
    if person.roles & {"admin", "auditor"} or person.name in projects.members(tx, project):
        return found
    raise Refusal(Reason.NOT_FOUND)


def permitted(policies: Policies, purpose: str) -> None:
    """PURPOSE_NOT_PERMITTED for a prohibited or unknown class of purposes."""
    if purpose not in policies.purposes or purpose in policies.prohibited:
        classes = ", ".join(policies.purposes)
        raise Refusal(Reason.PURPOSE_NOT_PERMITTED, "The policy does not permit this purpose.", f"Permitted: {classes}.")


def stated(epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None) -> Stated:
    try:
        return Stated(epsilon, delta, keys_delta)
    except ValueError as error:
        raise Refusal(Reason.INVALID_REQUEST, f"This is not a budget: {error}.") from None


def budget_body(stated: Stated) -> Body:
    keys: Body = {} if stated.keys_delta is None else {"keys_delta": f"{stated.keys_delta:f}"}
    return {"epsilon": f"{stated.epsilon:f}", "delta": f"{stated.delta:f}", **keys}


def dataset_budget(tx: Transaction, policy: DatasetPolicy) -> dict[str, Any]:
    """The ceiling over all projects, within the lifetime cap, and the loss ever taken."""
    scope = f"dataset:{policy.dataset}"
    cap = {"epsilon": str(policy.lifetime_cap.epsilon), "delta": str(policy.lifetime_cap.delta)}
    if not budget.exists(tx, scope):
        return {"dataset": policy.dataset, "lifetime_cap": cap, "budget": None, "version": 0}
    balance = budget.balance(tx, scope)
    return {"dataset": policy.dataset, "lifetime_cap": cap, "budget": balance.to_json(), "version": balance.version}
