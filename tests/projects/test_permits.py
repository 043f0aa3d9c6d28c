"""Permits: the whole matrix of who, which project, when and why, and that what is not yours looks like what is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from tre import projects
from tre.errors import Reason, Refusal
from tre.policy import Policies, PurposePolicy
from tre.policy.model import REGIMES
from tre.projects import OutsideApproval
from tre.state import State
from tre.terms import Person, timestamp

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = REGIMES
POLICIES = Policies(
    datasets={},
    purposes={
        "research": PurposePolicy(regimes=ALL),
        "communicable-disease": PurposePolicy(regimes=("type-1",), exemption_required=True),
    },
    prohibited=("insurance", "marketing"),
    codelists={},
)
ETHICS = OutsideApproval("ethics", "REC 26/LO/0123", AT + timedelta(days=30))
BOARD = OutsideApproval("board", "B-7", AT + timedelta(days=60))
ALICE = Person("alice", "r:alice", frozenset({"researcher"}))
EVE = Person("eve", "r:eve", frozenset({"researcher"}))
ADMIN = Person("ann", "r:ann", frozenset({"admin", "auditor", "controller", "checker"}))


def furnish(state: State, /, **fields: Any) -> None:
    given: dict[str, Any] = {
        "id": "demo", "title": "A title", "purpose": "research", "legal_basis": "Section 251", "dataset": "gp",
        "lay_summary": "Why.", "ends_on": date(2026, 3, 1), "state": "active", "approvals": (ETHICS, BOARD),
    } | fields  # fmt: skip

    def write(tx: Any) -> None:
        for person in (ALICE, EVE, ADMIN):
            projects.make_identity(tx, person.name, person.roles, person.pseudonym, AT)
        projects.create(tx, projects.Project(**given))
        projects.set_members(tx, "demo", ["alice", "ann"])

    state.write(write)


def permit(
    state: State, person: Person = ALICE, project: str = "demo", dataset: str = "gp", at: datetime = AT
) -> projects.Permit:
    with state.read() as tx:
        return projects.permit(tx, person, project, dataset, at, POLICIES)


def reason(state: State, *where: Any, **told: Any) -> Reason | None:
    try:
        permit(state, *where, **told)
    except Refusal as refusal:
        return refusal.reason
    return None


def test_a_permit_names_the_project_and_its_purpose(state: State) -> None:
    furnish(state)
    given = permit(state)
    assert (given.project.id, given.purpose) == ("demo", "research")


PEOPLE = {"member": ALICE, "stranger": EVE, "other role": ADMIN}
STATES = ("active", "inactive", "held", "closed")
TIMES = {"last day": AT, "day after": AT + timedelta(days=1)}
PURPOSES = ("research", "insurance", "unheard-of", "communicable-disease")


def expected(who: str, standing: str, time: str, purpose: str) -> Reason | None:
    """The matrix, said in another way than the code says it."""
    if who == "other role":
        return Reason.ROLE_NOT_ALLOWED
    if who == "stranger":
        return Reason.NOT_FOUND
    if standing in ("inactive", "closed") or time == "day after":
        return Reason.APPROVAL_LAPSED
    if standing == "held":
        return Reason.PROJECT_HELD
    return None if purpose in ("research", "communicable-disease") else Reason.PURPOSE_NOT_PERMITTED


@pytest.mark.parametrize("standing", STATES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_matrix(standing: str, purpose: str, state: State) -> None:
    furnish(state, purpose=purpose, state=standing)
    for who, time in product(PEOPLE, TIMES):
        assert reason(state, PEOPLE[who], at=TIMES[time]) is expected(who, standing, time, purpose), (who, time)


def test_what_is_not_yours_is_refused_like_what_is_not_there(state: State) -> None:
    """Another's project, one that does not exist, a dataset that is not the project's: to the letter."""
    furnish(state)
    told = []
    for person, project, dataset in [(EVE, "demo", "gp"), (EVE, "none", "gp"), (ALICE, "none", "gp"), (ALICE, "demo", "other")]:
        with pytest.raises(Refusal) as caught:
            permit(state, person, project, dataset)
        told.append((caught.value.args, str(caught.value)))
    assert len(set(map(repr, told))) == 1
    assert told[0][0][0] is Reason.NOT_FOUND


@pytest.mark.parametrize(("seconds", "allowed"), [(-1, True), (0, False), (1, False)])
def test_a_project_ends_with_its_last_day(seconds: int, allowed: bool, state: State) -> None:
    furnish(state, ends_on=date(2026, 3, 1))
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert reason(state, at=midnight + timedelta(seconds=seconds)) is (None if allowed else Reason.APPROVAL_LAPSED)


@pytest.mark.parametrize(("seconds", "allowed"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("which", [ETHICS, BOARD], ids=lambda one: one.kind)
def test_the_lapse_of_each_approval_is_told_by_name(which: OutsideApproval, seconds: int, allowed: bool, state: State) -> None:
    other = replace(BOARD if which is ETHICS else ETHICS, expires_at=AT + timedelta(days=900))
    furnish(state, ends_on=date(2099, 1, 1), approvals=(which, other))
    at = which.expires_at + timedelta(seconds=seconds)
    if allowed:
        permit(state, at=at)
        return
    with pytest.raises(Refusal) as caught:
        permit(state, at=at)
    assert caught.value.reason is Reason.APPROVAL_LAPSED
    assert f"{which.kind} ({which.reference}) on {timestamp(which.expires_at)}" in caught.value.detail
    assert other.reference not in caught.value.detail


def test_every_approval_that_has_lapsed_is_told(state: State) -> None:
    furnish(state, ends_on=date(2099, 1, 1))
    with pytest.raises(Refusal) as caught:
        permit(state, at=AT + timedelta(days=61))
    assert all(one.reference in caught.value.detail for one in (ETHICS, BOARD))


def test_without_any_approval_there_is_no_permit(state: State) -> None:
    furnish(state, approvals=())
    assert reason(state) is Reason.APPROVAL_LAPSED


def test_the_day_is_that_of_utc(state: State) -> None:
    furnish(state, ends_on=date(2026, 3, 1))
    east = SimpleNamespace(at=datetime.fromisoformat("2026-03-02T01:00:00+02:00"), allowed=True)
    west = SimpleNamespace(at=datetime.fromisoformat("2026-03-01T23:00:00-02:00"), allowed=False)
    for clock in (east, west):
        assert (reason(state, at=clock.at) is None) is clock.allowed


def test_removing_a_member_counts_from_the_next_question(state: State) -> None:
    furnish(state)
    assert reason(state) is None
    state.write(lambda tx: projects.set_members(tx, "demo", ["ann"]))
    assert reason(state) is Reason.NOT_FOUND
