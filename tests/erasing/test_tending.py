"""Beside the questions: a worker is tended between two of them, what fails is tried again, and a question that meets records
which are being let go of takes the newer ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.erasing.homes import PEOPLE, live, object_to
from tests.faults.gatehouse import Clock, FalseVault, Gates, opened
from tests.serving import POLICIES, REGIONS, SAMPLE, office_of
from tre import store
from tre.errors import Fault
from tre.gateway import desk as desks
from tre.gateway import tending as tendings
from tre.gateway.desk import Desk, Ticket
from tre.gateway.outcomes import Faulted, Outcome, Released, to_bytes
from tre.gateway.reserving import position
from tre.gateway.tending import Tending
from tre.policy import read_policies
from tre.terms import Exclusion, Person, Request, Snapshot

NEVER = threading.Event()


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    name: str
    seconds: float = 0.0
    ticket: Ticket = field(default_factory=lambda: Ticket("q"))
    queue_limit: int = 100


class Diary:
    """What was done, by which worker, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def run(self, job: Job, worker: str) -> Outcome:
        time.sleep(job.seconds)
        self.note(job.name, worker)
        return Released("q", b"")

    def note(self, what: str, worker: str) -> None:
        with self._lock:
            self.lines.append((what, worker))


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def desk(diary: Diary) -> Iterator[Desk[Job, str]]:
    made: Desk[Job, str] = Desk(["a", "b"], diary.run)
    made.open()
    yield made
    made.close()


def put(desk: Desk[Job, str], *jobs: Job) -> list[Future[Outcome]]:
    for job in jobs:
        desk.put(job)
    return [job.ticket.coming for job in jobs]


def test_each_worker_is_tended_once(desk: Desk[Job, str], diary: Diary) -> None:
    desk.each(lambda worker: diary.note("tended", worker), NEVER)
    assert diary.lines == [("tended", "a"), ("tended", "b")]


def test_questions_go_before_what_can_wait(desk: Desk[Job, str], diary: Diary) -> None:
    coming = put(desk, *(Job(str(number), 0.1) for number in range(8)))
    desk.each(lambda worker: diary.note("tended", worker), NEVER)
    for one in coming:
        one.result(10)
    assert [what for what, _ in diary.lines[:6]].count("tended") == 0


def test_what_has_waited_long_goes_between_two_questions(
    desk: Desk[Job, str], diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "PATIENCE_S", 0.0)
    coming = put(desk, *(Job(str(number), 0.1) for number in range(12)))
    desk.each(lambda worker: diary.note("tended", worker), NEVER)
    for one in coming:
        one.result(10)
    done = [what for what, _ in diary.lines]
    assert done.count("tended") == 2 and done.index("tended") < 6 and len(done) == 14


def test_a_question_does_not_wait_for_a_worker_that_is_tended(desk: Desk[Job, str], diary: Diary) -> None:
    begun, over = threading.Event(), threading.Event()

    def tend(worker: str) -> None:
        if worker == "a":
            begun.set()
            assert over.wait(10)

    tending = threading.Thread(target=desk.each, args=(tend, NEVER))
    tending.start()
    assert begun.wait(10)
    (coming,) = put(desk, Job("asked"))
    coming.result(10)
    over.set()
    tending.join()
    assert diary.lines == [("asked", "b")]


def test_what_fails_is_raised_and_the_worker_goes_on(desk: Desk[Job, str], diary: Diary) -> None:
    def fail(worker: str) -> None:
        raise Fault("snapshot")

    with pytest.raises(Fault):
        desk.each(fail, NEVER)
    (coming,) = put(desk, Job("asked"))
    coming.result(10)


def test_a_desk_that_closes_lets_whoever_tends_go(diary: Diary) -> None:
    desk: Desk[Job, str] = Desk(["a"], diary.run)
    desk.open()
    put(desk, Job("asked", 0.3))
    time.sleep(0.1)
    tending = threading.Thread(target=desk.each, args=(lambda worker: diary.note("tended", worker), NEVER))
    tending.start()
    time.sleep(0.05)
    desk.close()
    tending.join(10)
    assert not tending.is_alive()
    desk.each(lambda worker: diary.note("tended", worker), NEVER)
    assert ("tended", "a") not in diary.lines


# ------------------------------------------------------------------------------------------------------------------- with a home


class Vault(FalseVault):
    """Notes what it opened; ``before``: what happens at the first opening from then on."""

    def __init__(self, gates: Gates) -> None:
        super().__init__(gates)
        self.opened: list[tuple[Snapshot, Exclusion]] = []
        self.tables: list[frozenset[str] | None] = []
        self.before: Any = None

    def prepare(self, snapshot: Snapshot, exclusion: Exclusion, tables: frozenset[str] | None = None) -> None:  # type: ignore[override]
        if before := self.before:
            self.before = None
            before()
        self.opened.append((snapshot, exclusion))
        self.tables.append(tables)


