"""Who was erased is kept from the version on at which they first were, until a snapshot is made while no objection of theirs
stands: what a backup from before brings back is without them, what one from after brings back is with them."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import ANY

from hypothesis import given
from hypothesis import strategies as st

from tests.databases import new_database
from tre.optouts import (
    Moved,
    apply,
    begin,
    enter,
    erased_since,
    erasing,
    keep_erased,
    lines_of,
    moved,
    receive,
    to_leave_out,
    withdraw,
)
from tre.state import State

AT = datetime(2026, 11, 25, tzinfo=UTC)
PEOPLE = [bytes([number]) * 16 for number in range(4)]


def since(state: State, version: int) -> set[bytes]:
    with state.read() as tx:
        return set(erased_since(tx, version))


def keep(state: State) -> Moved:
    with state.read() as tx:
        found = moved(tx)
    state.write(lambda tx: keep_erased(tx, found))
    return found


def object_to(state: State, regime: str, *people: bytes) -> None:
    state.write(lambda tx: apply(tx, regime, people, {}, "test", AT))


def test_national_objectors_are_not_erased(state: State) -> None:
    object_to(state, "national", PEOPLE[0])
    object_to(state, "local", PEOPLE[1])
    object_to(state, "type-1", PEOPLE[1], PEOPLE[2])
    assert keep(state) == Moved(3, PEOPLE[1:3], [])
    assert since(state, 3) == set(PEOPLE[1:3]) and since(state, 4) == set()
    assert keep(state) == Moved(3, [], [])


def test_each_is_kept_from_the_version_at_which_they_first_were(state: State) -> None:
    object_to(state, "local", PEOPLE[0])
    keep(state)
    object_to(state, "local", PEOPLE[1])
    assert keep(state).begun == [PEOPLE[1]]
    assert (since(state, 1), since(state, 2), since(state, 3)) == (set(PEOPLE[:2]), {PEOPLE[1]}, set())


def test_who_objects_withdraws_and_objects_again(state: State) -> None:
    one = PEOPLE[0]
    object_to(state, "local", one)
    keep(state)
    state.write(lambda tx: withdraw(tx, "local", [one], {}, "test", AT))
    assert keep(state).ended == [one]
    assert since(state, 1) == {one} and since(state, 2) == set()  # a snapshot of version 2 or later has what was supplied anew
    object_to(state, "local", one)
    assert keep(state).begun == [one]
    assert since(state, 3) == {one} and since(state, 4) == set()


def test_whoever_joins_a_version_late_is_of_the_next(state: State) -> None:
    """A list that is entered in pieces moves the version at its end: an older snapshot of the same version may hold them."""
    object_to(state, "type-1", PEOPLE[0])
    delivery = receive(lines_of("local", ["9434765919"]), b"k" * 32)["local"]
    state.write(lambda tx: begin(tx, "b" * 32, "local", "test", AT))
    late = state.write(lambda tx: enter(tx, "b" * 32, "local", next(iter(delivery.pieces(5)))))
    assert late and keep(state).version == 1
    with state.read() as tx:
        assert set(to_leave_out(tx)) == late | {PEOPLE[0]}
    assert since(state, 1) == late | {PEOPLE[0]}


def test_an_objection_that_came_back_meanwhile_does_not_end(state: State) -> None:
    one = PEOPLE[0]
    object_to(state, "local", one)
    keep(state)
    state.write(lambda tx: withdraw(tx, "local", [one], {}, "test", AT))
    with state.read() as tx:
        found = moved(tx)
    object_to(state, "local", one)
    state.write(lambda tx: keep_erased(tx, found))
    with state.read() as tx:
        assert found.ended == [one] and set(to_leave_out(tx)) == {one}


@given(st.lists(st.sets(st.sampled_from(PEOPLE)), max_size=6))
def test_what_moved_is_the_difference(stands: list[set[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder, State.open(new_database(Path(folder))) as state:
        before: set[bytes] = set()
        for now in stands:
            object_to(state, "local", *sorted(now - before))
            state.write(partial(withdraw, regime="local", pseudonyms=sorted(before - now), rejected={}, source="test", at=AT))
            assert keep(state) == Moved(ANY, sorted(now - before), sorted(before - now))
            before = now


def test_many_are_written_down_a_part_at_a_time() -> None:
    people = [number.to_bytes(16, "big") for number in range(2 * erasing.PART + 1)]
    parts = list(Moved(5, people, people[:3]).parts())
    assert [len(part.begun) for part in parts] == [erasing.PART, erasing.PART, 1]
    assert [len(part.ended) for part in parts] == [3, 0, 0] and {part.version for part in parts} == {5}
    assert [one for part in parts for one in part.begun] == people and list(Moved(5, [], []).parts()) == []
