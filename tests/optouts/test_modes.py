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


def fix(state: State, dataset: str, regimes: tuple[str, ...]) -> Reason | None:
    try:
        state.write(lambda tx: optouts.fix_mode(tx, dataset, regimes, AT))
    except Refusal as refusal:
        return refusal.reason
    return None


def test_the_first_fixes_it_and_the_other_is_refused_with_a_mend(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        with state.read() as tx:
            assert optouts.mode(tx, "gp") is None
            optouts.check_mode(tx, "gp", ONE)
        assert fix(state, "gp", tuple(reversed(ALL))) is None, "in any order"
        assert fix(state, "gp", ALL) is None and fix(state, "other", ONE) is None, "each dataset has its own"
        with pytest.raises(Refusal) as refused, state.read() as tx:
            optouts.check_mode(tx, "gp", ONE)
        assert refused.value.reason is Reason.OPT_OUT_MODE
        assert "other opt-outs" in refused.value.suggestion and "Nothing was charged" in refused.value.suggestion
        assert fix(state, "gp", ("national", "type-1")) is Reason.OPT_OUT_MODE, "fewer, or more, is another set"


@pytest.mark.parametrize("statement", ["UPDATE opt_out_modes SET regimes = 'type-1'", "DELETE FROM opt_out_modes"])
def test_the_database_itself_keeps_it(statement: str, tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state:
        fix(state, "gp", ALL)
        with pytest.raises(sqlalchemy.exc.DatabaseError, match="what was written stays"):
            state.write(lambda tx: tx.execute(sqlalchemy.text(statement)))


def test_of_two_modes_at_once_one_wins_whoever_it_is(tmp_path: Path) -> None:
    with State.open(new_database(tmp_path)) as state, ThreadPoolExecutor(8) as pool:
        for number in range(25):
            wanted = [ALL, ONE] * 4
            told = list(pool.map(lambda regimes, of=f"gp-{number}": fix(state, of, regimes), wanted))
            won = {regimes for regimes, reason in zip(wanted, told, strict=True) if reason is None}
            assert len(won) == 1 and told.count(Reason.OPT_OUT_MODE) == 4
            with state.read() as tx:
                assert optouts.mode(tx, f"gp-{number}") == won.pop()
