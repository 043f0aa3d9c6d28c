"""The permit: whether somebody may ask a dataset for a project now, and for which purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from tre.errors import Reason, Refusal
from tre.policy import Policies
from tre.projects import exemptions
from tre.projects.outside import check_lapse
from tre.projects.project import ACTIVE, HELD, Project, get
from tre.projects.tables import identities, members
from tre.state import Transaction
from tre.terms import Person

_MEMBER = (
    select(members.c.name)
    .join(identities, identities.c.name == members.c.name)
    .where(members.c.project == bindparam("of"), members.c.name == bindparam("who"), identities.c.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Permit:
    """A project that may ask now, the purpose it asks for, the opt-out regimes that apply to it, and the ids of the exemptions
    that lift the others. Both are sorted."""

    project: Project
    purpose: str
    regimes: tuple[str, ...]
    exemptions: tuple[str, ...] = ()


def permit(tx: Transaction, person: Person, project: str, dataset: str, at: datetime, policies: Policies) -> Permit:
    """A permit, or the first of these refusals that applies: the role, the project, its end, its approvals, a
    hold, its purpose."""
    if "researcher" not in person.roles:
        raise Refusal(Reason.ROLE_NOT_ALLOWED, "Only a researcher asks questions.", "Ask an admin for the role of researcher.")
    found = _own(tx, person, project, dataset)
    if found.state not in (ACTIVE, HELD):
        raise Refusal(Reason.APPROVAL_LAPSED, f"The project is {found.state}.", "Ask an admin.")
    if at.astimezone(UTC).date() > found.ends_on:
        raise Refusal(Reason.APPROVAL_LAPSED, f"The project ended on {found.ends_on}.", "Ask an admin for a later end date.")
    check_lapse(found.approvals, at)
    if found.state == HELD:
        raise Refusal(Reason.PROJECT_HELD, "The project is held after faults until a person has looked.", "Ask an admin.")
    if found.purpose in policies.prohibited or found.purpose not in policies.purposes:
        raise Refusal(Reason.PURPOSE_NOT_PERMITTED, "The policy does not permit the project's purpose.")
    counting = exemptions.in_force(tx, found.id, at)
    regimes = exemptions.applying(found.purpose, counting, policies)
    return Permit(found, found.purpose, regimes, tuple(sorted(one.id for one in counting)))


def belongs(tx: Transaction, name: str, project: str) -> bool:
    """Whether somebody is a member now and not revoked."""
    return tx.execute(_MEMBER, {"of": project, "who": name}).one_or_none() is not None


def _own(tx: Transaction, person: Person, project: str, dataset: str) -> Project:
    """A project of this dataset that somebody belongs to. What is not theirs and what does not exist are refused alike."""
    if not belongs(tx, person.name, project):
        raise Refusal(Reason.NOT_FOUND)
    found = get(tx, project)
    if found.dataset != dataset:
        raise Refusal(Reason.NOT_FOUND)
    return found
