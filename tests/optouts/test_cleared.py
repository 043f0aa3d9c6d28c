"""The check service's list: whole, newest in force, its age is what counts; what is no list, or far too small a one, is not put
in force by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.optouts.conftest import AT, people
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts import ClearedList, Doubtful
from tre.state import State

DAY = timedelta(days=1)
SERVICE = optouts.BY_LIST
NATIONAL = ("national",)


def clear(
    state: State,
    name: str,
    many: int = 1_000,
    at: datetime = AT,
    rejected: Mapping[str, int] | None = None,
    smaller: bool = False,
) -> ClearedList:
    return state.write(
        lambda tx: optouts.clear(
            tx, name, people=many, repeated=0, rejected=rejected or {}, source="a test", at=at, smaller=smaller
        )
    )


def objected(state: State, regime: str, who: list[bytes], at: datetime = AT) -> int:
    return state.write(lambda tx: optouts.apply(tx, regime, who, {}, "a test", at)).version


def standing(state: State, regimes: tuple[str, ...] = NATIONAL) -> optouts.Standing:
    with state.read() as tx:
        return optouts.standing(tx, regimes, SERVICE)


def stale(state: State, now: datetime, days: int = 7, national: optouts.National = SERVICE) -> bool:
    try:
        with state.read() as tx:
            optouts.check_age(tx, NATIONAL, now, days, national)
    except Refusal as refusal:
        assert refusal.reason is Reason.OPT_OUTS_STALE
        return True
    return False


def test_a_list_that_was_never_delivered_stops_questions_however_many_objected(state: State) -> None:
    assert stale(state, AT)
    objected(state, "national", people(1, 2))
    assert stale(state, AT)
    assert not stale(state, AT, national="objections")
    clear(state, "a")
    assert not stale(state, AT)


@pytest.mark.parametrize(("seconds", "refused"), [(-1, False), (0, False), (1, True)])
@pytest.mark.parametrize("days", [1, 7, 21])
def test_the_age_is_that_of_the_list_to_the_second(seconds: int, refused: bool, days: int, state: State) -> None:
    """An objection that was entered this morning makes the service's list no younger."""
    clear(state, "a")
    now = AT + days * DAY + timedelta(seconds=seconds)
    objected(state, "national", people(1), at=now)
    assert stale(state, now, days) is refused


def test_a_list_from_a_time_that_has_not_come_stops_questions(state: State) -> None:
    clear(state, "a", at=AT + DAY)
    assert stale(state, AT)


def test_the_version_moves_for_every_list_that_is_taken(state: State) -> None:
    """Also for the same one: else it would tell whether anybody's opt-out changed since the last."""
    first = clear(state, "a")
    again = clear(state, "a", at=AT + DAY)
    assert (first.version, again.version) == (1, 2)
    assert standing(state) == optouts.Standing(2, "2026-03-02T12:00:00.000000Z", "a")
    assert clear(state, "b", at=AT + 2 * DAY).version == 3
    assert clear(state, "a", at=AT + 3 * DAY).version == 4
    assert standing(state).cleared == "a"
    with pytest.raises(Doubtful):
        clear(state, "c", 1)
    assert standing(state).version == 4


def test_one_counter_for_lists_and_registers(state: State) -> None:
    clear(state, "a")
    assert objected(state, "national", people(1)) == 2
    assert standing(state).version == 2
    assert clear(state, "b").version == 3
    objected(state, "local", people(1))
    assert standing(state).version == 3
    assert standing(state, ("national", "local")).version == 4


def test_a_question_that_does_not_need_the_national_list_has_none(state: State) -> None:
    objected(state, "type-1", people(1))
    assert standing(state, ("type-1",)).cleared is None
    clear(state, "a")
    with state.read() as tx:
        assert optouts.standing(tx, ("type-1",), SERVICE) == optouts.Standing(1, "2026-03-01T12:00:00.000000Z")


@pytest.mark.parametrize(
    ("many", "rejected", "why"),
    [
        (0, {}, "empty"),
        (0, {"invalid-nhs-number": 1}, "unreadable"),
        (0, {"missing": 3}, "unreadable"),
        (980, {"invalid-nhs-number": 20}, "unreadable"),
        (899, {}, "smaller"),
        (1, {}, "smaller"),
    ],
)
def test_what_is_not_put_in_force(many: int, rejected: Mapping[str, int], why: str, state: State) -> None:
    clear(state, "a", 1_000)
    with pytest.raises(Doubtful) as caught:
        clear(state, "b", many, AT + DAY, rejected)
    assert caught.value.why == why and caught.value.reason is Reason.INVALID_REQUEST and caught.value.suggestion
    assert standing(state) == optouts.Standing(1, "2026-03-01T12:00:00.000000Z", "a")


@pytest.mark.parametrize(("many", "rejected"), [(900, {}), (1_000, {"invalid-nhs-number": 10}), (5_000, {})])
def test_what_is(many: int, rejected: Mapping[str, int], state: State) -> None:
    clear(state, "a", 1_000)
    assert clear(state, "b", many, rejected=rejected).received == many + sum(rejected.values())
    assert standing(state).cleared == "b"


def test_smaller_has_to_be_said_and_saying_it_lets_nothing_else_pass(state: State) -> None:
    clear(state, "a", 1_000)
    for many, rejected in ((0, {}), (500, {"invalid-nhs-number": 50})):
        with pytest.raises(Doubtful):
            clear(state, "b", many, rejected=rejected, smaller=True)
    clear(state, "b", 500, smaller=True)
    clear(state, "c", 480)
    assert standing(state).cleared == "c"


def test_an_empty_first_list_clears_nobody_and_is_refused(state: State) -> None:
    with pytest.raises(Doubtful):
        clear(state, "a", 0, smaller=True)
    assert stale(state, AT)


def test_a_delivery_stays_as_it_was_written(state: State) -> None:
    made = clear(state, "a", 1_000, rejected={"missing": 2})
    with state.read() as tx:
        assert optouts.cleared(tx) == made
    for act in ("DELETE FROM cleared_lists", "UPDATE cleared_lists SET at = 'x'"):
        with pytest.raises(IntegrityError):
            state.write(lambda tx, act=act: tx.execute(text(act)))  # type: ignore[misc]


@pytest.mark.parametrize("list_first", [True, False])
def test_after_a_restore_the_national_opt_out_needs_a_new_list_and_all_direct_objections(state: State, list_first: bool) -> None:
    """The former list does not count, whatever its time; equal to it, a new one does."""
    clear(state, "a", at=AT + timedelta(hours=2))
    objected(state, "national", people(1))
    state.write(lambda tx: optouts.forget_deliveries(tx, AT + timedelta(hours=1)))

    def listed() -> None:
        clear(state, "a", at=AT + timedelta(hours=3))

    def direct() -> None:
        state.write(lambda tx: optouts.apply(tx, "national", [], {}, "a test", AT, whole=True))

    now = AT + timedelta(hours=4)
    objected(state, "national", people(2))
    for deliver in (listed, direct) if list_first else (direct, listed):
        assert stale(state, now)
        deliver()
    assert not stale(state, now)
