"""A list enters its register in pieces: counted whole, never un-entered, in force at its end, and visible where it has none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databases import new_database
from tests.optouts.conftest import AT, KEY, NUMBERS
from tre import optouts
from tre.optouts import Delivery
from tre.optouts.deliveries import APPLIED, WITHDRAWN
from tre.optouts.registers import Counts
from tre.persons import pseudonym
from tre.state import State

REGIMES = ("type-1", "national", "local")


@contextmanager
def temporary() -> Iterator[State]:
    with tempfile.TemporaryDirectory() as folder, State.open(new_database(Path(folder))) as state:
        yield state


def received(texts: list[str], regime: str = "local") -> Delivery:
    return optouts.receive(optouts.lines_of(regime, texts), KEY).get(regime) or Delivery()


def enter(state: State, batch: str, regime: str, delivery: Delivery, size: int, until: int | None = None) -> None:
    """The pieces of a delivery, all or so many of them, a transaction each."""
    state.write(lambda tx: optouts.begin(tx, batch, regime, "test", AT))
    for number, piece in enumerate(delivery.pieces(size)):
        if number == until:
            return
        new = state.write(lambda tx, piece=piece: optouts.enter(tx, batch, regime, piece))  # type: ignore[misc]
        delivery.mark(piece, new)


def finish(state: State, batch: str, regime: str, delivery: Delivery) -> optouts.Batch:
    return state.write(lambda tx: optouts.finish(tx, batch, regime, delivery, "test", AT))


def version(state: State, regime: str = "local") -> int:
    with state.read() as tx:
        return optouts.standing(tx, [regime], "objections").version


def listed(state: State, regime: str) -> set[bytes]:
    with state.read() as tx:
        return set(optouts.pseudonyms(tx, [regime]))


def unfinished(state: State) -> list[str]:
    with state.read() as tx:
        return [row["batch"] for row in optouts.unfinished(tx)]


TEXTS = st.lists(st.sampled_from([*NUMBERS[:12], "12", "", " "]), max_size=30)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(REGIMES), TEXTS), min_size=1, max_size=5), st.integers(1, 7))
def test_in_is_applied_and_known_and_rejected(deliveries: list[tuple[str, list[str]]], size: int) -> None:
    """Against a set of each register and a walk over the lines, in pieces of any size."""
    with temporary() as state:
        model: dict[str, set[str]] = {regime: set() for regime in REGIMES}
        for number, (regime, texts) in enumerate(deliveries):
            delivery, batch = received(texts, regime), f"{number:032x}"
            enter(state, batch, regime, delivery, size)
            made = finish(state, batch, regime, delivery)
            states = []
            for text in texts:
                if text not in NUMBERS:
                    states.append(16 if text.strip() else 17)
                    continue
                states.append(2 if text in model[regime] else 1)
                model[regime].add(text)
            assert list(delivery.states) == states
            assert made.received == len(texts) == made.applied + made.already_known + sum(made.rejected.values())
            assert (made.applied, made.already_known) == (states.count(1), states.count(2))
            assert listed(state, regime) == {pseudonym(KEY, one) for one in model[regime]}
        assert unfinished(state) == []


def test_counts_that_do_not_add_up_are_no_counts() -> None:
    with pytest.raises(ValueError, match="received"):
        Counts(3, 1, 1, {})


def test_the_version_moves_once_at_the_end(state: State) -> None:
    first = received([NUMBERS[-1]])
    enter(state, "a", "local", first, 1)
    finish(state, "a", "local", first)
    assert version(state) == 1
    delivery = received(NUMBERS[:10])
    enter(state, "b", "local", delivery, 2)
    assert version(state) == 1 and unfinished(state) == ["b"]
    assert finish(state, "b", "local", delivery).version == version(state) == 2 and unfinished(state) == []
    again = received(NUMBERS[:10])
    enter(state, "c", "local", again, 3)
    assert version(state) == 2 and finish(state, "c", "local", again).version == version(state) == 3
    wrong = received(["12", ""])
    enter(state, "d", "local", wrong, 3)
    assert finish(state, "d", "local", wrong).version == 3


@pytest.mark.parametrize("until", [1, 3, 5])
def test_whom_an_unfinished_batch_entered_stays_and_counts_from_the_next_start(state: State, until: int) -> None:
    whole = received([NUMBERS[-1]])
    enter(state, "a", "local", whole, 1)
    finish(state, "a", "local", whole)
    enter(state, "b", "local", received(NUMBERS[:10]), 2, until)
    assert len(listed(state, "local")) == 1 + 2 * until and version(state) == 1
    state.write(optouts.settle)
    assert version(state) == 2 and unfinished(state) == ["b"] and len(listed(state, "local")) == 1 + 2 * until
    state.write(optouts.settle)
    assert version(state) == 2
    again = received(NUMBERS[:10])
    enter(state, "c", "local", again, 4)
    made = finish(state, "c", "local", again)
    assert (made.received, made.already_known) == (10, 2 * until) and version(state) == 3


def test_the_next_batch_makes_them_count_though_it_brings_nobody_new(state: State) -> None:
    """The whole list was entered and its end was not: delivered again nobody is new, and yet the version has to move."""
    enter(state, "a", "national", received(NUMBERS[:4], "national"), 2)
    again = received(NUMBERS[:4], "national")
    enter(state, "b", "national", again, 2)
    made = finish(state, "b", "national", again)
    assert (made.applied, made.already_known, made.version) == (0, 4, 1)
    assert version(state, "national") == 1


def test_an_unfinished_batch_makes_no_register_younger(state: State) -> None:
    enter(state, "a", "local", received(NUMBERS[:4]), 2, 1)
    state.write(optouts.settle)
    with state.read() as tx:
        assert optouts.delivered(tx)["local"] is None


def test_one_that_goes_on_after_it_was_settled_is_settled_again(state: State) -> None:
    """Another process enters a list while a service starts, and is killed later."""
    delivery = received(NUMBERS[:6])
    pieces = list(delivery.pieces(2))
    state.write(lambda tx: optouts.begin(tx, "a", "local", "test", AT))
    state.write(lambda tx: optouts.enter(tx, "a", "local", pieces[0]))
    state.write(optouts.settle)
    with state.read() as tx:
        first = optouts.unfinished(tx)[0]["counting"]
    state.write(lambda tx: optouts.enter(tx, "a", "local", pieces[1]))
    with state.read() as tx:
        assert (first, optouts.unfinished(tx)[0]["counting"]) == (1, 0)
    before = state.write(lambda tx: optouts.finish(tx, "b", "local", Delivery(), "test", AT)).version
    assert before == 2


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_who_withdraws_while_the_list_is_entered_does_not_count_and_is_not_said_to(state: State, known: bool) -> None:
    """The withdrawal is the later word: the lines of whoever was entered before it say so, all of them, and nobody else's."""
    texts = [*NUMBERS[:10], NUMBERS[2], "12"]
    if known:
        first = received(NUMBERS[:10])
        enter(state, "a", "local", first, 10)
        finish(state, "a", "local", first)
    delivery = received(texts)
    pieces = list(delivery.pieces(6))
    state.write(lambda tx: optouts.begin(tx, "b", "local", "test", AT))

    def one_piece(piece: list[bytes]) -> None:
        delivery.mark(piece, state.write(lambda tx: optouts.enter(tx, "b", "local", piece)))

    one_piece(pieces[0])
    early, late = ({record[:16] for record in piece} for piece in pieces)
    people = {pseudonym(KEY, one): one for one in NUMBERS[:10]}
    gone = {pseudonym(KEY, NUMBERS[2])} | {max(early), max(late)}
    for regime in ("local", "national"):
        state.write(lambda tx, regime=regime: optouts.withdraw(tx, regime, gone, {}, "test", AT))  # type: ignore[misc]
    one_piece(pieces[1])
    made = finish(state, "b", "local", delivery)
    out = gone & early - late
    lines = [texts.index(people[one]) for one in out] + ([10] if pseudonym(KEY, NUMBERS[2]) in out else [])
    assert out and listed(state, "local") == {*people} - out
    assert sorted(at for at, one in enumerate(delivery.states) if one == WITHDRAWN) == sorted(lines)
    assert (made.received, made.withdrawn, made.rejected) == (12, len(lines), {"invalid-nhs-number": 1})
    assert made.applied + made.already_known + made.withdrawn == 11 and made.version == version(state) == 3 + known
    with state.read() as tx:
        assert optouts.batch(tx, "b") == made


