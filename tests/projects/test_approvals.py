"""Approvals: decided once, never approved by their proposer, never changed afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from tests.projects.test_identities import AT, make, refused
from tests.projects.test_projects import DEMO
from tre import projects
from tre.errors import Reason, Refusal
from tre.projects import approvals, requests
from tre.projects.approvals import APPROVED, LAPSED, REFUSED, WAITING, WITHDRAWN, Approval
from tre.projects.tables import approvals as table
from tre.state import State, Transaction

PAYLOAD = {"epsilon": "30", "delta": "0.000001", "keys_delta": None}


def proposed(state: State, proposer: str = "ada", **other: Any) -> Approval:
    fields = {"kind": "project-budget", "subject": "demo", "payload": PAYLOAD, "made_on": 1, "simulation": {}} | other
    return state.write(lambda tx: approvals.propose(tx, proposer=proposer, at=AT, **fields))


def decided(state: State, id: str, to: str, by: str = "bea") -> Approval:
    return state.write(lambda tx: approvals.decide(tx, id, to, by, "why", AT))


def test_a_proposal_comes_back_as_it_was_made(state: State) -> None:
    made = proposed(state)
    assert (made.state, made.version, dict(made.payload), made.decided_by) == (WAITING, 1, PAYLOAD, None)
    with state.read() as tx:
        assert (
            approvals.get(tx, made.id) == made and approvals.every(tx, WAITING) == [made] and approvals.every(tx, APPROVED) == []
        )
        with pytest.raises(Refusal):
            approvals.get(tx, "none")


@pytest.mark.parametrize("to", [APPROVED, REFUSED, WITHDRAWN, LAPSED])
def test_a_decision_is_for_good(state: State, to: str) -> None:
    made = proposed(state)
    assert decided(state, made.id, to).version == 2
    refused(state, Reason.CHANGED_MEANWHILE, lambda tx: approvals.decide(tx, made.id, APPROVED, "cleo", "why", AT))
    for values in ({"state": "waiting", "decided_by": None, "decided_at": None, "why": None}, {"why": "another"}):
        with pytest.raises(IntegrityError, match="what was written stays"):
            state.write(lambda tx, values=values: tx.execute(update(table).values(values)))  # type: ignore[misc]
    with pytest.raises(IntegrityError, match="what was written stays"):
        state.write(lambda tx: tx.execute(delete(table)))


@pytest.mark.parametrize("field", ["payload", "subject", "kind", "proposer", "made_on", "simulation", "salt", "at", "id"])
def test_what_waits_is_not_rewritten(state: State, field: str) -> None:
    proposed(state)
    with pytest.raises(IntegrityError, match="what was written stays"):
        state.write(lambda tx: tx.execute(update(table).values({field: "other"})))


@pytest.mark.parametrize("to", [APPROVED, REFUSED])
def test_the_database_holds_two_people_apart(state: State, to: str) -> None:
    made = proposed(state)
    with pytest.raises(IntegrityError):
        decided(state, made.id, to, by="ada")
    assert decided(state, made.id, WITHDRAWN, by="ada").state == WITHDRAWN


def test_sixty_four_decisions_at_once_are_one(state: State) -> None:
    made, effects = proposed(state), []

    def approve(number: int) -> bool:
        def write(tx: Transaction) -> None:
            approvals.decide(tx, made.id, APPROVED, f"admin{number}", "why", AT)
            effects.append(number)

        try:
            state.write(write)
        except Refusal as refusal:
            assert refusal.reason is Reason.CHANGED_MEANWHILE
            return False
        return True

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(approve, range(64))) == 1
    assert len(effects) == 1


def test_a_rehearsal_leaves_nothing(state: State) -> None:
    def rehearse(tx: Transaction, fail: bool) -> int:
        with approvals.rehearsal(tx):
            approvals.propose(tx, "role", "x", {}, 1, {}, "ada", AT)
            if fail:
                raise Refusal(Reason.INVALID_REQUEST)
        return len(approvals.every(tx))

    assert state.write(lambda tx: rehearse(tx, False)) == 0
    refused(state, Reason.INVALID_REQUEST, lambda tx: rehearse(tx, True))


def test_a_proposal_is_stale_when_what_it_replaces_is_another(state: State) -> None:
    made = proposed(state, made_on=[["alice"], {"alice": 3}])
    assert not approvals.stale(made, [["alice"], {"alice": 3}])
    assert approvals.stale(made, [["alice"], {"alice": 4}])


def test_who_made_an_identity_and_it_are_not_two_people(state: State) -> None:
    """ada made bea and cleo, bea made dora; eve was made at the terminal. Whoever made an identity has seen its token."""
    for maker, name in (("ada", "bea"), ("ada", "cleo"), ("bea", "dora")):
        decided(state, proposed(state, maker, kind="role", subject=name).id, APPROVED, by="eve")
    proposed(state, "eve", kind="role", subject="ada")  # not approved: nobody was given anything
    with state.read() as tx:

        def apart(one: str, other: str) -> bool:
            there, back = approvals.apart(tx, "role", one, other), approvals.apart(tx, "role", other, one)
            assert there == back
            return there

        pairs = [("ada", "ada"), ("ada", "bea"), ("bea", "cleo"), ("ada", "dora"), ("cleo", "dora")]
        assert not any(apart(one, other) for one, other in pairs)
        assert all(apart("eve", other) for other in ("ada", "bea", "cleo", "dora"))


def test_a_request_is_kept_with_its_reason(state: State) -> None:

    make(state, "alice", "researcher")
    state.write(lambda tx: projects.create(tx, DEMO))

    made = state.write(lambda tx: requests.request(tx, "demo", "alice", Decimal(5), Decimal("1e-6"), "one more cohort", AT))
    with state.read() as tx:
        assert requests.requests(tx) == requests.requests(tx, "demo") == [made] and requests.requests(tx, "other") == []
    assert "cohort" not in made.sealed
