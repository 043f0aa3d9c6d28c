"""A feed that has died is noticed within the days that the policy says: once, and until it delivers again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.optouts.conftest import AT, people
from tests.optouts.test_cleared import clear
from tre import optouts
from tre.optouts import Alarm
from tre.state import State

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS = 3


def deliver(state: State, source: str, at: datetime, many: int = 30, regime: str = "type-1", wrong: int = 0) -> None:
    first = int(at.timestamp()) * 1_000
    rejected = {"invalid-nhs-number": wrong} if wrong else {}
    who = people(*range(first, first + many))
    state.write(lambda tx: optouts.apply(tx, regime, who, rejected, source, at))


def noticed(state: State, now: datetime, national: bool = False) -> list[tuple[str, str]]:
    """What a check finds new, and writes down."""

    def write(tx: optouts.registers.Transaction) -> list[Alarm]:
        found = optouts.notice(tx, now, DAYS, national)
        for one in found:
            optouts.raise_alarm(tx, one.regime, one.source, one.why, now)
        return found

    return [(one.source, one.why) for one in state.write(write)]


def standing(state: State) -> list[tuple[str, str]]:
    with state.read() as tx:
        return [(one.source, one.why) for one in optouts.standing_alarms(tx)]


def test_one_source_of_several_silently_stops(state: State) -> None:
    """As in 2015 to 2018, when one supplier's systems passed no objections on for three years: all others deliver daily."""
    stopped = AT + 20 * DAY
    told: dict[datetime, list[tuple[str, str]]] = {}
    for day in range(60):
        now = AT + day * DAY
        for source in ("one", "two", "three"):
            if source != "two" or now < stopped:
                deliver(state, source, now)
        for minute in (1, 2, 600):
            if found := noticed(state, now + timedelta(minutes=minute)):
                told[now] = found
    last = stopped - DAY
    assert told == {last + DAYS * DAY: [("two", "silent")]}, "within N days, once, and nothing else"
    assert standing(state) == [("two", "silent")]


def test_of_what_once_came_over_http_as_one_source_nothing_is_noticed_and_no_alarm_stays_for_ever(state: State) -> None:
    for day in range(5):
        deliver(state, "http", AT + day * DAY)
    assert noticed(state, AT + 20 * DAY) == []
    state.write(lambda tx: optouts.raise_alarm(tx, "type-1", "http", "silent", AT + 8 * DAY))
    deliver(state, "http list.csv", AT + 9 * DAY, regime="local")
    assert standing(state) == [("http", "silent")]
    deliver(state, optouts.http_source("r:1"), AT + 10 * DAY)
    assert standing(state) == []


def test_it_stands_until_the_feed_delivers_again_and_the_next_silence_is_told_anew(state: State) -> None:
    for day in range(4):
        deliver(state, "one", AT + day * DAY)
    assert noticed(state, AT + 7 * DAY) == [("one", "silent")]
    assert noticed(state, AT + 9 * DAY) == []
    deliver(state, "one", AT + 10 * DAY)
    assert standing(state) == [] and noticed(state, AT + 11 * DAY) == []
    assert noticed(state, AT + 14 * DAY) == [("one", "silent")]


def test_files_of_which_nothing_can_be_read_are_silence(state: State) -> None:
    for day in range(4):
        deliver(state, "one", AT + day * DAY)
    for day in range(4, 9):
        deliver(state, "one", AT + day * DAY, many=0, wrong=30)
    assert ("one", "silent") in noticed(state, AT + 8 * DAY)


def test_what_came_once_or_twice_is_no_feed(state: State) -> None:
    deliver(state, "one", AT)
    for hour in range(5):
        deliver(state, "two", AT + hour * HOUR)
    deliver(state, "three", AT)
    deliver(state, "three", AT + DAY)
    assert noticed(state, AT + 30 * DAY) == []


def test_sources_and_regimes_are_apart(state: State) -> None:
    for day in range(8):
        deliver(state, "one", AT + day * DAY, regime="local")
        if day < 4:
            deliver(state, "one", AT + day * DAY, regime="type-1")
    assert noticed(state, AT + 7 * DAY) == [("one", "silent")]
    with state.read() as tx:
        assert [one.regime for one in optouts.standing_alarms(tx)] == ["type-1"]


@pytest.mark.parametrize(
    ("sizes", "alarm"),
    [
        ([100, 100, 100, 20], False),
        ([100, 100, 100, 19], True),
        ([100, 100, 19], False),
        ([100, 90, 110, 0], True),
        ([15, 19, 18, 0], False),
        ([5_000, 100, 100, 100, 100, 100, 30], False),
        ([100, 1_000, 1_000, 1_000, 150], True),
    ],
)
def test_a_delivery_far_smaller_than_usual(sizes: list[int], alarm: bool, state: State) -> None:
    for day, size in enumerate(sizes):
        deliver(state, "one", AT + day * DAY, size, wrong=0 if size else 1)
    now = AT + (len(sizes) - 1) * DAY + HOUR
    assert noticed(state, now) == ([("one", "far-smaller")] if alarm else [])
    assert noticed(state, now + HOUR) == []


def test_the_check_service_s_list_is_a_feed_from_its_first_delivery(state: State) -> None:
    assert noticed(state, AT, national=True) == []
    clear(state, "a")
    assert noticed(state, AT + DAYS * DAY, national=True) == []
    assert noticed(state, AT + DAYS * DAY + HOUR, national=False) == []
    assert noticed(state, AT + DAYS * DAY + HOUR, national=True) == [("check-service", "silent")]
    assert noticed(state, AT + 5 * DAY, national=True) == []
    clear(state, "a", at=AT + 6 * DAY)
    assert standing(state) == []
