"""T-COLL, T-REFRESH: many accounts, and budgets filled up again. Naive ledgers pay out more; ours holds the dataset's ceiling."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.budget import books
from tests.budget.books import AT, new_id
from tests.databases import new_database
from tre import budget
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.loss import PrivacyLoss
from tre.state import State

USERS = 10
FULL = Stated(Decimal(1), Decimal("1e-6"))
NOTHING = Stated(Decimal(0), Decimal(0))
SCOPE = "dataset:gp"
Split = Callable[[int], tuple[str, str]]  # of the user, to a project and a name in it

SPLITS: dict[str, Split] = {
    "a project each": lambda user: (f"p{user}", f"u{user}"),
    "one project": lambda user: ("p0", f"u{user}"),
    "two projects": lambda user: (f"p{user % 2}", f"u{user}"),
    "one person in many": lambda user: (f"p{user}", "alice"),
}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Ten projects, each with all of what the dataset has."""
    with State.open(new_database(tmp_path)) as opened:
        opened.write(lambda tx: budget.open_account(tx, SCOPE, FULL, FULL))
        for number in range(USERS):
            opened.write(lambda tx, number=number: budget.open_account(tx, f"project:p{number}", FULL))  # type: ignore[misc]
        yield opened


def ask(state: State, project: str, person: str, loss: PrivacyLoss) -> bool:
    asked = {"id": new_id(), "question": new_id(), "project": project, "dataset": "gp", "person": person}
    try:
        state.write(lambda tx: budget.reserve(tx, loss=loss, at=AT, **asked))
    except Refusal as refusal:
        assert refusal.reason is Reason.BUDGET_EXHAUSTED
        return False
    books.settle(state, asked["id"], "released")
    return True


def test_t_coll_naive_budgets_by_user_add_up() -> None:
    spent: Counter[str] = Counter()
    for user in range(USERS):
        while spent[f"u{user}"] + 10 <= 100:
            spent[f"u{user}"] += 10
    assert sum(spent.values()) == 10 * 100


@pytest.mark.parametrize("parts", [1, 3, 20])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_t_coll_ours_holds_the_datasets_ceiling(split: Split, parts: int, state: State) -> None:
    """Whoever asks, in whatever order: what is answered is the whole ceiling and not one more."""
    ceiling = FULL.ceiling().rho
    users = list(range(USERS)) * (parts + 1)
    random.Random(parts).shuffle(users)
    answered = sum(ask(state, *split(user), PrivacyLoss(rho=ceiling // parts)) for user in users)
    assert answered == parts
    assert books.taken(state, SCOPE)["rho"] == parts * (ceiling // parts) <= ceiling
    books.assert_balanced(state)


def test_t_refresh_naive_resets_pay_without_end() -> None:
    spent, received = 0, 0
    for _ in range(USERS):
        while spent + 50 <= 100:
            spent, received = spent + 50, received + 50
        spent = 0
    assert received == 10 * 100


def test_t_refresh_ours_raises_and_lowers_within_one_lifetime(state: State) -> None:
    """The dataset's budget and a project's are taken away and given anew ten times; what was ever spent is still shown, and
    nothing beyond the lifetime cap is granted."""
    ceiling, received = FULL.ceiling().rho, 0
    half = PrivacyLoss(rho=ceiling // 2)
    for _ in range(10):
        received += half.rho * sum(ask(state, "p0", "alice", half) for _ in range(3))
        for scope in (SCOPE, "project:p0"):
            state.write(lambda tx, scope=scope: budget.tighten(tx, scope, NOTHING))  # type: ignore[misc]
            cap = FULL if scope == SCOPE else None
            now = state.write(lambda tx, scope=scope, cap=cap: budget.raise_to(tx, scope, FULL, cap))  # type: ignore[misc]
            assert now.spent == PrivacyLoss(rho=received) and received == 2 * half.rho
    twice = Stated(Decimal(2), Decimal("1e-6"))
    with pytest.raises(Refusal, match="lifetime cap"):
        state.write(lambda tx: budget.raise_to(tx, SCOPE, twice, FULL))
    state.write(lambda tx: budget.raise_to(tx, "project:p0", twice))
    assert not ask(state, "p0", "alice", half)
    assert received <= ceiling
