"""Releases: seen by nobody before their time, unchanged ever after, found again when they are accurate enough."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.releases.conftest import AT, ENVELOPE, SECOND, Road
from tre import releases
from tre.errors import Fault
from tre.loss import PrivacyLoss
from tre.releases import Published
from tre.state import State
from tre.terms import Reservation, digest

CANARY = b'{"rows":"a-planted-canary"}'


def find(state: State, project: str = "demo", key: str = "key", kind: str | None = None, **scales: float) -> Published | None:
    with state.read() as tx:
        return releases.find(tx, project, key, scales or {"n": 10.0}, kind)


def test_a_published_release_is_what_was_sealed(road: Road, state: State) -> None:
    taken = road.sealed("q", statement=CANARY)
    published = road.publish(taken)
    assert (published.statement, published.digest, published.suppressed) == (CANARY, digest(CANARY), 2)
    assert (published.question, published.reservation, published.project) == ("q", "r-q", "demo")
    assert (published.snapshot, published.version, published.regimes) == ("s1", 7, ("local", "national"))
    assert (published.kind, published.scales) == ("concentrated", {"n": 10.0})
    assert published.published_at == "2026-03-01T12:00:04.000000Z"
    assert find(state) == published


def receiving_what_is_sealed(road: Road, state: State, sealed: Reservation) -> object:
    """What another project's question is told that would receive a release which is sealed still."""
    found = Published(**dict.fromkeys(Published.__slots__, None) | {"reservation": sealed.id})  # type: ignore[arg-type]
    receiving = road.start(road.ask("receiving", project="another"))
    with pytest.raises(Fault) as refused:
        state.write(lambda tx: releases.receive(tx, receiving, found, AT))
    return refused.value.args


def test_no_function_but_unseal_reads_a_sealed_release(road: Road, state: State) -> None:
    """Every public function is called on a sealed release, and what it gives is searched for the release's bytes."""
    taken = road.sealed("q", statement=CANARY)
    other = road.ask("other", key="k", body="b")
    looked: dict[str, Any] = {}
    with state.read() as tx:
        looked["find"] = releases.find(tx, "demo", "key", {"n": 1e9})
        looked["elsewhere"] = list(releases.elsewhere(tx, "another", "gp", "key", {"n": 1e9}, "concentrated"))
        looked["unfinished"] = releases.unfinished(tx)
        looked["get"] = releases.get(tx, "q")
        looked["page"] = releases.page(tx, ["demo"])
        looked["envelope"] = releases.envelope(tx, "q")
        looked["text_of"] = releases.text_of(tx, "q")
        looked["by_key"] = releases.by_key(tx, "alice", "k")
    looked["ask"] = state.write(lambda tx: releases.ask(tx, other))
    looked["start"] = state.write(lambda tx: releases.start(tx, "other", "r", AT))
    with state.read() as tx, pytest.raises(Exception, match="running") as caught:
        releases.replay(tx, "alice", "k", "b")
    looked["replay"] = caught.value.args
    looked["close"] = state.write(lambda tx: releases.close(tx, "other", "fault", ENVELOPE, AT))
    looked["cancel"] = state.write(lambda tx: releases.cancel(tx, "other", AT))
    looked["free_key"] = state.write(lambda tx: releases.free_key(tx, "other"))
    looked["erase_text"] = state.write(lambda tx: releases.erase_text(tx, "other"))
    with pytest.raises(IntegrityError) as refused:
        road.seal(taken, b"another")
    looked["seal"] = refused.value.args
    looked["receive"] = receiving_what_is_sealed(road, state, taken)
    looked["discard"] = state.write(lambda tx: releases.discard(tx, "another"))
    functions = {name for name in releases.__all__ if inspect.isfunction(getattr(releases, name))}
    assert functions - {"unseal"} == set(looked)
    assert "planted-canary" not in repr(looked)
    assert road.publish(taken).statement == CANARY


