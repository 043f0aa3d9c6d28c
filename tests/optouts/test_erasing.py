"""Who was erased is kept from the version on at which they first were, until a snapshot is made while no objection of theirs
stands: what a backup from before brings back is without them, what one from after brings back is with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import new_database
from tre.optouts import Moved, apply, erased_since, erasing, keep_erased, moved
from tre.state import State, Transaction

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
    assert since(state, 0) == set(PEOPLE[1:3]) and since(state, 3) == set()
    assert keep(state) == Moved(3, [], [])


def test_each_is_kept_from_the_version_at_which_they_first_were(state: State) -> None:
    object_to(state, "local", PEOPLE[0])
    keep(state)
    object_to(state, "local", PEOPLE[1])
    assert keep(state).begun == [PEOPLE[1]]
    assert (since(state, 0), since(state, 1), since(state, 2)) == (set(PEOPLE[:2]), {PEOPLE[1]}, set())


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> list[set[bytes]]:
    """Whose objection stands, as the registers would say."""
    now: list[set[bytes]] = [set()]

    def told(_: Transaction) -> Iterator[bytes]:
        yield from sorted(now[0])

    monkeypatch.setattr(erasing, "to_erase", told)
    return now


def test_who_objects_withdraws_and_objects_again(state: State, standing: list[set[bytes]]) -> None:
    one = PEOPLE[0]
    object_to(state, "local", one)
    standing[0] = {one}
    keep(state)
    standing[0] = set()
    object_to(state, "local", PEOPLE[1])
    assert keep(state).ended == [one]
    assert since(state, 0) == {one} and since(state, 1) == set()  # a snapshot of version 1 or later has what was supplied anew
    object_to(state, "local", PEOPLE[2])
    standing[0] = {one}
    assert keep(state).begun == [one]
    assert since(state, 2) == {one} and since(state, 3) == set()


@given(st.lists(st.sets(st.sampled_from(PEOPLE)), max_size=6))
def test_what_moved_is_the_difference(stands: list[set[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder, State.open(new_database(Path(folder))) as state:
        before: set[bytes] = set()
        for now in stands:
            with mock.patch.object(erasing, "to_erase", lambda _, now=now: iter(sorted(now))):
                found = keep(state)
            assert (set(found.begun), set(found.ended)) == (now - before, before - now)
            before = now
