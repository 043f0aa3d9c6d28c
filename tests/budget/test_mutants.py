"""Ledgers that are wrong in one place, each with the check that must find it. A check that lets its mutant live is no check."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Row, bindparam, case, select, text, update

from tests.budget import books, checks
from tre.budget import accounts as keeping
from tre.budget import ledger
from tre.budget.stated import scope_kind, tightens
from tre.budget.tables import PARTS, accounts, charges
from tre.loss import UNIT, PrivacyLoss
from tre.state import State, Transaction

Patch = Callable[[pytest.MonkeyPatch], None]


def take_where(*conditions: Any) -> Patch:
    """A conditional update with other conditions."""
    statement = update(accounts).where(accounts.c.scope == bindparam("of"), *conditions)
    statement = statement.values({accounts.c[f"reserved_{part}"]: ledger._RESERVED[part] + ledger._COST[part] for part in PARTS})
    return lambda patch: patch.setattr(ledger, "_TAKE", statement)


def within(compare: Callable[[Any, Any], Any], parts: tuple[str, ...] = PARTS, reserved: bool = True) -> list[Any]:
    sums = {p: ledger._SPENT[p] + (ledger._RESERVED[p] if reserved else 0) + ledger._COST[p] for p in parts}
    return [compare(sums[part], ledger._CEILING[part]) for part in parts]


def sum_then_insert(patch: pytest.MonkeyPatch) -> None:
    """Reads what is left, thinks, then adds: each of many sees room for itself. All have read before one adds."""
    thought = threading.Barrier(checks.RACERS)

    def ask(state: State, loss: PrivacyLoss, question: str | None = None, person: str | None = "alice") -> str | None:
        found = books.pots(state, "project:demo")
        room = found["ceiling"]["rho"] - found["spent"]["rho"] - found["reserved"]["rho"]
        thought.wait(10)
        if loss.rho > room:
            return None
        add = text("UPDATE accounts SET reserved_rho = reserved_rho + :cost WHERE scope = 'project:demo'")
        state.write(lambda tx: tx.execute(add, {"cost": loss.rho}))
        return "taken"

    patch.setattr(books, "ask", ask)


def refund_on_a_fault(patch: pytest.MonkeyPatch) -> None:
    ours = ledger.settle

    def settle(tx: Transaction, reservation: str, outcome: str, at: Any) -> None:
        ours(tx, reservation, outcome, at)
        if outcome == "fault":
            for row in tx.execute(ledger._CHARGES, {"of": reservation}).all():
                back = f"spent_rho = spent_rho - {row.rho}, spent_epsilon = spent_epsilon - {row.epsilon}"
                tx.execute(text(f"UPDATE accounts SET {back} WHERE scope = '{row.scope}'"))

    patch.setattr(ledger, "settle", settle)


def settle_what_is_closed(patch: pytest.MonkeyPatch) -> None:
    anything = text("UPDATE reservations SET closed_at = closed_at WHERE id = :of OR (:outcome = :now)")
    patch.setattr(ledger, "_CLOSE", anything)


def no_unique_question(patch: pytest.MonkeyPatch) -> None:
    """The table as it would be without the key; the migrations are not asked."""

    def without(self: State) -> None:
        def write(tx: Transaction) -> None:
            made = tx.execute(text("SELECT sql FROM sqlite_master WHERE name = 'reservations'")).scalar_one()
            tx.execute(text("DROP TABLE charges"))
            tx.execute(text("DROP TABLE reservations"))
            tx.execute(text(re.sub(r",\s*UNIQUE \(question\)", "", made)))
            parts = ", ".join(f"{part} INTEGER NOT NULL" for part in PARTS)
            tx.execute(text(f"CREATE TABLE charges (reservation TEXT, scope TEXT, {parts}, PRIMARY KEY (reservation, scope))"))

        self.write(write)

    ours = books.open_books

    def open_books(state: State, **more: Any) -> None:
        without(state)
        ours(state, **more)

    patch.setattr(books, "open_books", open_books)


def forget_a_scope(prefix: str) -> Patch:
    def patch_costs(patch: pytest.MonkeyPatch) -> None:
        ours = ledger._costs

        def costs(*told: Any) -> dict[str, PrivacyLoss]:
            return {scope: cost for scope, cost in ours(*told).items() if not scope.startswith(prefix)}

        patch.setattr(ledger, "_costs", costs)

    return patch_costs


def leave_what_was_taken(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def nothing(_: Transaction) -> Iterator[None]:
        yield

    patch.setattr(ledger, "_all_or_nothing", nothing)


def count_epsilon_as_it_stands(patch: pytest.MonkeyPatch) -> None:
    """rho = epsilon: dearer than epsilon^2 / 2 below 2, cheaper above."""

    def in_kind(kind: str, asked: PrivacyLoss) -> PrivacyLoss:
        return PrivacyLoss(rho=asked.rho + asked.epsilon) if kind == "concentrated" else asked

    patch.setattr(ledger, "in_kind", in_kind)


def on_switching(count: Callable[[int], int]) -> Patch:
    """A pure charge counted by another formula once its account is concentrated."""

    def in_kind(kind: str, asked: PrivacyLoss) -> PrivacyLoss:
        return PrivacyLoss(rho=asked.rho + count(asked.epsilon), delta=asked.delta) if kind == "concentrated" else asked

    return lambda patch: patch.setattr(keeping, "in_kind", in_kind)


class Counted:
    """A transaction whose charges are other than those of the ledger, where an account counts them anew."""

    def __init__(self, tx: Transaction, told: Callable[[list[Row[Any]]], list[Any]]) -> None:
        self.tx, self.told = tx, told

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        found = self.tx.execute(statement, parameters)
        if statement is not keeping._CHARGED:
            return found
        return SimpleNamespace(all=lambda: self.told(list(found.all())))


def counting(told: Callable[[list[Row[Any]]], list[Any]]) -> Patch:
    def patch_counting(patch: pytest.MonkeyPatch) -> None:
        ours = keeping._count_anew
        patch.setattr(keeping, "_count_anew", lambda tx, *more: ours(Counted(tx, told), *more))  # type: ignore[arg-type]

    return patch_counting


def one_charge(rows: list[Row[Any]]) -> list[Any]:
    """Added up before it is squared."""
    sums = {part: sum(getattr(row, part) for row in rows) for part in PARTS}
    return [SimpleNamespace(state="released", **sums)] if rows else []


def settle_as_taken(patch: pytest.MonkeyPatch) -> None:
    """What was reserved as epsilon is moved as epsilon, whatever its account has become."""
    taken_as = case((charges.c.epsilon > 0, "pure"), else_="concentrated").label("kind")
    patch.setattr(ledger, "_CHARGES", select(charges, taken_as).where(charges.c.reservation == bindparam("of")))


def ignore(name: str) -> Patch:
    return lambda patch: patch.setattr(keeping, name, lambda *_: None)


def any_kind_at_any_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(keeping, "_kind_after", lambda now, stated: scope_kind(now.scope, stated))


def any_kind_until_spent(patch: pytest.MonkeyPatch) -> None:
    ours = keeping._kind_after
    patch.setattr(keeping, "_kind_after", lambda now, stated: ours(replace(now, reserved=PrivacyLoss()), stated))


def open_with_the_project(patch: pytest.MonkeyPatch) -> None:
    """Whoever sets a project's budget sets its members' own."""
    ours = keeping._members_follow

    def follow(tx: Transaction, *told: Any) -> None:
        ours(tx, *told)
        tx.execute(text("UPDATE accounts SET closed_at = NULL WHERE scope LIKE 'researcher:%'"))

    patch.setattr(keeping, "_members_follow", follow)


def open_by_one_person(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(keeping.Balance, "tightened_by", lambda now, stated: tightens(now.stated, stated))


MUTANTS: dict[str, tuple[Patch, Callable[[State], None]]] = {
    "sum, then insert": (sum_then_insert, checks.racing_questions_never_overspend),
    "no condition": (take_where(), checks.a_budget_is_spent_to_its_last_unit),
    "one unit too few": (take_where(*within(lambda sums, most: sums < most)), checks.a_budget_is_spent_to_its_last_unit),
    "one unit too many": (take_where(*within(lambda sums, most: sums <= most + 1)), checks.a_budget_is_spent_to_its_last_unit),
    "open reservations forgotten": (
        take_where(*within(lambda sums, most: sums <= most, reserved=False)),
        checks.a_budget_is_spent_to_its_last_unit,
    ),
    "delta without a ceiling": (
        take_where(*within(lambda sums, most: sums <= most, parts=("rho", "epsilon"))),
        checks.every_part_has_its_ceiling,
    ),
    "only what is asked for is looked at": (
        take_where(*((ledger._COST[p] == 0) | limit for p, limit in zip(PARTS, within(lambda s, m: s <= m), strict=True))),
        checks.a_lowered_ceiling_stops_every_charge,
    ),
    "refund on a fault": (refund_on_a_fault, checks.a_fault_keeps_its_charge),
    "settled twice": (settle_what_is_closed, checks.a_reservation_is_settled_once),
    "no unique key": (no_unique_question, checks.a_question_is_charged_once),
    "the project forgotten": (forget_a_scope("project:"), checks.every_ceiling_holds_with_a_researchers_own),
    "the researcher forgotten": (forget_a_scope("researcher:"), checks.every_ceiling_holds_with_a_researchers_own),
    "the dataset forgotten": (forget_a_scope("dataset:"), checks.every_ceiling_holds_with_a_researchers_own),
    "a refused question keeps what it took": (leave_what_was_taken, checks.a_refused_question_takes_nothing),
    "epsilon counted as rho": (count_epsilon_as_it_stands, checks.a_dataset_counts_pure_questions_as_rho),
    "switched: epsilon counted as rho": (on_switching(lambda epsilon: epsilon), checks.a_pure_budget_becomes_concentrated),
    "switched: epsilon squared without the half": (
        on_switching(lambda epsilon: -(-(epsilon**2) // UNIT)),
        checks.a_pure_budget_becomes_concentrated,
    ),
    "switched: rounded down": (
        on_switching(lambda epsilon: epsilon**2 // (2 * UNIT)),
        checks.a_pure_budget_becomes_concentrated,
    ),
    "switched: added up before it is squared": (counting(one_charge), checks.a_pure_budget_becomes_concentrated),
    "switched: open reservations forgotten": (
        counting(lambda rows: [row for row in rows if row.state != "open"]),
        checks.a_pure_budget_becomes_concentrated,
    ),
    "switched: faults forgotten": (
        counting(lambda rows: [row for row in rows if row.state != "fault"]),
        checks.a_pure_budget_becomes_concentrated,
    ),
    "switched: nothing counted anew": (ignore("_count_anew"), checks.a_pure_budget_becomes_concentrated),
    "switched: members left behind": (ignore("_members_follow"), checks.a_pure_budget_becomes_concentrated),
    "switched: settled in the kind it was taken in": (settle_as_taken, checks.a_pure_budget_becomes_concentrated),
    "rho becomes epsilon": (any_kind_at_any_time, checks.a_concentrated_budget_never_becomes_pure),
    "reserved rho becomes epsilon": (any_kind_until_spent, checks.a_concentrated_budget_never_becomes_pure),
    "closed and charged": (take_where(*within(lambda sums, most: sums <= most)), checks.a_closed_account_takes_nothing),
    "opened with the project": (open_with_the_project, checks.a_closed_account_takes_nothing),
    "opened by one person": (open_by_one_person, checks.a_closed_account_takes_nothing),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_ledger_is_found_out(mutant: str, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, check = MUTANTS[mutant]
    wrong(monkeypatch)
    try:
        check(state)
    except AssertionError:
        return
    pytest.fail(f"{check.__name__} lets this live: {mutant}")


def test_every_check_kills_a_mutant() -> None:
    assert {check for _, check in MUTANTS.values()} == set(checks.CHECKS)


def test_the_key_can_be_taken_away(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the mutant without it would be ours, and would have been killed by something else."""
    no_unique_question(monkeypatch)
    books.open_books(state)
    assert books.ask(state, PrivacyLoss(rho=7), question="q") and books.ask(state, PrivacyLoss(rho=7), question="q")
