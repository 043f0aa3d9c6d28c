"""What a ledger must do, each as a function that fails when it does not: `test_ledger` on ours, `test_mutants` on wrong ones."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from tests.budget import books
from tests.budget.books import AT, new_id, pots, taken
from tre import budget
from tre.budget import Stated
from tre.errors import Error, Fault, Reason, Refusal
from tre.loss import PrivacyLoss
from tre.state import State, Transaction

RACERS = 16
NOTHING = {"rho": 0, "epsilon": 0, "delta": 0}


def a_budget_is_spent_to_its_last_unit(state: State) -> None:
    books.open_books(state)
    books.set_ceiling(state, "project:demo", rho=10)
    answers = [books.ask(state, PrivacyLoss(rho=rho)) for rho in (3, 3, 3, 3, 1, 1)]
    assert [answer is not None for answer in answers] == [True, True, True, False, True, False]
    assert taken(state, "project:demo") == {"rho": 10, "epsilon": 0, "delta": 0}


def racing_questions_never_overspend(state: State) -> None:
    books.open_books(state)
    books.set_ceiling(state, "project:demo", rho=20)
    start = threading.Barrier(RACERS)

    def one(_: int) -> bool:
        start.wait()
        return books.ask(state, PrivacyLoss(rho=3)) is not None

    with ThreadPoolExecutor(RACERS) as threads:
        answered = sum(threads.map(one, range(RACERS)))
    assert (answered, taken(state, "project:demo")["rho"]) == (6, 18)


def every_ceiling_holds(state: State) -> None:
    for scope in ("project:demo", "researcher:demo/alice", "dataset:gp"):
        before = pots(state, scope)["ceiling"]
        books.set_ceiling(state, scope, rho=2)
        assert books.ask(state, PrivacyLoss(rho=3)) is None, scope
        books.set_ceiling(state, scope, **before)
    assert books.ask(state, PrivacyLoss(rho=3)) is not None


def every_part_has_its_ceiling(state: State) -> None:
    books.open_books(state)
    books.set_ceiling(state, "project:demo", rho=10, delta=5)
    assert books.ask(state, PrivacyLoss(rho=1, delta=6)) is None
    assert books.ask(state, PrivacyLoss(rho=1, delta=5)) is not None
    assert books.ask(state, PrivacyLoss(rho=1, delta=1)) is None
    assert books.ask(state, PrivacyLoss(rho=1)) is not None


def a_refused_question_takes_nothing(state: State) -> None:
    """Also where the road writes the refusal down in the very transaction of the attempt."""
    books.open_books(state, researcher=books.CAP)
    books.set_ceiling(state, "dataset:gp", rho=2)

    def write(tx: Transaction) -> None:
        asked = {"question": new_id(), "project": "demo", "dataset": "gp", "person": "alice", "at": AT}
        with pytest.raises(Refusal):
            budget.ledger.reserve(tx, id=new_id(), loss=PrivacyLoss(rho=3), **asked)  # type: ignore[arg-type]

    state.write(write)
    for scope in ("project:demo", "researcher:demo/alice", "dataset:gp"):
        assert taken(state, scope) == NOTHING, scope
    books.assert_balanced(state)


def a_fault_keeps_its_charge(state: State) -> None:
    books.open_books(state)
    for outcome in ("fault", "cancelled", "released"):
        reservation = books.ask(state, PrivacyLoss(rho=7))
        assert reservation is not None
        before = taken(state, "project:demo"), taken(state, "dataset:gp")
        books.settle(state, reservation, outcome)
        assert (taken(state, "project:demo"), taken(state, "dataset:gp")) == before, outcome
    assert pots(state, "project:demo")["reserved"] == NOTHING
    books.assert_balanced(state)


def a_reservation_is_settled_once(state: State) -> None:
    books.open_books(state)
    reservation, other = books.ask(state, PrivacyLoss(rho=7)), books.ask(state, PrivacyLoss(rho=7))
    assert reservation and other
    books.settle(state, reservation, "released")
    before = pots(state, "project:demo")
    for wrong in (reservation, "no-such-reservation"):
        try:
            books.settle(state, wrong, "fault")
        except Fault:
            pass
        else:
            raise AssertionError("settled twice")
    assert pots(state, "project:demo") == before
    books.assert_balanced(state)


def a_question_is_charged_once(state: State) -> None:
    books.open_books(state)
    assert books.ask(state, PrivacyLoss(rho=7), question="the-question")
    with contextlib.suppress(IntegrityError, Error):
        books.ask(state, PrivacyLoss(rho=7), question="the-question")
    assert taken(state, "project:demo")["rho"] == 7


def a_dataset_counts_pure_questions_as_rho(state: State) -> None:
    """epsilon 0.5 is rho 0.125 to the dataset, whatever the project's kind."""
    books.open_books(state, project=Stated(Decimal(1), Decimal(0)))
    assert books.ask(state, PrivacyLoss(epsilon=5 * 10**11))
    assert taken(state, "project:demo") == {"rho": 0, "epsilon": 5 * 10**11, "delta": 0}
    assert taken(state, "dataset:gp") == {"rho": 125 * 10**9, "epsilon": 0, "delta": 0}


