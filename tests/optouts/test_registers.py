"""The registers: counts that add up, a version that moves whether or not somebody is new, an age that stops questions."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.databases import new_database
from tests.optouts.conftest import AT, people
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts import Batch, registers
from tre.optouts.tables import REGIMES
from tre.state import State

DAY = timedelta(days=1)
HERE = "objections"  # who is left out by the list of the check service has tests of its own


def apply(
    state: State,
    regime: str,
    who: list[bytes],
    rejected: Mapping[str, int] | None = None,
    at: datetime = AT,
    *,
    empty: bool = False,
) -> Batch:
    return state.write(lambda tx: optouts.apply(tx, regime, who, rejected or {}, "a test", at, empty=empty))


def listed(state: State, *regimes: str) -> list[bytes]:
    with state.read() as tx:
        return list(optouts.pseudonyms(tx, regimes))


def deliver_all(state: State, at: datetime = AT) -> None:
    for regime in REGIMES:
        apply(state, regime, people(1), at=at)


def stale(state: State, now: datetime, days: int = 7, regimes: tuple[str, ...] = REGIMES) -> bool:
    try:
        with state.read() as tx:
            optouts.check_age(tx, regimes, now, days, HERE)
    except Refusal as refusal:
        assert refusal.reason is Reason.OPT_OUTS_STALE
        return True
    return False


def test_what_is_received_is_applied_known_or_rejected(state: State) -> None:
    first = apply(state, "national", people(3, 1, 2, 3), {"invalid-nhs-number": 2, "missing": 1})
    assert (first.received, first.applied, first.already_known, first.version) == (7, 3, 1, 1)
    again = apply(state, "national", people(2, 4))
    assert (again.received, again.applied, again.already_known, again.version) == (2, 1, 1, 2)
    with state.read() as tx:
        assert optouts.batch(tx, first.id) == first
        assert optouts.batch(tx, again.id) == again
        with pytest.raises(Refusal):
            optouts.batch(tx, "another")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(REGIMES), st.lists(st.integers(0, 30)), st.integers(0, 3)), min_size=3, max_size=6))
def test_any_deliveries_add_up(deliveries: list[tuple[str, list[int], int]]) -> None:
    """Against a set of each register; small slices, so that they end in all places."""
    with _Temporary() as state:
        model: dict[str, set[int]] = {regime: set() for regime in REGIMES}
        version = 0
        for regime, who, wrong in deliveries:
            new = set(who) - model[regime]
            made = apply(state, regime, people(*who), {"missing": wrong} if wrong else {})
            model[regime] |= new
            version += bool(who)
            assert (made.applied, made.version) == (len(new), version)
            assert made.received == len(who) + wrong == made.applied + made.already_known + sum(made.rejected.values())
        for regimes in (REGIMES, ("national",), ("local", "type-1")):
            assert listed(state, *regimes) == people(*sorted(set().union(*(model[regime] for regime in regimes))))


class _Temporary:
    def __enter__(self) -> State:
        self.folder = tempfile.TemporaryDirectory()
        self.slices, self.chunk = registers.SLICE, registers.CHUNK
        registers.SLICE, registers.CHUNK = 3, 7
        self.state = State.open(new_database(Path(self.folder.name)))
        return self.state

    def __exit__(self, *_: object) -> None:
        registers.SLICE, registers.CHUNK = self.slices, self.chunk
        self.state.close()
        self.folder.cleanup()


def test_the_version_moves_whether_or_not_somebody_is_new(state: State) -> None:
    assert apply(state, "national", people(1, 2)).version == 1
    assert apply(state, "national", people(2, 1), at=AT + DAY).version == 2
    assert apply(state, "type-1", people(1)).version == 3
    assert apply(state, "national", people(1, 2, 3)).version == 4
    with state.read() as tx:
        assert optouts.standing(tx, ["type-1"], HERE).version == 3
        assert optouts.standing(tx, ["type-1", "national"], HERE).version == 4


def test_what_could_not_be_read_moves_no_version(state: State) -> None:
    """That is seen from the lines alone, whoever they are of."""
    apply(state, "national", people(1))
    assert apply(state, "national", [], {"invalid-nhs-number": 2}).version == 1
    assert apply(state, "national", []).version == apply(state, "national", [], empty=True).version == 1
    assert apply(state, "national", people(1), {"invalid-nhs-number": 2}).version == 2


@pytest.mark.parametrize("act", ["objects", "withdraws"])
@pytest.mark.parametrize("before", ["never", "objected", "withdrew"])
def test_no_version_says_what_somebody_had_said_before(before: str, act: str, state: State) -> None:
    """Whatever they said before, every register stands at the same version after they object, or withdraw."""
    who, other = (people(7), people(8)) if before != "never" else (people(8), people(7))
    apply(state, "local", [*who, *people(1)])
    withdrawing = who if before == "withdrew" else other
    state.write(lambda tx: optouts.withdraw(tx, "local", withdrawing, {}, "a test", AT))
    if act == "objects":
        told = apply(state, "local", people(7)).version
    else:
        told = state.write(lambda tx: optouts.withdraw(tx, "local", people(7), {}, "a test", AT)).version
    with state.read() as tx:
        assert (told, optouts.standing(tx, ["local"], HERE).version) == (3, 3)


def test_a_register_that_is_not_needed_does_not_move_a_question(state: State) -> None:
    apply(state, "type-1", people(1))
    with state.read() as tx:
        before = optouts.standing(tx, ["type-1"], HERE).version
    apply(state, "local", people(2))
    with state.read() as tx:
        assert optouts.standing(tx, ["type-1"], HERE).version == before


def test_the_oldest_of_the_needed_registers_counts(state: State) -> None:
    apply(state, "national", people(1), at=AT)
    apply(state, "local", people(1), at=AT + 3 * DAY)
    with state.read() as tx:
        found = optouts.standing(tx, ["national", "local"], HERE)
        assert (found.as_of, found.age(AT + 4 * DAY)) == ("2026-03-01T12:00:00.000000Z", 4 * DAY)
        assert optouts.standing(tx, ["local"], HERE).as_of == "2026-03-04T12:00:00.000000Z"
        assert optouts.delivered(tx) == {
            "type-1": None,
            "national": "2026-03-01T12:00:00.000000Z",
            "local": "2026-03-04T12:00:00.000000Z",
        }


def test_a_register_that_was_never_delivered_stops_the_questions_that_need_it(state: State) -> None:
    assert stale(state, AT)
    apply(state, "type-1", people(1))
    apply(state, "national", people(1))
    assert stale(state, AT)
    assert not stale(state, AT, regimes=("type-1", "national"))
    with state.read() as tx, pytest.raises(Refusal) as caught:
        optouts.standing(tx, ["local"], HERE)
    assert caught.value.reason is Reason.OPT_OUTS_STALE


@pytest.mark.parametrize(("seconds", "refused"), [(-1, False), (0, False), (1, True)])
@pytest.mark.parametrize("days", [1, 7, 21])
def test_the_age_limit_to_the_second(seconds: int, refused: bool, days: int, state: State) -> None:
    deliver_all(state)
    assert stale(state, AT + days * DAY + timedelta(seconds=seconds), days) is refused


def test_one_old_register_is_enough(state: State) -> None:
    deliver_all(state)
    for regime in ("type-1", "local"):
        apply(state, regime, people(1), at=AT + 8 * DAY)
    assert stale(state, AT + 8 * DAY)
    assert not stale(state, AT + 8 * DAY, regimes=("local", "type-1"))


def test_a_delivery_with_nothing_new_makes_a_register_younger(state: State) -> None:
    deliver_all(state)
    for regime in REGIMES:
        apply(state, regime, people(1), at=AT + 8 * DAY)
    assert not stale(state, AT + 15 * DAY)


def test_an_empty_or_unreadable_delivery_does_not(state: State) -> None:
    """A dead feed delivers empty files, a changed one lines that nobody can read: both must be noticed."""
    deliver_all(state)
    apply(state, "local", [], at=AT + 8 * DAY)
    apply(state, "type-1", [], {"invalid-nhs-number": 1_000}, at=AT + 8 * DAY)
    assert stale(state, AT + 8 * DAY, regimes=("local",)) and stale(state, AT + 8 * DAY, regimes=("type-1",))
    apply(state, "local", [], at=AT + 8 * DAY, empty=True)
    assert not stale(state, AT + 8 * DAY, regimes=("local",))
    with state.read() as tx:
        assert optouts.standing(tx, ["local"], HERE).version == 3, "that of its first delivery"


def test_a_list_from_a_time_that_has_not_come_stops_questions(state: State) -> None:
    """Else a clock that once ran ahead would keep a list young for ever; a small step back is nothing."""
    deliver_all(state, at=AT + DAY)
    assert stale(state, AT)
    assert not stale(state, AT + DAY - timedelta(minutes=4))
    deliver_all(state, at=AT)
    assert not stale(state, AT)


def test_the_refusal_names_no_list_and_no_number(state: State) -> None:
    with state.read() as tx, pytest.raises(Refusal) as never:
        optouts.check_age(tx, REGIMES, AT, 7, HERE)
    assert not any(regime in str(never.value.args) for regime in REGIMES)


def test_a_list_of_pseudonyms_is_in_order_and_holds_each_once(state: State) -> None:
    apply(state, "national", people(5, 1, 300))
    apply(state, "local", people(300, 2))
    apply(state, "type-1", people(9))
    assert listed(state, "national", "local") == people(1, 2, 5, 300)
    assert listed(state, "local", "national", "local") == people(1, 2, 5, 300)
    assert listed(state, "type-1") == people(9)


@pytest.mark.parametrize("regimes", [(), ("type-2",), ("national", "")])
def test_an_unknown_regime_is_a_mistake_of_ours(regimes: tuple[str, ...], state: State) -> None:
    with state.read() as tx:
        for ask in (lambda tx, names: optouts.standing(tx, names, HERE), lambda tx, names: list(optouts.pseudonyms(tx, names))):
            with pytest.raises(ValueError, match="regimes"):
                ask(tx, regimes)
    with pytest.raises(Refusal):
        apply(state, "type-2", people(1))


@pytest.mark.parametrize("wrong", [b"", b"x" * 15, b"x" * 17])
def test_a_pseudonym_of_another_length_is_refused_whole(wrong: bytes, state: State) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        apply(state, "national", [*people(1, 2), wrong])
    with state.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM objections")).scalar_one() == 0
        assert tx.execute(text("SELECT count(*) FROM registers")).scalar_one() == 0


def test_an_objection_is_never_taken_out_or_moved(state: State) -> None:
    apply(state, "national", people(1))
    for act in ("DELETE FROM objections", "UPDATE objections SET regime = 'local'", "DELETE FROM opt_out_batches"):
        with pytest.raises(IntegrityError):
            state.write(lambda tx, act=act: tx.execute(text(act)))  # type: ignore[misc]


def test_the_registers_hold_pseudonyms_and_nothing_else_of_a_person(state: State, tmp_path: Path) -> None:
    apply(state, "national", people(1))
    with sqlite3.connect(tmp_path / "database.sqlite") as raw:
        assert [row[1] for row in raw.execute("PRAGMA table_info(objections)")] == ["regime", "pseudonym", "version"]


def test_a_hundred_thousand_at_once(state: State) -> None:
    who = [os.urandom(16) for _ in range(100_000)]
    made = apply(state, "national", who)
    assert (made.received, made.applied, made.already_known) == (100_000, 100_000, 0)
    assert listed(state, "national") == sorted(who)
    assert apply(state, "national", who[:50_000]).applied == 0


@pytest.mark.audit
def test_one_and_a_quarter_million_at_once(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    who = [os.urandom(16) for _ in range(1_280_000)]
    start = time.monotonic()
    made = apply(state, "national", who, {"invalid-nhs-number": 9})
    first = time.monotonic()
    again = apply(state, "national", who)
    second = time.monotonic()
    with capsys.disabled():
        print(f"\n1.28 M opt-outs: {len(who) / (first - start):,.0f} a second; again in {second - first:.1f} s")
    assert (made.received, made.applied) == (1_280_009, 1_280_000)
    assert (again.applied, again.already_known) == (0, 1_280_000)


# ------------------------------------------------------------------------------------------------------------ after a restore


def close_all(state: State) -> None:
    state.write(lambda tx: optouts.forget_deliveries(tx, AT))


def delivered_whole(state: State, regime: str, who: list[bytes], rejected: Mapping[str, int] | None = None) -> None:
    state.write(lambda tx: optouts.apply(tx, regime, who, rejected or {}, "a test", AT, whole=True))


def test_what_a_restore_closed_is_opened_by_a_whole_delivery_alone(state: State) -> None:
    deliver_all(state)
    close_all(state)
    close_all(state)  # a second restore finds it closed
    for regime in REGIMES:
        apply(state, regime, people(1, 2))
        apply(state, regime, [], empty=True)
        assert stale(state, AT, regimes=(regime,))
    with state.read() as tx:
        assert optouts.delivered(tx) == dict.fromkeys(REGIMES)
        with pytest.raises(Refusal, match="whole once"):
            optouts.standing(tx, ["local"], HERE)
    assert listed(state, "local") == people(1, 2)
    delivered_whole(state, "local", people(3))
    assert not stale(state, AT, regimes=("local",)) and stale(state, AT, regimes=("local", "type-1"))
    assert listed(state, "local") == people(1, 2, 3)
    delivered_whole(state, "type-1", [])
    delivered_whole(state, "national", people(1))
    assert not stale(state, AT)


def test_a_whole_list_that_can_hardly_be_read_opens_nothing(state: State) -> None:
    close_all(state)
    delivered_whole(state, "local", [], {"invalid-nhs-number": 1})
    delivered_whole(state, "local", people(*range(98)), {"invalid-nhs-number": 1})
    assert stale(state, AT, regimes=("local",)) and len(listed(state, "local")) == 98
    delivered_whole(state, "local", people(*range(99)), {"invalid-nhs-number": 1})
    assert not stale(state, AT, regimes=("local",))