def test_who_objects_again_meanwhile_counts_and_an_earlier_withdrawal_is_none_of_the_list_s(state: State) -> None:
    first = received(NUMBERS[:4])
    enter(state, "a", "local", first, 4)
    finish(state, "a", "local", first)
    who = [pseudonym(KEY, one) for one in NUMBERS[:4]]
    state.write(lambda tx: optouts.withdraw(tx, "local", who, {}, "test", AT))
    delivery = received(NUMBERS[:4])
    enter(state, "b", "local", delivery, 2)
    state.write(lambda tx: optouts.withdraw(tx, "local", who[:2], {}, "test", AT))
    again = received(NUMBERS[:1])
    state.write(lambda tx: again.mark(piece := next(again.pieces(1)), optouts.enter(tx, "c", "local", piece)))
    assert finish(state, "c", "local", again).applied == 1
    made = finish(state, "b", "local", delivery)
    assert (made.applied, made.withdrawn) == (3, 1) and listed(state, "local") == {*who} - {who[1]}
    assert list(delivery.states) == [APPLIED, WITHDRAWN, APPLIED, APPLIED]


def test_what_is_held_of_a_line_is_small() -> None:
    delivery = received(NUMBERS * 10)
    assert delivery.accepted == 10 * len(NUMBERS) == len(delivery.states)
    assert sum(map(len, delivery._shelves)) == 20 * delivery.accepted
