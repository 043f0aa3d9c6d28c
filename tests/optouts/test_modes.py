"""A dataset answers under one set of regimes: the first reservation fixes it, one of several at once, and it stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy

from tests.databases import new_database
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts.tables import REGIMES
from tre.state import State

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL, ONE = tuple(sorted(REGIMES)), ("type-1",)
GP = ("gp",)
ENGLAND = ("england", "gp", "hospital")  # a population and its datasets


def fix(state: State, people: tuple[str, ...], regimes: tuple[str, ...]) -> Reason | None:
    try:
        state.write(lambda tx: optouts.fix_mode(tx, people, regimes, AT))
    except Refusal as refusal:
        return refusal.reason
    return None


def test_the_first_fixes_it_and_the_other_is_refused_with_a_mend(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        with state.read() as tx:
            assert optouts.mode(tx, GP) is None
            optouts.check_mode(tx, GP, ONE)
        assert fix(state, GP, tuple(reversed(ALL))) is None, "in any order"
        assert fix(state, GP, ALL) is None and fix(state, ("other",), ONE) is None, "each dataset has its own"
        with pytest.raises(Refusal) as refused, state.read() as tx:
            optouts.check_mode(tx, GP, ONE)
        assert refused.value.reason is Reason.OPT_OUT_MODE
        assert "other opt-outs" in refused.value.suggestion and "Nothing was charged" in refused.value.suggestion
        assert fix(state, GP, ("national", "type-1")) is Reason.OPT_OUT_MODE, "fewer, or more, is another set"


@pytest.mark.parametrize("statement", ["UPDATE opt_out_modes SET regimes = 'type-1'", "DELETE FROM opt_out_modes"])
def test_the_database_itself_keeps_it(statement: str, tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        fix(state, GP, ALL)
        with pytest.raises(sqlalchemy.exc.DatabaseError, match="what was written stays"):
            state.write(lambda tx: tx.execute(sqlalchemy.text(statement)))


def test_of_two_modes_at_once_one_wins_whoever_it_is(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state, ThreadPoolExecutor(8) as pool:
        for number in range(25):
            wanted = [ALL, ONE] * 4
            told = list(pool.map(lambda regimes, of=(f"gp-{number}",): fix(state, of, regimes), wanted))
            won = {regimes for regimes, reason in zip(wanted, told, strict=True) if reason is None}
            assert len(won) == 1 and told.count(Reason.OPT_OUT_MODE) == 4
            with state.read() as tx:
                assert optouts.mode(tx, (f"gp-{number}",)) == won.pop()


def test_the_first_answer_in_any_dataset_of_a_population_decides_for_all(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        assert fix(state, ENGLAND, ALL) is None
        for names in (ENGLAND, GP, ("hospital",), ("england", "maternity")):
            assert fix(state, names, ONE) is Reason.OPT_OUT_MODE, "nor later, by itself or as a dataset that is new in it"
            with state.read() as tx:
                assert optouts.mode(tx, names) == ALL
        assert fix(state, ("maternity",), ONE) is None, "what was refused wrote nothing"


def test_what_a_dataset_answered_under_before_is_its_populations(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        assert fix(state, GP, ONE) is None
        assert fix(state, ENGLAND, ALL) is Reason.OPT_OUT_MODE
        assert fix(state, ENGLAND, ONE) is None
        assert fix(state, ("hospital",), ALL) is Reason.OPT_OUT_MODE, "it keeps what the population answered under"


def test_two_that_answered_under_different_opt_outs_answer_under_none_as_one_population(tmp_path: Path) -> None:
    """Either would be the other half of a difference. Apart again, each answers as before."""
    with State.open(new_database(tmp_path)) as state:
        assert fix(state, GP, ALL) is None and fix(state, ("hospital",), ONE) is None
        for regimes in (ALL, ONE, ()):
            assert fix(state, ENGLAND, regimes) is Reason.OPT_OUT_MODE
        with state.read() as tx:
            assert optouts.mode(tx, ENGLAND) == ()
            with pytest.raises(Refusal, match="under different opt-outs before") as refused:
                optouts.check_mode(tx, ENGLAND, ALL)
        assert "Nothing was charged" in refused.value.suggestion
        assert fix(state, GP, ALL) is None and fix(state, ("hospital",), ONE) is None


def test_of_two_datasets_of_a_population_at_once_one_wins(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state, ThreadPoolExecutor(8) as pool:
        for number in range(10):
            names = (f"of-{number}", f"gp-{number}", f"hospital-{number}")
            told = list(pool.map(lambda regimes, of=names: fix(state, of, regimes), [ALL, ONE] * 4))
            assert told.count(Reason.OPT_OUT_MODE) == told.count(None) == 4
            with state.read() as tx:
                assert {optouts.mode(tx, (name,)) for name in names} == {optouts.mode(tx, names)} <= {(ALL), (ONE)}