@pytest.fixture
def gateway(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("tests.faults.gatehouse.FalseVault", Vault)
    clock = Clock(tmp_path / "clock")
    clock.set(datetime.now(UTC))
    with opened(home, read_policies(POLICIES), clock, Gates()) as gateway:
        yield gateway
    clock.close()


def test_workers_take_what_moved_and_nothing_twice(home: Path, gateway: Any) -> None:
    workers = gateway._road.workers
    tending = Tending(gateway.house, gateway._road.desk)
    tending.round()
    first = [list(worker.opened) for worker in workers]
    assert first[0] == first[1] and first[0]
    tending.round()
    assert [worker.opened for worker in workers] == first
    with office_of(home) as office:
        object_to(office, "local", PEOPLE[0])
        office.load(office.host, "gp", SAMPLE)
        now = live(office).id
    tending.round()
    for worker in workers:
        assert {snapshot.id for snapshot, _ in worker.opened[len(first[0]) :]} == {now}


class Opening:
    """In place of a worker: ``then`` is run once, in its first turn."""

    def __init__(self, diary: Diary, then: Any) -> None:
        self.diary, self.then = diary, then

    def prepare(self, _snapshot: Snapshot, _exclusion: Exclusion, tables: frozenset[str]) -> None:
        self.diary.note("+".join(sorted(tables)), "opened")
        if then := self.then:
            self.then = None
            then()


def tended(gateway: Any, diary: Diary, then: Any) -> list[str]:
    """What the only worker of a desk did in one round, in order; ``then``: what happens in the first turn, by the desk."""
    desk: Desk[Job, Any] = Desk([Opening(diary, lambda: then(desk))], lambda job, _: diary.run(job, "answered"))
    desk.open()
    try:
        Tending(gateway.house, desk).round()  # type: ignore[arg-type]
    finally:
        desk.close()
    return [what for what, _ in diary.lines]


def test_a_question_gets_in_between_two_tables(gateway: Any, diary: Diary) -> None:
    """Of a big dataset all tables together take many seconds."""
    tables = list(gateway.house.policies.datasets["gp"].tables)
    done = tended(gateway, diary, lambda desk: put(desk, Job("asked")))
    assert done == [tables[0], "asked", *tables[1:]] and len(tables) == 4


def test_what_moves_between_two_tables_is_not_opened_as_it_was(home: Path, gateway: Any, diary: Diary) -> None:
    """A question in between has opened what is newer; the next round opens the rest of that."""

    def moves(_: object) -> None:
        with office_of(home) as office:
            object_to(office, "local", PEOPLE[0])

    tables = list(gateway.house.policies.datasets["gp"].tables)
    assert tended(gateway, diary, moves) == tables[:1]


def test_old_records_are_let_go_of_however_often_lists_come(home: Path, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each moves the version before a worker has its turn; a certificate waits for the workers all the same."""
    workers = gateway._road.workers
    tending = Tending(gateway.house, gateway._road.desk)
    tending.round()
    with office_of(home) as office:
        office.load(office.host, "gp", SAMPLE)
        now = live(office).id

    def moves(*given: Any) -> Any:
        with office_of(home) as office:
            object_to(office, "local", PEOPLE[0])
        return position(*given)

    monkeypatch.setattr(tendings, "position", moves)
    tending.round()
    assert [worker.opened[-1][0].id for worker in workers] == [now, now]
    opened = [len(worker.opened) for worker in workers]
    tending.round()
    assert [len(worker.opened) for worker in workers] == opened, "the rest waits until they stop coming"


def test_a_snapshot_of_other_tables_is_opened_in_one_turn(gateway: Any) -> None:
    gateway.house.schemas["gp"] = "sha256:another"
    worker, opened = gateway._road.workers[0], len(gateway._road.workers[0].tables)
    Tending(gateway.house, gateway._road.desk).round()
    assert worker.tables[opened:] == [None]


def test_checks_are_run_and_one_that_fails_is_tried_again(gateway: Any) -> None:
    done: list[str] = []

    def fails() -> None:
        done.append("fails")
        raise OSError

    tending = Tending(gateway.house, gateway._road.desk, (fails, lambda: done.append("runs")))
    with tending.running(0.01):
        deadline = time.monotonic() + 10
        while len(done) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert done[:4] == ["fails", "runs", "fails", "runs"]
    stopped = len(done)
    time.sleep(0.1)
    assert len(done) == stopped


def asked(gateway: Any) -> Outcome:
    person = Person("researcher", gateway.house.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
    outcome: Outcome = gateway.ask(person, Request("demo", "gp", REGIONS, fresh=True)).coming.result(30)
    return outcome


def test_a_question_that_meets_records_on_their_way_out_takes_the_next(home: Path, gateway: Any) -> None:
    def superseded() -> None:
        with office_of(home) as office:
            office.load(office.host, "gp", SAMPLE)
        raise Fault("snapshot")

    for worker in gateway._road.workers:
        worker.before = superseded
    found = asked(gateway)
    assert isinstance(found, Released)
    with gateway.house.state.read() as tx:
        now = store.live(tx, "gp")
    assert now is not None and now.id.encode() in to_bytes(found)


def test_whoever_delivers_again_and_again_holds_nobodys_project(
    home: Path, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each list moves the version, also one that names nobody new: a question that two of them meet is lost, and no more."""

    def meets_a_list(worker: Any, order: Any) -> Any:
        with office_of(home) as office:
            object_to(office, "local", PEOPLE[0])
        return answer(worker, order)

    answer = FalseVault.answer
    monkeypatch.setattr(FalseVault, "answer", meets_a_list)
    limit = gateway.house.policies.datasets["gp"].accounting.faults_before_hold
    assert [type(asked(gateway)) for _ in range(limit + 1)] == [Faulted] * (limit + 1)
    monkeypatch.undo()
    assert isinstance(asked(gateway), Released)


def test_records_that_cannot_be_opened_are_a_fault(gateway: Any) -> None:
    def damaged() -> None:
        raise Fault("snapshot")

    for worker in gateway._road.workers:
        worker.before = damaged
    assert isinstance(asked(gateway), Faulted)
