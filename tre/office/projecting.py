"""Projects and budgets as the office tells and changes them: tightening at once; what loosens is refused to one person alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tre import budget, projects
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.office.act import Body, unchanged
from tre.policy import DatasetPolicy, Policies
from tre.projects import Project
from tre.state import Transaction
from tre.terms import Person

Change = Callable[[Transaction], tuple[dict[str, Any], Body]]
check_etag = unchanged


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
        "ends_on": project.ends_on.isoformat(),
        "state": project.state,
        "members": projects.members(tx, project.id),
        "budget": balance.to_json(),
        "version": project.version + balance.version,
    }


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


def changing(project: str, fields: dict[str, Any], if_match: str | None) -> Change:
    """Words, an earlier end, inactive, closed."""

    def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
        now = projects.get(tx, project)
        unchanged(told(tx, now)["version"], if_match)
        wanted = {name: value for name, value in fields.items() if value is not None}
        if projects.loosens(now, replace(now, **wanted)):
            raise _alone("A later end date, or making a project active,")
        changed = projects.change(tx, project, **wanted)
        return told(tx, changed), {"changed": ",".join(sorted(wanted))}

    return change


def membership(project: str, members: list[dict[str, Any]], if_match: str | None) -> Change:
    """Exactly these members, none of them new; a ceiling given for one is opened or lowered."""

    def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
        unchanged(told(tx, projects.get(tx, project))["version"], if_match)
        names = [member["name"] for member in members]
        if set(names) - set(projects.members(tx, project)):
            raise _alone("A new member")
        changed = projects.set_members(tx, project, names)
        for member in members:
            _ceiling(tx, project, member)
        return told(tx, changed), {"members": len(names)}

    return change


def _ceiling(tx: Transaction, project: str, member: dict[str, Any]) -> None:
    """A researcher's own ceiling within the project: where there was none, any is tighter."""
    if member["epsilon"] is None:
        return
    scope, wanted = f"researcher:{project}/{member['name']}", stated(member["epsilon"], member["delta"] or Decimal(0), None)
    if budget.exists(tx, scope):
        budget.tighten(tx, scope, wanted)
    else:
        budget.open_account(tx, scope, wanted)


def stated(epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None) -> Stated:
    try:
        return Stated(epsilon, delta, keys_delta)
    except ValueError as error:
        raise Refusal(Reason.INVALID_REQUEST, f"This is not a budget: {error}.") from None


def budget_body(stated: Stated) -> Body:
    return {"epsilon": f"{stated.epsilon:f}", "delta": f"{stated.delta:f}"}


def dataset_budget(tx: Transaction, policy: DatasetPolicy) -> dict[str, Any]:
    """The ceiling over all projects, within the lifetime cap, and the loss ever taken."""
    scope = f"dataset:{policy.dataset}"
    cap = {"epsilon": str(policy.lifetime_cap.epsilon), "delta": str(policy.lifetime_cap.delta)}
    if not budget.exists(tx, scope):
        return {"dataset": policy.dataset, "lifetime_cap": cap, "budget": None, "version": 0}
    balance = budget.balance(tx, scope)
    return {"dataset": policy.dataset, "lifetime_cap": cap, "budget": balance.to_json(), "version": balance.version}


def _alone(what: str) -> Refusal:
    return Refusal(
        Reason.ROLE_NOT_ALLOWED,
        f"{what} loosens a protection, which nobody does alone.",
        "Tightening is done at once. Loosening needs another admin's approval, which is not offered yet.",
    )
