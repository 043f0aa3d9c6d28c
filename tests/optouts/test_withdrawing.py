"""A withdrawal: counted, versioned, kept apart from the objection, and undone by the next objection."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.optouts.conftest import AT, people
from tests.optouts.test_registers import HERE, _Temporary, apply, listed
from tre import optouts
from tre.errors import Refusal
from tre.optouts import Withdrawal, registers
from tre.optouts.tables import REGIMES
from tre.state import State


def withdraw(state: State, regime: str, who: list[bytes], rejected: dict[str, int] | None = None) -> Withdrawal:
    return state.write(lambda tx: optouts.withdraw(tx, regime, who, rejected or {}, "a test", AT))


def version(state: State) -> int:
    with state.read() as tx:
        return registers.newest_version(tx)


def test_what_is_received_is_withdrawn_not_known_or_rejected(state: State) -> None:
    apply(state, "local", people(1, 2, 3))
    made = withdraw(state, "local", people(2, 9, 2, 3), {"invalid-nhs-number": 2})
    assert (made.received, made.withdrawn, made.not_known, made.version) == (6, 2, 2, 2)
    assert listed(state, "local") == people(1)
    again = withdraw(state, "local", people(2, 3))
    assert (again.withdrawn, again.not_known, again.version) == (0, 2, 3)


def test_under_one_regime_alone(state: State) -> None:
    apply(state, "local", people(1))
    apply(state, "national", people(1))
    withdraw(state, "local", people(1))
    assert (listed(state, "local"), listed(state, "national", "local")) == ([], people(1))


def test_somebody_who_never_objected_moves_the_version_as_everybody_does(state: State) -> None:
    apply(state, "local", people(1))
    with state.read() as tx:
        before = optouts.standing(tx, ["local"], HERE)
    made = withdraw(state, "local", people(7))
    with state.read() as tx:
        assert optouts.standing(tx, ["local"], HERE) == replace(before, version=2)
    assert made.withdrawn == 0 and listed(state, "local") == people(1)
    assert withdraw(state, "type-1", people(1)).version == 3


def test_what_could_not_be_read_moves_no_version(state: State) -> None:
    apply(state, "local", people(1))
    assert withdraw(state, "local", [], {"missing": 2}).version == withdraw(state, "local", []).version == version(state) == 1


def test_a_withdrawal_makes_no_register_younger_and_none_delivered(state: State) -> None:
    apply(state, "local", people(1))
    with state.read() as tx:
        before = optouts.delivered(tx)
    withdraw(state, "local", people(1))
    withdraw(state, "national", people(1))
    with state.read() as tx:
        assert optouts.delivered(tx) == before
        with pytest.raises(Refusal):
            optouts.standing(tx, ["national"], HERE)


def test_who_objects_again_is_new_again(state: State) -> None:
    apply(state, "local", people(1, 2))
    withdraw(state, "local", people(1))
    made = apply(state, "local", people(1, 1, 2))
    assert (made.applied, made.already_known, made.version) == (1, 2, 3)
    assert listed(state, "local") == people(1, 2)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(REGIMES), st.lists(st.integers(0, 12), max_size=9)), min_size=2, max_size=8)
)
def test_any_order_of_objections_and_withdrawals(acts: list[tuple[bool, str, list[int]]]) -> None:
    """Against a set of each register: who counts, and that the version moves exactly when somebody was named."""
    with _Temporary() as state:
        model: dict[str, set[int]] = {regime: set() for regime in REGIMES}
        for withdrawing, regime, who in acts:
            before, old = set(model[regime]), version(state)
            if withdrawing:
                model[regime] -= set(who)
                made = withdraw(state, regime, people(*who))
                assert (made.withdrawn, made.received) == (len(before - model[regime]), len(who))
            else:
                model[regime] |= set(who)
                assert apply(state, regime, people(*who)).applied == len(model[regime] - before)
            assert version(state) - old == bool(who)
        for regimes in (REGIMES, ("local",), ("national", "type-1")):
            assert listed(state, *regimes) == people(*sorted(set().union(*(model[regime] for regime in regimes))))


def test_the_objection_stays_and_so_does_the_withdrawal(state: State) -> None:
    apply(state, "local", people(1))
    withdraw(state, "local", people(1))
    with state.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM objections")).scalar_one() == 1
    for act in ("DELETE FROM opt_out_withdrawals", "UPDATE opt_out_withdrawals SET withdrawn = 0"):
        with pytest.raises(IntegrityError):
            state.write(lambda tx, act=act: tx.execute(text(act)))  # type: ignore[misc]
    with pytest.raises(Refusal):
        withdraw(state, "type-2", people(1))
