"""Questions: one per idempotency key, one outcome, the stored bytes given again, a text that can be erased."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.releases.conftest import AT, ENVELOPE, SECOND, Road, question
from tre import releases
from tre.errors import Fault, Reason, Refusal
from tre.releases import Envelope, Question, Text
from tre.state import State


def get(state: State, id: str) -> Question:
    with state.read() as tx:
        found = releases.get(tx, id)
    assert found is not None
    return found


def test_a_question_comes_back_as_it_was_asked(road: Road, state: State) -> None:
    asked = road.ask("q", key="k", body="sha256:b")
    assert get(state, "q") == asked
    with state.read() as tx:
        assert releases.by_key(tx, "alice", "k") == asked
        assert releases.text_of(tx, "q") == Text("SELECT 1", b"salt", "a note")
        assert releases.get(tx, "another") is None and releases.envelope(tx, "another") is None
        assert releases.envelope(tx, "q") is None


@pytest.mark.parametrize("wrong", [{"text": None}, {"state": "running"}, {"key": "k"}, {"body": "b"}])
def test_what_is_no_new_question_is_not_asked(wrong: dict[str, object], state: State) -> None:
    with pytest.raises(ValueError, match="a new question"):
        state.write(lambda tx: releases.ask(tx, question(**wrong)))  # type: ignore[arg-type]


def test_fifty_threads_with_one_key_make_one_question(state: State) -> None:
    start = threading.Barrier(50)

    def ask(number: int) -> bool:
        asked = question(f"q{number}-of-50", key="k", body="sha256:b")
        start.wait()
        return state.write(lambda tx: releases.ask(tx, asked))

    with ThreadPoolExecutor(50) as threads:
        made = list(threads.map(ask, range(50)))
    assert made.count(True) == 1
    with state.read() as tx:
        found = releases.by_key(tx, "alice", "k")
        assert found is not None and found.id == f"q{made.index(True)}-of-50"
        for table in ("questions", "question_texts"):
            assert tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1


def test_a_key_is_its_askers_own(road: Road, state: State) -> None:
    road.ask("q1", key="k", body="b")
    road.ask("q2", key="k", body="b", person="bob")
    road.ask("q3")
    road.ask("q4")
    with state.read() as tx:
        assert [one and one.id for one in (releases.by_key(tx, who, "k") for who in ("alice", "bob", "eve"))] == [
            "q1",
            "q2",
            None,
        ]


def test_a_key_is_answered_again_once_its_question_is_closed(road: Road, state: State) -> None:
    def replay(key: str, body: str) -> Question | None:
        with state.read() as tx:
            return releases.replay(tx, "alice", key, body)

    def reason(key: str, body: str) -> Reason:
        with pytest.raises(Refusal) as caught:
            replay(key, body)
        return caught.value.reason

    assert replay("k", "b") is None
    road.ask("q", key="k", body="b")
    assert reason("k", "b") is Reason.KEY_RUNNING
    assert reason("k", "other") is Reason.KEY_REUSED
    road.start(get(state, "q"))
    assert reason("k", "b") is Reason.KEY_RUNNING
    road.close("q", "fault")
    assert replay("k", "b") == get(state, "q")
    assert reason("k", "other") is Reason.KEY_REUSED


@pytest.mark.parametrize("body", [b"{}", bytes(range(256)), b"\r\n\x00" * 1_000, '{"n":\u20ac}'.encode(), b""])
def test_a_stored_answer_is_given_again_byte_for_byte(body: bytes, road: Road, state: State) -> None:
    stored = Envelope(body, 422, "application/problem+json")
    road.ask("q")
    road.close("q", "refused", stored)
    with state.read() as tx:
        assert releases.envelope(tx, "q") == stored
    assert (get(state, "q").state, get(state, "q").closed_at) == ("refused", "2026-03-01T12:00:00.000000Z")


def test_only_a_waiting_question_starts_and_only_once(road: Road, state: State) -> None:
    asked = road.ask("q")
    road.start(asked)
    assert (get(state, "q").state, get(state, "q").reservation) == ("running", "r-q")
    assert not state.write(lambda tx: releases.start(tx, "q", "another", AT))
    road.ask("cancelled")
    road.close("cancelled", "cancelled")
    assert not state.write(lambda tx: releases.start(tx, "cancelled", "r", AT))
    assert get(state, "cancelled").reservation is None


@pytest.mark.parametrize("first", ["refused", "fault", "cancelled"])
@pytest.mark.parametrize("second", ["refused", "fault", "cancelled"])
def test_a_question_has_one_outcome(first: str, second: str, road: Road, state: State) -> None:
    road.ask("q")
    road.close("q", first)
    with pytest.raises(Fault):
        road.close("q", second, Envelope(b"other"))
    with state.read() as tx:
        assert releases.envelope(tx, "q") == ENVELOPE
    assert get(state, "q").state == first


def test_no_question_is_released_without_a_published_release(road: Road, state: State) -> None:
    road.ask("waiting")
    road.start(road.ask("running"))
    road.sealed("sealed")
    for id in ("waiting", "running", "sealed"):
        with pytest.raises(Fault):
            road.close(id, "released")
        assert get(state, id).open


def test_a_repeat_names_what_it_repeats(road: Road, state: State) -> None:
    earlier = road.published("q1")
    road.ask("q2")
    road.close("q2", "released", Envelope(b"again"), repeat_of=earlier.question)
    assert (get(state, "q2").state, get(state, "q2").repeat_of, get(state, "q2").reservation) == ("released", "q1", None)
    road.ask("q3")
    with pytest.raises(ValueError, match="a repeat is released"):
        road.close("q3", "fault", repeat_of="q1")
    with pytest.raises(IntegrityError):
        road.close("q3", "released", repeat_of="no such question")
    with pytest.raises(ValueError, match="an outcome is"):
        road.close("q3", "waiting")


def test_pages_go_back_in_time(road: Road, state: State) -> None:
    for number in range(7):
        road.ask(f"q{number}", project="demo" if number % 2 else "other")
    road.ask("foreign", project="foreign")
    with state.read() as tx:

        def ids(*where: object, **told: object) -> list[str]:
            return [one.id for one in releases.page(tx, *where, **told)]  # type: ignore[arg-type]

        assert ids(["demo", "other"]) == [f"q{number}" for number in range(6, -1, -1)]
        assert ids(["demo", "other"], limit=3) == ["q6", "q5", "q4"]
        assert ids(["demo", "other"], after="q4", limit=3) == ["q3", "q2", "q1"]
        assert ids(["demo"], after="q4") == ["q3", "q1"]
        assert ids(["demo"], after="no such question") == []
        assert ids([]) == []


def test_an_erased_text_is_in_no_file(road: Road, state: State, tmp_path: Path) -> None:
    secret, salt = "SELECT 'a-planted-canary'", b"a-planted-salt"
    road.ask("q", text=Text(secret, salt, "a-planted-note"))
    road.close("q", "refused", Envelope(b'{"sql":"' + secret.encode() + b'"}'))
    assert state.write(lambda tx: releases.erase_text(tx, "q", Envelope(b'{"sql":null}')))
    assert not state.write(lambda tx: releases.erase_text(tx, "q"))
    found = get(state, "q")
    assert (found.text, found.state) == (None, "refused")
    with state.read() as tx:
        assert releases.text_of(tx, "q") is None
        assert releases.envelope(tx, "q") == Envelope(b'{"sql":null}')
    state.close()
    for file in tmp_path.iterdir():
        assert b"a-planted" not in file.read_bytes(), file


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM questions",
        "UPDATE questions SET state = 'released', closed_at = 'later' WHERE id = 'closed'",
        "UPDATE questions SET envelope = x'00' WHERE id = 'closed'",
        "UPDATE questions SET envelope = NULL, closed_at = NULL, state = 'waiting' WHERE id = 'closed'",
        "UPDATE questions SET status = 200 WHERE id = 'closed'",
        "UPDATE questions SET closed_at = 'now' WHERE id = 'open'",
        "UPDATE questions SET state = 'running' WHERE id = 'open'",
        "UPDATE questions SET state = 'lost' WHERE id = 'open'",
    ],
)
def test_the_database_itself_refuses(act: str, road: Road, state: State) -> None:
    road.ask("open")
    road.ask("closed")
    road.close("closed", "fault", Envelope(b"{}", 500))
    with pytest.raises(IntegrityError):
        state.write(lambda tx: tx.execute(text(act)))


def test_times_have_a_zone(road: Road, state: State) -> None:
    road.ask("q")
    with pytest.raises(ValueError, match="zone"):
        state.write(lambda tx: releases.start(tx, "q", "r", (AT + SECOND).replace(tzinfo=None)))
