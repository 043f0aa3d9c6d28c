"""Projects: made inactive, changed by whoever read them last, closed for good; members; holds after faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.projects.test_identities import AT, make, refused
from tre import projects
from tre.errors import Reason, Refusal
from tre.projects import OutsideApproval, Project, approvals_of
from tre.state import State, Transaction
from tre.terms import Person

ETHICS = OutsideApproval("ethics", "REC 26/LO/0123", datetime(2026, 9, 1, tzinfo=UTC))
BOARD = OutsideApproval("board", "B-7", datetime(2026, 12, 1, tzinfo=UTC))
DEMO = Project("demo", "A title", "research", "Section 251", "gp", "Why.", date(2026, 12, 31), approvals=(BOARD, ETHICS))
LIMIT = 3


@pytest.fixture
def made(state: State) -> State:
    for name in ("alice", "bob"):
        make(state, name, "researcher")
    state.write(lambda tx: projects.create(tx, DEMO))
    return state


def get(state: State) -> Project:
    with state.read() as tx:
        return projects.get(tx, "demo")


def change(state: State, /, **fields: Any) -> Project:
    return state.write(lambda tx: projects.change(tx, "demo", **fields))


def fault(state: State) -> Project:
    return state.write(lambda tx: projects.add_fault(tx, "demo", LIMIT, AT))


def test_a_project_starts_inactive_and_comes_back_as_it_was_written(made: State) -> None:
    assert get(made) == DEMO
    assert (DEMO.state, DEMO.version, DEMO.faults) == ("inactive", 1, 0)


def test_an_id_is_given_once(made: State) -> None:
    refused(made, Reason.INVALID_REQUEST, lambda tx: projects.create(tx, replace(DEMO, title="Another")))
    refused(made, Reason.NOT_FOUND, lambda tx: projects.get(tx, "none"))


@pytest.mark.parametrize(
    ("field", "value"), [("id", "Demo"), ("id", "a\n"), ("purpose", ""), ("dataset", "a/b"), ("title", " "), ("lay_summary", "")]
)
def test_a_project_without_its_particulars_cannot_be(field: str, value: str) -> None:
    with pytest.raises(Refusal):
        replace(DEMO, **{field: value})  # type: ignore[arg-type]


def test_members_are_exactly_those_named(made: State) -> None:
    def set_members(*names: str) -> Callable[[Transaction], Project]:
        return lambda tx: projects.set_members(tx, "demo", names)

    assert made.write(set_members("bob", "alice", "bob")).version == 2
    with made.read() as tx:
        assert projects.members(tx, "demo") == ["alice", "bob"]
        assert [one.id for one in projects.of(tx, Person("bob", "r:bob", frozenset()))] == ["demo"]
        assert projects.of(tx, Person("eve", "r:eve", frozenset())) == []
    refused(made, Reason.NOT_FOUND, set_members("alice", "nobody"))
    with made.read() as tx:
        assert projects.members(tx, "demo") == ["alice", "bob"]
    made.write(set_members())
    with made.read() as tx:
        assert projects.members(tx, "demo") == []


def test_a_change_counts_up_the_version_and_leaves_the_rest(made: State) -> None:
    changed = change(made, title="Better", ends_on=date(2026, 6, 30), version=1)
    assert changed == replace(DEMO, title="Better", ends_on=date(2026, 6, 30), version=2) == get(made)
    refused(made, Reason.CHANGED_MEANWHILE, lambda tx: projects.change(tx, "demo", title="Lost", version=1))
    refused(made, Reason.CHANGED_MEANWHILE, lambda tx: projects.set_members(tx, "demo", [], version=1))


MOVES = {"inactive": {"active", "closed"}, "active": {"inactive", "closed"}, "held": {"closed"}, "closed": set[str]()}


@pytest.mark.parametrize("start", MOVES)
def test_from_a_state_to_the_next(start: str, state: State) -> None:
    for number, aim in enumerate(MOVES):
        id = f"p{number}"
        project = replace(DEMO, id=id, state=start)
        state.write(lambda tx, project=project: projects.create(tx, project))  # type: ignore[misc]
        move = lambda tx, id=id, aim=aim: projects.change(tx, id, state=aim)  # noqa: E731
        if aim == start or aim in MOVES[start]:
            assert state.write(move).state == aim
        else:
            refused(state, Reason.INVALID_REQUEST, move)


def test_what_loosens() -> None:
    active = replace(DEMO, state="active")
    assert projects.loosens(DEMO, active)
    assert projects.loosens(DEMO, replace(DEMO, ends_on=date(2027, 1, 1)))
    assert projects.loosens(replace(DEMO, state="held"), active)
    assert not projects.loosens(active, active)
    assert not projects.loosens(active, DEMO)
    assert not projects.loosens(active, replace(active, state="closed", ends_on=date(2026, 1, 1), title="Other"))


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("then", "waits"),
    [
        ((BOARD, ETHICS), False),
        ((BOARD, replace(ETHICS, expires_at=ETHICS.expires_at - DAY)), False),
        ((BOARD, replace(ETHICS, expires_at=ETHICS.expires_at + DAY)), True),
        ((replace(BOARD, expires_at=BOARD.expires_at + DAY), ETHICS), True),  # though ethics ends sooner
        ((BOARD,), True),  # what lapses first is left out
        ((ETHICS,), True),
        ((BOARD, ETHICS, OutsideApproval("ethics", "another", ETHICS.expires_at)), True),
        ((BOARD, replace(ETHICS, reference="another")), True),
        ((), False),  # it stands on nothing, and asks nothing
    ],
)
def test_which_approvals_wait_for_two(then: tuple[OutsideApproval, ...], waits: bool) -> None:
    assert projects.loosens(DEMO, replace(DEMO, approvals=then)) is waits
    assert projects.loosens(replace(DEMO, approvals=()), DEMO)


def test_a_project_becomes_active_on_an_approval(made: State) -> None:
    change(made, approvals=())
    refused(made, Reason.INVALID_REQUEST, lambda tx: projects.change(tx, "demo", state="active"))
    assert change(made, approvals=(ETHICS,), state="active").approvals == (ETHICS,) == get(made).approvals


def test_approvals_as_json_come_back_as_they_were() -> None:
    east = OutsideApproval("ethics", "REC 26/LO/0123", datetime(2026, 9, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert approvals_of(one.to_json() for one in (east, BOARD)) == (BOARD, ETHICS)
    assert str(east) == "ethics (REC 26/LO/0123) until 2026-09-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "Ethics"), ("kind", ""), ("reference", ""), ("reference", " x"), ("reference", "a\n"), ("reference", "é"),
     ("reference", "x" * 101)],
)  # fmt: skip
def test_an_approval_that_names_nothing_cannot_be(field: str, value: str) -> None:
    with pytest.raises(Refusal):
        replace(ETHICS, **{field: value})  # type: ignore[arg-type]


def test_an_approval_is_named_once_and_has_a_zone() -> None:
    with pytest.raises(Refusal, match="twice"):
        approvals_of([ETHICS.to_json(), replace(ETHICS, expires_at=BOARD.expires_at).to_json()])
    with pytest.raises(Refusal, match="at most 20"):
        approvals_of([replace(ETHICS, reference=str(number)).to_json() for number in range(21)])
    with pytest.raises(ValueError, match="zone"):
        replace(ETHICS, expires_at=datetime(2026, 9, 1))


def test_the_third_fault_holds_the_project(made: State) -> None:
    change(made, state="active")
    assert [fault(made).state for _ in range(LIMIT)] == ["active", "active", "held"]
    held = get(made)
    assert (held.faults, held.held_at) == (LIMIT, "2026-03-01T12:00:00.000000Z")
    with made.read() as tx:
        assert projects.every(tx, "held") == [held]
    assert fault(made).state == "held"  # a question that was still running
    released = made.write(lambda tx: projects.release_hold(tx, "demo"))
    assert (released.state, released.faults, released.held_at) == ("active", 0, None)
    assert [fault(made).state for _ in range(LIMIT)] == ["active", "active", "held"]


def test_faults_of_a_project_that_is_not_active_are_counted_and_hold_nothing(made: State) -> None:
    assert [fault(made).state for _ in range(LIMIT + 1)] == ["inactive"] * (LIMIT + 1)
    refused(made, Reason.INVALID_REQUEST, lambda tx: projects.hold(tx, "demo", AT))
    refused(made, Reason.INVALID_REQUEST, lambda tx: projects.release_hold(tx, "demo"))
    change(made, state="active")
    assert fault(made).state == "held"


def test_a_hold_is_not_left_by_a_change(made: State) -> None:
    change(made, state="active")
    made.write(lambda tx: projects.hold(tx, "demo", AT))
    for state in ("active", "inactive"):
        refused(made, Reason.INVALID_REQUEST, lambda tx, state=state: projects.change(tx, "demo", state=state))  # type: ignore[misc]
    assert change(made, state="closed").state == "closed"
