"""The ledger: ceilings, kinds, amounts that add up exactly, and what a refusal tells."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.budget import books
from tests.budget.books import AT, CAP
from tests.budget.checks import CHECKS
from tre import budget
from tre.budget import Stated, ledger
from tre.errors import Fault, Reason, Refusal
from tre.loss import PrivacyLoss, of_rho
from tre.state import State
from tre.terms import Reservation

PURE_ONE = Stated(Decimal(1), Decimal(0))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_ledger_does_what_it_must(check: Callable[[State], None], state: State) -> None:
    check(state)


def reserve(state: State, loss: PrivacyLoss, **other: str | None) -> Reservation:
    asked = {"id": books.new_id(), "question": books.new_id(), "project": "demo", "dataset": "gp", "person": None} | other
    return state.write(lambda tx: budget.reserve(tx, loss=loss, at=AT, **asked))  # type: ignore[arg-type]


def refusal_of(state: State, loss: PrivacyLoss, **other: str | None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        reserve(state, loss, **other)
    return caught.value


def test_a_reservation_is_what_was_asked_and_what_stands_in_the_ledger(state: State) -> None:
    books.open_books(state)
    made = reserve(state, PrivacyLoss(rho=243_560_000), id="r1", question="q1")
    assert made == Reservation("r1", "q1", "demo", "gp", PrivacyLoss(rho=243_560_000))
    with state.read() as tx:
        (left,) = budget.open_reservations(tx)
        assert (left.id, left.question, left.loss, left.at) == ("r1", "q1", made.loss, "2026-03-01T12:00:00.000000Z")
    books.settle(state, "r1", "released")
    with state.read() as tx:
        assert budget.open_reservations(tx) == []
        assert budget.balance(tx, "project:demo").spent == made.loss


@pytest.mark.parametrize("kind", ["rho", "epsilon"])
def test_what_is_given_again_charges_everybody_but_the_dataset(kind: str, state: State) -> None:
    """In full, in each account's kind, within each ceiling; and the dataset's may be exhausted."""
    stated = CAP if kind == "rho" else PURE_ONE
    books.open_books(state, project=stated, researcher=stated)
    books.set_ceiling(state, "dataset:gp", rho=0, delta=0)
    loss = PrivacyLoss(**{kind: 10**11})
    assert refusal_of(state, loss, person="alice").detail.startswith("The dataset's")
    again: dict[str, object] = {"question": books.new_id(), "project": "demo", "dataset": "gp", "person": "alice", "at": AT}

    def receive(id: str) -> Reservation:
        return state.write(lambda tx: budget.reserve(tx, id=id, loss=loss, drawn=False, **again))  # type: ignore[arg-type]

    books.set_ceiling(state, "researcher:demo/alice", **{kind: 10**11 - 1})
    with pytest.raises(Refusal) as own:
        receive("r1")
    assert own.value.detail.startswith("Your own") and books.taken(state, "project:demo")[kind] == 0
    books.set_ceiling(state, "researcher:demo/alice", **{kind: 10**11})
    assert receive("r1").loss == loss
    with state.read() as tx:
        assert budget.loss_of(tx, "r1") == loss
    books.settle(state, "r1", "released")
    spent = {scope: books.pots(state, scope)["spent"] for scope in ("project:demo", "researcher:demo/alice", "dataset:gp")}
    assert spent.pop("dataset:gp") == {"rho": 0, "epsilon": 0, "delta": 0}
    assert all(pot == {"rho": 0, "epsilon": 0, "delta": 0} | {kind: 10**11} for pot in spent.values())
    books.assert_balanced(state)


def test_a_million_times_a_millionth_is_one(state: State) -> None:
    """The statement of `reserve` itself, a million times: not a unit is lost, and not one more fits."""
    books.open_books(state, project=PURE_ONE)
    millionth = {"of": "project:demo"} | ledger._costed(PrivacyLoss(epsilon=10**6))
    one_more = {"of": "project:demo"} | ledger._costed(PrivacyLoss(epsilon=1))
    done = sum(state.write(lambda tx: tx.execute(ledger._TAKE, [millionth] * 100_000).rowcount) for _ in range(10))
    assert done == 10**6
    assert state.write(lambda tx: tx.execute(ledger._TAKE, one_more).rowcount) == 0
    assert books.pots(state, "project:demo")["reserved"]["epsilon"] == 10**12


def test_a_hundred_equal_questions_fit_a_hundred_times(state: State) -> None:
    """privacy.md, From budget to scale: rho 0.024356 at (1, 1e-6) with all of delta to the conversion."""
    books.open_books(state, project=Stated(Decimal(1), Decimal("1e-6"), Decimal(0)))
    ceiling = books.pots(state, "project:demo")["ceiling"]["rho"]
    assert abs(ceiling - 24_356 * 10**6) < 10**6
    share = PrivacyLoss(rho=ceiling // 100)
    assert all(books.ask(state, share) for _ in range(100))
    assert books.ask(state, share) is None


def test_a_question_that_costs_nothing_is_no_question(state: State) -> None:
    books.open_books(state)
    with pytest.raises(ValueError, match="no loss, no answer"):
        reserve(state, PrivacyLoss(delta=5))


def test_an_amount_beyond_the_databases_integers_is_refused(state: State) -> None:
    books.open_books(state)
    for loss in (of_rho(Fraction(10**7)), of_rho(Fraction(10**30)), PrivacyLoss(rho=1, delta=2**63)):
        assert refusal_of(state, loss).reason is Reason.BUDGET_EXHAUSTED


def test_a_pure_project_refuses_a_question_that_costs_rho(state: State) -> None:
    books.open_books(state, project=PURE_ONE)
    assert refusal_of(state, PrivacyLoss(rho=1)).reason is Reason.INVALID_REQUEST
    assert refusal_of(state, PrivacyLoss(rho=1, delta=1)).reason is Reason.INVALID_REQUEST
    books.assert_balanced(state)


def test_a_concentrated_project_counts_a_pure_question_as_rho(state: State) -> None:
    books.open_books(state)
    reserve(state, PrivacyLoss(epsilon=10**12))
    assert books.taken(state, "project:demo") == {"rho": 5 * 10**11, "epsilon": 0, "delta": 0}


def test_without_an_account_there_is_nothing_to_spend(state: State) -> None:
    """A dataset opens by a grant and a project by a budget; only a researcher may have no ceiling of their own."""
    assert refusal_of(state, PrivacyLoss(rho=1)).reason is Reason.BUDGET_EXHAUSTED
    state.write(lambda tx: budget.open_account(tx, "project:demo", CAP))
    assert refusal_of(state, PrivacyLoss(rho=1)).reason is Reason.BUDGET_EXHAUSTED
    state.write(lambda tx: budget.open_account(tx, "dataset:gp", CAP, CAP))
    assert reserve(state, PrivacyLoss(rho=1), person="nobody-in-particular").loss.rho == 1


def test_an_outcome_is_one_of_three(state: State) -> None:
    books.open_books(state)
    made = reserve(state, PrivacyLoss(rho=1))
    with pytest.raises(ValueError, match="released, fault or cancelled"):
        books.settle(state, made.id, "refunded")
    with pytest.raises(Fault):
        books.settle(state, "another", "fault")


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM charges",
        "DELETE FROM reservations",
        "DELETE FROM accounts",
        "UPDATE charges SET rho = 0",
        "UPDATE reservations SET rho = 0",
        "UPDATE reservations SET question = 'another'",
        "UPDATE reservations SET state = 'open' WHERE state = 'released'",
        "UPDATE accounts SET spent_rho = -1",
        "UPDATE accounts SET reserved_rho = reserved_rho - 2 WHERE scope = 'project:demo'",
        "UPDATE accounts SET spent_rho = 0.5",
    ],
)
def test_the_database_itself_refuses(act: str, state: State) -> None:
    books.open_books(state)
    books.settle(state, reserve(state, PrivacyLoss(rho=1)).id, "released")
    reserve(state, PrivacyLoss(rho=1))
    with pytest.raises(IntegrityError):
        state.write(lambda tx: tx.execute(text(act)))
    books.assert_balanced(state)


def test_the_projects_refusal_says_what_was_asked_and_what_remains(state: State) -> None:
    books.open_books(state, project=Stated(Decimal(1), Decimal("1e-6")))
    books.set_ceiling(state, "project:demo", rho=22_937_000_000)
    reserve(state, PrivacyLoss(rho=20_937_000_000))
    told = refusal_of(state, PrivacyLoss(rho=2_000_000_001), person="alice")
    assert told.reason is Reason.BUDGET_EXHAUSTED
    assert told.detail.startswith(
        "The project's privacy budget does not hold this question: it asks rho 0.002000000001 (epsilon "
    )
    assert "; rho 0.002000000000 (epsilon " in told.detail
    assert told.detail.endswith("remains of the stated epsilon 1, delta 0.000001.")
    assert told.suggestion.startswith("Ask with rho 0.002000000000 or less")


def test_a_researcher_is_told_of_their_own_ceiling(state: State) -> None:
    books.open_books(state, project=PURE_ONE, researcher=Stated(Decimal("0.5"), Decimal(0)))
    told = refusal_of(state, PrivacyLoss(epsilon=6 * 10**11), person="alice")
    assert told.detail == (
        "Your own privacy budget does not hold this question: it asks epsilon 0.600000000000; "
        "epsilon 0.500000000000 remains of the stated epsilon 0.5, delta 0."
    )
    assert reserve(state, PrivacyLoss(epsilon=6 * 10**11), person="bob").loss.pure


def test_no_suggestion_where_nothing_fits(state: State) -> None:
    books.open_books(state)
    books.set_ceiling(state, "project:demo", rho=5)
    reserve(state, PrivacyLoss(rho=5))
    assert "or less" not in refusal_of(state, PrivacyLoss(rho=1)).suggestion


def test_the_datasets_refusal_tells_nothing_of_what_others_spent(state: State) -> None:
    """The same words whether another project has taken nearly all or nothing, and whatever is asked."""
    books.open_books(state)
    state.write(lambda tx: budget.open_account(tx, "project:other", CAP))
    ceiling = books.pots(state, "dataset:gp")["ceiling"]["rho"]
    books.set_ceiling(state, "project:demo", rho=2**60)
    far = refusal_of(state, PrivacyLoss(rho=ceiling + 1))
    reserve(state, PrivacyLoss(rho=ceiling), project="other")
    near = refusal_of(state, PrivacyLoss(rho=1))
    assert (far.detail, far.suggestion) == (near.detail, near.suggestion)
    assert not any(digit in near.detail + near.suggestion for digit in "0123456789")