def a_lowered_ceiling_stops_every_charge(state: State) -> None:
    """Spent delta above the lowered delta: not even a question without delta fits, or the budget's statement would be untrue."""
    books.open_books(state)
    assert books.ask(state, PrivacyLoss(rho=5, delta=5))
    books.set_ceiling(state, "project:demo", delta=4)
    assert books.ask(state, PrivacyLoss(rho=1)) is None


def every_ceiling_holds_with_a_researchers_own(state: State) -> None:
    books.open_books(state, researcher=books.CAP)
    every_ceiling_holds(state)


def a_pure_budget_becomes_concentrated(state: State) -> None:
    """Three charges of an odd epsilon, the last still open: each counts as epsilon^2 / 2, rounded up by itself, at the project
    and at the researcher; what is open stays reserved and is settled later in the new kind."""
    pure, third = Stated(Decimal(3), Decimal(0)), 333_333_333_333
    each = -(-(third**2) // (2 * 10**12))
    assert 3 * each > -(-3 * third**2 // (2 * 10**12)), "a sum rounded once would be less"
    books.open_books(state, project=pure, researcher=pure)
    taken_of = [books.ask(state, PrivacyLoss(epsilon=third)) for _ in range(3)]
    for reservation in taken_of[:2]:
        books.settle(state, str(reservation), "fault")
    state.write(lambda tx: budget.raise_to(tx, "project:demo", books.CAP))
    for scope in ("project:demo", "researcher:demo/alice"):
        found = pots(state, scope)
        assert (found["spent"], found["reserved"]) == (NOTHING | {"rho": 2 * each}, NOTHING | {"rho": each}), scope
    books.assert_balanced(state)
    assert books.ask(state, PrivacyLoss(rho=7, delta=1)) and books.ask(state, PrivacyLoss(epsilon=2 * 10**6))
    try:
        books.settle(state, str(taken_of[2]), "released")
    except IntegrityError:  # the table's own bounds: less than nothing would be reserved
        raise AssertionError("settled in another kind than it is reserved in") from None
    for scope in ("project:demo", "researcher:demo/alice", "dataset:gp"):
        found = pots(state, scope)
        assert (found["spent"], found["reserved"]) == (NOTHING | {"rho": 3 * each}, {"rho": 9, "epsilon": 0, "delta": 1}), scope
    books.assert_balanced(state)


def a_concentrated_budget_never_becomes_pure(state: State) -> None:
    """Whether spent or reserved; and a pure one does so by nobody alone."""
    books.open_books(state)
    reservation = books.ask(state, PrivacyLoss(rho=7))
    for _ in ("reserved", "spent"):
        try:
            state.write(lambda tx: budget.raise_to(tx, "project:demo", Stated(Decimal(50), Decimal(0))))
        except Refusal as refusal:
            assert refusal.reason is Reason.ACCOUNTING_KIND
        else:
            raise AssertionError("a rho was forgotten")
        with contextlib.suppress(Fault):
            books.settle(state, str(reservation), "fault")
    books.assert_balanced(state)


def a_closed_account_takes_nothing(state: State) -> None:
    """Each of the three stops every question until it is set anew; what a project becomes does not open its members'."""
    pure = Stated(Decimal(5), Decimal(0))
    books.open_books(state, project=pure, researcher=pure)
    scopes = ["dataset:gp", "project:demo", "researcher:demo/alice"]
    state.write(lambda tx: budget.close_accounts(tx, AT))
    for number, scope in enumerate(scopes):
        with state.read() as tx:
            assert budget.closed_accounts(tx) == scopes[number:], scope
        for tightened, reason in ((True, Reason.INVALID_REQUEST), (False, Reason.NOT_READY)):
            try:
                _tighten_a_little(state, scope) if tightened else _reserve(state)
            except Refusal as refusal:
                assert refusal.reason is reason, refusal
            else:
                raise AssertionError(f"{scope} is open")
        state.write(lambda tx: budget.raise_to(tx, scope, books.CAP, books.CAP))  # noqa: B023
    _reserve(state)
    assert taken(state, "researcher:demo/alice") == taken(state, "dataset:gp") == NOTHING | {"rho": 5}


def _reserve(state: State) -> None:
    asked = {"question": new_id(), "project": "demo", "dataset": "gp", "person": "alice", "at": AT}
    loss = PrivacyLoss(epsilon=3_000_000)  # rho: 4.5, rounded up
    state.write(lambda tx: budget.ledger.reserve(tx, id=new_id(), loss=loss, **asked))  # type: ignore[arg-type]


def _tighten_a_little(state: State, scope: str) -> None:
    with state.read() as tx:
        now = budget.balance(tx, scope).stated
    state.write(lambda tx: budget.tighten(tx, scope, Stated(now.epsilon / 2, now.delta)))


CHECKS: tuple[Callable[[State], None], ...] = (
    a_budget_is_spent_to_its_last_unit,
    racing_questions_never_overspend,
    every_ceiling_holds_with_a_researchers_own,
    every_part_has_its_ceiling,
    a_refused_question_takes_nothing,
    a_fault_keeps_its_charge,
    a_reservation_is_settled_once,
    a_question_is_charged_once,
    a_dataset_counts_pure_questions_as_rho,
    a_lowered_ceiling_stops_every_charge,
    a_pure_budget_becomes_concentrated,
    a_concentrated_budget_never_becomes_pure,
    a_closed_account_takes_nothing,
)