@pytest.mark.parametrize(("microseconds", "early"), [(-1, True), (0, False), (1, False)])
def test_not_before_its_time(microseconds: int, early: bool, road: Road, state: State) -> None:
    taken = road.sealed("q", wait=4)
    at = AT + 4 * SECOND + timedelta(microseconds=microseconds)
    if early:
        with pytest.raises(Fault):
            road.publish(taken, at)
        assert find(state) is None
    else:
        assert road.publish(taken, at).statement == b"{}"


def test_a_bench_publishes_at_once(road: Road) -> None:
    assert road.publish(road.sealed("q", wait=0), AT).published_at == "2026-03-01T12:00:00.000000Z"


def test_a_release_is_published_once(road: Road, state: State) -> None:
    taken = road.published("q")
    for reservation in (taken.id, "no such reservation"):
        with pytest.raises(Fault):
            state.write(lambda tx, of=reservation: releases.unseal(tx, of, AT + 9 * SECOND))  # type: ignore[misc]


def test_only_a_running_question_is_sealed(road: Road) -> None:
    """A question that was cancelled or closed while it ran has no release, and another reservation is not its own."""
    cancelled = road.start(road.ask("cancelled"))
    road.close("cancelled", "cancelled")
    running = road.start(road.ask("running"))
    foreign = type(running)("r-other", "running", "demo", "gp", running.loss)
    waiting = type(running)("r-waiting", road.ask("waiting").id, "demo", "gp", running.loss)
    for taken in (cancelled, foreign, waiting):
        with pytest.raises(Fault):
            road.seal(taken)


def test_an_unseen_draw_is_discarded_before_another(road: Road, state: State) -> None:
    taken = road.sealed("q", statement=CANARY)
    state.write(lambda tx: releases.discard(tx, taken.id))
    with pytest.raises(Fault):
        road.publish(taken)
    road.seal(taken, b"another")
    assert road.publish(taken).statement == b"another"
    state.write(lambda tx: releases.discard(tx, taken.id))
    assert find(state) is not None


@pytest.mark.parametrize("outcome", ["fault", "cancelled", "refused"])
def test_no_unseen_draw_outlives_its_question(outcome: str, road: Road, state: State, tmp_path: Path) -> None:
    taken = road.sealed("q", statement=CANARY)
    road.close("q", outcome)
    with pytest.raises(Fault):
        state.write(lambda tx: releases.unseal(tx, taken.id, AT + 9 * SECOND))
    state.close()
    assert not any(b"planted-canary" in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM releases WHERE sealed = 0",
        "UPDATE releases SET statement = x'00'",
        "UPDATE releases SET digest = 'sha256:0'",
        "UPDATE releases SET sealed = 1, published_at = NULL WHERE sealed = 0",
        "UPDATE releases SET published_at = '2027'",
        "UPDATE releases SET sealed = 0, published_at = '2026-03-01T12:00:03.999999Z' WHERE sealed = 1",
        "UPDATE releases SET release_at = '2000' WHERE sealed = 1",
    ],
)
def test_the_database_itself_refuses(act: str, road: Road, state: State) -> None:
    road.published("q1")
    road.sealed("q2")
    with pytest.raises(IntegrityError):
        state.write(lambda tx: tx.execute(text(act)))


def test_a_statement_that_has_changed_on_the_disk_is_not_given(road: Road, state: State) -> None:
    road.published("q")

    def rot(tx: Any) -> None:
        tx.execute(text("DROP TRIGGER releases_update"))
        tx.execute(text("UPDATE releases SET statement = x'7b207d'"))

    state.write(rot)
    with pytest.raises(Fault):
        find(state)


def test_a_repeat_is_at_least_as_accurate_as_asked(road: Road, state: State) -> None:
    road.published("q1", scale=10.0)
    assert find(state, n=10.0) and find(state, n=10.1) and find(state, n=1e9)
    assert find(state, n=9.999999999999998) is None


