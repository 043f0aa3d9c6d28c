"""Accounts: opened once, tightened at once, raised within the promise, from pure to concentrated at most."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest

from tests.budget import books, checks
from tests.budget.books import CAP
from tre import budget
from tre.budget import Stated, tightens
from tre.errors import Fault, Reason, Refusal
from tre.loss import UNIT, PrivacyLoss
from tre.state import State, Transaction


def stated(epsilon: str, delta: str, keys: str | None = None) -> Stated:
    return Stated(Decimal(epsilon), Decimal(delta), None if keys is None else Decimal(keys))


def refused(state: State, reason: Reason, act) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Refusal) as caught:
        state.write(act)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("epsilon", "delta", "keys"),
    [("-1", "0", None), ("1", "1", None), ("1", "-1e-9", None), ("NaN", "0", None), ("Infinity", "0", None), ("1e7", "0", None),
     ("1", "1e-6", "1e-6"), ("1", "1e-6", "-1e-9"), ("1", "0", "1e-9")],
)  # fmt: skip
def test_a_budget_that_says_nothing_sensible_cannot_be_made(epsilon: str, delta: str, keys: str | None) -> None:
    with pytest.raises(ValueError, match=r"epsilon lies|keys_delta lies|finite"):
        stated(epsilon, delta, keys)


def test_a_float_is_no_budget() -> None:
    with pytest.raises(ValueError, match="decimals"):
        Stated(1.0, Decimal(0))  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["gp", "dataset:", "dataset:a/b", "project:Demo", "researcher:alice", "project:x\n", "owner:x"])
def test_a_scope_that_is_none_has_no_account(scope: str, state: State) -> None:
    with pytest.raises(ValueError, match="scope"):
        state.write(lambda tx: budget.open_account(tx, scope, stated("0", "0")))


def test_an_account_is_opened_once(state: State) -> None:
    books.open_books(state)
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.open_account(tx, "project:demo", CAP))
    with state.read() as tx:
        assert budget.exists(tx, "project:demo") and not budget.exists(tx, "project:other")
        with pytest.raises(Refusal):
            budget.balance(tx, "project:other")


def test_the_balance_as_text_has_every_digit(state: State) -> None:
    books.open_books(state, project=stated("20", "1E-6", "0"))
    books.set_ceiling(state, "project:demo", rho=3_000_000_000_001)
    books.ask(state, PrivacyLoss(rho=1))
    with state.read() as tx:
        told = budget.balance(tx, "project:demo").to_json()
    assert json.loads(json.dumps(told)) == {
        "accounting": "concentrated",
        "stated": {"epsilon": "20", "delta": "0.000001", "keys_delta": "0"},
        "ceiling": {"rho": "3.000000000001", "epsilon": None, "delta": "0.000000000000000000"},
        "spent": {"rho": "0.000000000000", "epsilon": None, "delta": "0.000000000000000000"},
        "reserved": {"rho": "0.000000000001", "epsilon": None, "delta": "0.000000000000000000"},
        "remaining": {"rho": "3.000000000000", "epsilon": None, "delta": "0.000000000000000000"},
    }


def test_a_balance_is_worth_an_epsilon_at_the_stated_delta(state: State) -> None:
    books.open_books(state, project=stated("2", "1e-6"))
    with state.read() as tx:
        whole = budget.balance(tx, "project:demo")
        assert abs(whole.worth(whole.ceiling) - 2) < Decimal("0.00001")
        assert whole.worth(PrivacyLoss()) == 0


@pytest.mark.parametrize(
    ("now", "then", "tighter"),
    [
        (("20", "1e-6"), ("10", "1e-6"), True),
        (("20", "1e-6"), ("20", "1e-7"), True),
        (("20", "1e-6"), ("20", "1e-6"), True),
        (("20", "1e-6"), ("0", "0"), True),
        (("20", "1e-6"), ("21", "1e-6"), False),
        (("20", "1e-6"), ("20", "1e-5"), False),
        (("20", "1e-6"), ("19", "1e-5"), False),
        (("20", "1e-6"), ("20", "1e-6", "0"), False),  # more rho: the keys' delta goes to the conversion
        (("20", "1e-6", "0"), ("20", "1e-6"), False),  # some delta for keys, where there was none
        (("20", "1e-6"), ("1", "0"), False),  # another kind
        (("1", "0"), ("1", "1e-6"), False),
        (("0", "0"), ("0", "0"), True),
        (("0", "0"), ("1", "0"), False),
    ],
)
def test_what_tightens(now: tuple[str, ...], then: tuple[str, ...], tighter: bool, state: State) -> None:
    assert tightens(stated(*now), stated(*then)) is tighter
    state.write(lambda tx: budget.open_account(tx, "project:demo", stated(*now)))
    if tighter:
        state.write(lambda tx: budget.tighten(tx, "project:demo", stated(*then)))
    else:
        refused(state, Reason.INVALID_REQUEST, lambda tx: budget.tighten(tx, "project:demo", stated(*then)))


def test_tightened_below_what_is_spent_nothing_more_fits(state: State) -> None:
    books.open_books(state, project=stated("20", "1e-6"))
    with state.read() as tx:
        half = PrivacyLoss(rho=budget.balance(tx, "project:demo").ceiling.rho // 2)
    assert books.ask(state, half)
    lowered = state.write(lambda tx: budget.tighten(tx, "project:demo", stated("1", "1e-6")))
    assert lowered.remaining == PrivacyLoss(rho=0, delta=lowered.ceiling.delta)
    assert lowered.reserved == half
    assert books.ask(state, PrivacyLoss(rho=1)) is None
    state.write(lambda tx: budget.raise_to(tx, "project:demo", stated("20", "1e-6")))
    assert books.ask(state, PrivacyLoss(rho=1))
    books.assert_balanced(state)


def test_a_dataset_stays_within_its_lifetime_cap(state: State) -> None:
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.open_account(tx, "dataset:gp", stated("51", "1e-6"), CAP))
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.open_account(tx, "dataset:gp", stated("5", "1e-5"), CAP))
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.open_account(tx, "dataset:gp", stated("5", "0"), CAP))
    opened = state.write(lambda tx: budget.open_account(tx, "dataset:gp", stated("0", "0")))
    assert (opened.kind, opened.ceiling) == ("concentrated", PrivacyLoss())
    with pytest.raises(ValueError, match="lifetime cap"):
        state.write(lambda tx: budget.raise_to(tx, "dataset:gp", stated("5", "1e-6")))
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.raise_to(tx, "dataset:gp", stated("50.1", "1e-6"), CAP))
    assert state.write(lambda tx: budget.raise_to(tx, "dataset:gp", CAP, CAP)).ceiling == CAP.ceiling()


def test_two_who_change_it_at_once(state: State) -> None:
    books.open_books(state)
    assert state.write(lambda tx: budget.tighten(tx, "project:demo", stated("5", "1e-6"), 1)).version == 2
    refused(state, Reason.CHANGED_MEANWHILE, lambda tx: budget.tighten(tx, "project:demo", stated("4", "1e-6"), 1))
    refused(state, Reason.CHANGED_MEANWHILE, lambda tx: budget.raise_to(tx, "project:demo", stated("9", "1e-6"), version=1))


def test_a_charged_concentrated_budget_stays_concentrated(state: State) -> None:
    """Spent or only reserved; while nothing is, either direction is free."""
    books.open_books(state, project=stated("0", "0"))
    for delta in ("0", "1e-6", "0", "1e-6"):
        assert state.write(lambda tx, d=delta: budget.raise_to(tx, "project:demo", stated("1", d))).stated.delta == Decimal(delta)  # type: ignore[misc]
    reservation = books.ask(state, PrivacyLoss(rho=1))
    assert reservation
    for _ in ("reserved", "spent"):
        refused(state, Reason.ACCOUNTING_KIND, lambda tx: budget.raise_to(tx, "project:demo", stated("1", "0")))
        with contextlib.suppress(Fault):
            books.settle(state, reservation, "fault")
    closed = state.write(lambda tx: budget.tighten(tx, "project:demo", stated("0", "0")))
    assert (closed.kind, closed.ceiling) == ("concentrated", PrivacyLoss())
    assert books.ask(state, PrivacyLoss(rho=1)) is None
    refused(state, Reason.ACCOUNTING_KIND, lambda tx: budget.raise_to(tx, "project:demo", stated("1", "0")))


def test_a_researchers_account_counts_what_was_charged_before_it(state: State) -> None:
    books.open_books(state)
    first, _ = books.ask(state, PrivacyLoss(rho=3)), books.ask(state, PrivacyLoss(epsilon=2 * 10**6))
    books.ask(state, PrivacyLoss(rho=100), person="bob")
    assert first
    books.settle(state, first, "fault")
    own = state.write(lambda tx: budget.open_account(tx, "researcher:demo/alice", CAP))
    assert (own.spent, own.reserved) == (PrivacyLoss(rho=3), PrivacyLoss(rho=2))
    books.assert_balanced(state)


def test_a_researchers_account_is_of_a_kind_the_project_can_charge(state: State) -> None:
    books.open_books(state)
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.open_account(tx, "researcher:demo/alice", stated("1", "0")))
    state.write(lambda tx: budget.open_account(tx, "researcher:demo/alice", stated("0", "0")))
    assert books.ask(state, PrivacyLoss(rho=1)) is None
    assert books.ask(state, PrivacyLoss(rho=1), person="bob")


def test_a_pure_budget_that_becomes_concentrated_counts_every_charge_anew(state: State) -> None:
    """Three charges of which a sum of epsilons would make another rho; one of them is still open, and is settled afterwards."""
    checks.a_pure_budget_becomes_concentrated(state)


def test_another_kind_never_merely_tightens(state: State) -> None:
    books.open_books(state, project=stated("20", "0"))
    assert books.ask(state, PrivacyLoss(epsilon=10**12))
    refused(state, Reason.INVALID_REQUEST, lambda tx: budget.tighten(tx, "project:demo", stated("0.001", "1e-9")))


def test_what_a_smaller_concentrated_budget_does_not_hold_stops_every_charge(state: State) -> None:
    """epsilon 1 is rho 0.5, and (1, 1e-6) opens 0.0229: allowed, and nothing more fits until it is raised."""
    books.open_books(state, project=stated("2", "0"))
    assert books.ask(state, PrivacyLoss(epsilon=10**12))
    now = state.write(lambda tx: budget.raise_to(tx, "project:demo", stated("1", "1e-6")))
    assert now.reserved == PrivacyLoss(rho=UNIT // 2) and now.remaining.rho == 0
    assert books.ask(state, PrivacyLoss(rho=1)) is None and books.ask(state, PrivacyLoss(epsilon=1)) is None
    books.assert_balanced(state)


def test_members_own_ceilings_follow_their_project(state: State) -> None:
    """Pure ones keep their epsilon and take the project's delta, whatever was charged; others, and other projects', stay."""
    books.open_books(state, project=stated("4", "0"))
    ours = {"alice": stated("2", "0"), "bob": stated("0", "0"), "cleo": stated("1", "1e-9")}
    others = ("researcher:demo_2/alice", "researcher:demo2/alice", "researcher:demo-2/alice")

    def open_all(tx: Transaction) -> None:
        for project in ("demo_2", "demo2", "demo-2"):
            budget.open_account(tx, f"project:{project}", stated("4", "0"))
        for name, own in ours.items():
            budget.open_account(tx, f"researcher:demo/{name}", own)
        for scope in others:
            budget.open_account(tx, scope, stated("2", "0"))

    state.write(open_all)
    assert books.ask(state, PrivacyLoss(epsilon=10**12)) and books.ask(state, PrivacyLoss(epsilon=10**11), person="cleo")
    state.write(lambda tx: budget.raise_to(tx, "project:demo", stated("9", "1e-6", "0")))
    with state.read() as tx:
        found = {name: budget.balance(tx, f"researcher:demo/{name}") for name in ours}
        assert {budget.balance(tx, scope).kind for scope in others} == {"pure"}
    assert {one.kind for one in found.values()} == {"concentrated"}
    assert [found[name].stated for name in ours] == [stated("2", "1e-6", "0"), stated("0", "1e-6", "0"), stated("1", "1e-9")]
    assert [found[name].reserved.rho for name in ours] == [UNIT // 2, 0, UNIT // 200]
    books.assert_balanced(state)
    state.write(lambda tx: budget.raise_to(tx, "project:demo_2", stated("9", "1e-6")))
    with state.read() as tx:
        assert [budget.balance(tx, scope).kind for scope in others] == ["concentrated", "pure", "pure"]


def test_a_members_own_ceiling_does_not_go_back_to_pure(state: State) -> None:
    books.open_books(state, project=stated("4", "0"), researcher=stated("1", "1e-6"))
    assert books.ask(state, PrivacyLoss(epsilon=1))
    refused(state, Reason.ACCOUNTING_KIND, lambda tx: budget.raise_to(tx, "researcher:demo/alice", stated("1", "0")))