def test_a_repeat_is_of_the_same_project_and_key(road: Road, state: State) -> None:
    road.published("q1")
    assert find(state, project="other") is None
    assert find(state, key="other") is None
    assert find(state, m=99.0) is None
    assert find(state, n=99.0, m=99.0) is None
    assert find(state, kind="pure") is None
    assert find(state, kind="concentrated") is not None


def test_every_statistic_is_as_accurate(road: Road, state: State) -> None:
    assert not releases.given._as_accurate({"a": 1.0, "b": 5.0}, {"a": 2.0, "b": 4.0})
    assert releases.given._as_accurate({"a": 1.0, "b": 4.0}, {"b": 4.0, "a": 2.0})


def test_the_newest_that_is_accurate_enough_is_given(road: Road, state: State) -> None:
    for number, scale in enumerate([5.0, 20.0, 5.0, 20.0]):
        road.published(f"q{number}", at=AT + number * 60 * SECOND, scale=scale)
    road.sealed("q9", scale=1.0, at=AT + 600 * SECOND)
    found = find(state, n=10.0)
    assert found is not None and found.question == "q2"
    newest = find(state, n=20.0)
    assert newest is not None and newest.question == "q3"
    assert find(state, n=4.0) is None


def receive(road: Road, state: State, id: str, found: Published, **loss: int) -> Published:
    taken = road.start(road.ask(id, project="other"))
    if loss:
        taken = type(taken)(taken.id, taken.question, taken.project, taken.dataset, PrivacyLoss(**loss))
    return state.write(lambda tx: releases.receive(tx, taken, found, AT + 9 * SECOND))


def elsewhere(state: State, project: str = "other", dataset: str = "gp", scale: float = 10.0, **other: str) -> list[str]:
    wanted = {"repeat_key": "key", "kind": "concentrated"} | other
    with state.read() as tx:
        return [one.question for one in releases.elsewhere(tx, project, dataset, scales={"n": scale}, **wanted)]


def test_another_project_finds_what_is_published_alike_and_accurate_enough(road: Road, state: State) -> None:
    road.published("q1", scale=10.0)
    road.published("q2", scale=5.0, at=AT + 60 * SECOND)
    road.sealed("q3", scale=1.0)
    assert elsewhere(state) == ["q2", "q1"] and elsewhere(state, scale=9.0) == ["q2"] and elsewhere(state, scale=4.0) == []
    for wrong in ({"project": "demo"}, {"dataset": "another"}, {"repeat_key": "another"}, {"kind": "pure"}):
        assert elsewhere(state, **wrong) == [], wrong


def test_what_was_received_is_the_same_release_and_ones_own_from_then_on(road: Road, state: State) -> None:
    road.published("q", statement=CANARY)
    found = find(state)
    assert found is not None
    received = receive(road, state, "mine", found)
    assert (received.statement, received.digest, received.snapshot, received.version) == (CANARY, digest(CANARY), "s1", 7)
    assert (received.question, received.project, received.reservation) == ("mine", "other", "r-mine")
    assert find(state, project="other") == received and find(state) == found
    # It is found once by a third project: what was given again is no other release.
    assert elsewhere(state, project="third") == ["q"]
    with pytest.raises(Fault):
        receive(road, state, "again", received)


def test_a_release_never_crosses_to_another_kind_of_accounting(road: Road, state: State) -> None:
    road.published("q")
    found = find(state)
    assert found is not None
    with pytest.raises(Fault):
        receive(road, state, "pure", found, epsilon=1)
    assert find(state, project="other") is None


def test_only_a_running_question_receives(road: Road, state: State) -> None:
    road.published("q")
    found, waiting = find(state), road.ask("waiting", project="other")
    assert found is not None
    taken = Reservation("r-waiting", waiting.id, "other", "gp", PrivacyLoss(rho=1))
    with pytest.raises(Fault):
        state.write(lambda tx: releases.receive(tx, taken, found, AT))
