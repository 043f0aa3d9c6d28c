"""The gateway's side: a worker that dies, hangs, lies or fails is a `Fault` of one word, and the next question is answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vault.building import build, draw, order_of, plan_of, row
from tre import sandbox
from tre.errors import Fault
from tre.loss import PrivacyLoss
from tre.plan.nodes import Plan, Scan, Statistic
from tre.terms import Exclusion, Snapshot
from tre.vault import CODES, Worker

PEOPLE = [row(person, region=("North", "South", "East")[person % 3]) for person in range(900)]


@pytest.fixture
def held(store: Path) -> tuple[Snapshot, Exclusion]:
    return build(store, PEOPLE)


def code_of(act: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as raised:
        act()
    assert raised.value.__cause__ is None and str(raised.value) == raised.value.code
    assert raised.value.code in CODES
    return raised.value.code


def answered(worker: Worker, held: tuple[Snapshot, Exclusion]) -> list[int]:
    body = json.loads(worker.answer(order_of(plan_of("region"), held)).statement)
    return [row["n"] for row in body["rows"]]


def near(counts: list[int]) -> bool:
    """Within 12 scales of the truth, 300 each: chance of failure below 1e-30."""
    return all(abs(n - 300) <= 27 for n in counts)


def test_an_order_becomes_a_release(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    assert near(answered(worker, held))


def test_two_questions_are_two_draws(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    order = order_of(plan_of("year_of_birth", "region"), held, [draw(scale=1000.0)], threshold=5, rounding=1)
    assert worker.answer(order).statement != worker.answer(order).statement  # the same 18 numbers by chance: below 1e-6


def test_a_worker_killed_in_mid_question(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    worker.prepare(*held)
    assert worker._child
    os.kill(worker._child.pid, signal.SIGSTOP)  # in the middle, as long as we like
    threading.Timer(0.3, os.kill, (worker._child.pid, signal.SIGKILL)).start()
    assert code_of(lambda: answered(worker, held)) == "died"
    assert near(answered(worker, held))


def test_the_deadline_kills(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    worker.prepare(*held)
    assert worker._child
    before = worker._child.pid
    os.kill(before, signal.SIGSTOP)
    began = time.monotonic()
    order = order_of(plan_of("region"), held, deadline_s=0.3)
    assert code_of(lambda: worker.answer(order)) == "deadline"
    assert 0.3 <= time.monotonic() - began < 10
    assert near(answered(worker, held)) and worker._child.pid != before


def test_a_question_can_be_ended_from_another_thread(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    worker.prepare(*held)
    assert worker._child
    os.kill(worker._child.pid, signal.SIGSTOP)
    threading.Timer(0.3, worker.kill).start()
    assert code_of(lambda: answered(worker, held)) == "died"


def test_a_replacement_has_the_records_open_before_it_is_asked(worker: Worker, held: tuple[Snapshot, Exclusion]) -> None:
    worker.prepare(*held)
    assert worker._child
    worker._child.kill()
    with pytest.raises(Fault):
        worker._ask(worker._child, {"order": {}}, 5)
    until = time.monotonic() + 20
    while not worker._prepared or worker._child is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert worker._prepared == {held: None}
    with worker._turn:
        assert near(answered(worker, held))


def test_what_a_worker_spilled_goes_with_it(worker: Worker, work: Path, held: tuple[Snapshot, Exclusion]) -> None:
    worker.prepare(*held)
    spilled = Path(worker._temporary) / "spilled"
    spilled.write_text("exact")
    assert [folder.stat().st_mode & 0o777 for folder in work.iterdir()] == [0o700]
    worker.close()
    assert list(work.iterdir()) == []
    assert code_of(lambda: answered(worker, held)) == "died"


FAILING: dict[str, tuple[str, Callable[[tuple[Snapshot, Exclusion]], Any]]] = {
    "less reserved than drawn": ("noise", lambda held: order_of(plan_of(), held, loss=PrivacyLoss(rho=1))),
    "a table that is not there": ("engine", lambda held: order_of(COUNT_OF_OTHERS, held)),
    "a snapshot that is not there": ("snapshot", lambda held: order_of(plan_of(), elsewhere(held, held[0].folder + "x"))),
    "a snapshot outside the store": ("snapshot", lambda held: order_of(plan_of(), elsewhere(held, "/etc"))),
}
COUNT_OF_OTHERS = Plan("gp", Scan("others", 1), (), (Statistic("n", "persons"),), ("n",))


def elsewhere(held: tuple[Snapshot, Exclusion], folder: str) -> tuple[Snapshot, Exclusion]:
    snapshot, exclusion = held
    return Snapshot(snapshot.id, snapshot.dataset, folder, snapshot.schema, snapshot.manifest), exclusion


@pytest.mark.parametrize("name", FAILING)
def test_each_failure_is_one_word(
    worker: Worker, held: tuple[Snapshot, Exclusion], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, order = FAILING[name]
    assert code_of(lambda: worker.answer(order(held))) == code
    assert near(answered(worker, held))
    assert capfd.readouterr() == ("", "")


def said(*rows: Any) -> dict[str, Any]:
    """What a worker says of one set of public groups."""
    return {"shown": {"blocks": [{"keys": None, "rows": list(rows)}], "complementary": 0}}


LIES: dict[str, tuple[str, Any]] = {
    "numbers of another shape": ("reply", said([False, [100, 95, 105]])),
    "a number that no answer has": ("reply", said([False, [101, 96, 106]], None, None)),
    "an interval that no answer has": ("reply", said([False, [100, 99, 101]], None, None)),
    "a statement": ("reply", {"statement": "anything"}),
    "more than was asked": ("reply", said(None, None, None) | {"exact": [1, 2, 3]}),
    "a fault in its own words": ("reply", {"fault": "Conversion Error: 485 777 3456"}),
    "a fault that is no word": ("reply", {"fault": ["alarm"]}),
    "nothing": ("reply", {}),
    "no object": ("died", [1]),
    "no end": ("deadline", "sleep"),
}


@pytest.fixture
def liar(store: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Worker]]:
    begun: list[Worker] = []

    def begin(lie: Any) -> Worker:
        script = [sys.executable, "-I", "-B", str(Path(__file__).parent / "false_worker.py")]
        monkeypatch.setattr(sandbox, "_command", lambda module, arguments: [*script, *arguments, json.dumps(lie)])
        begun.append(Worker(store, work, sandbox=True))
        return begun[-1]

    yield begin
    for worker in begun:
        worker.close()


@pytest.mark.parametrize("name", LIES)
def test_a_worker_that_lies_is_replaced(liar: Callable[[Any], Worker], held: tuple[Snapshot, Exclusion], name: str) -> None:
    code, lie = LIES[name]
    worker = liar(lie)
    worker.prepare(*held)
    liar_child = worker._child
    order = order_of(plan_of("region"), held, deadline_s=1.0 if lie == "sleep" else 20.0)
    assert code_of(lambda: worker.answer(order)) == code
    assert liar_child and not liar_child.alive


def test_a_worker_can_lie_in_numbers_alone(liar: Callable[[Any], Worker], held: tuple[Snapshot, Exclusion]) -> None:
    """What it cannot touch: keys, intervals, the record. They are written, or looked at again, on this side of the pipe."""
    lie = said([False, [100, 95, 105]], None, [False, [900, 895, 905]])
    body = json.loads(liar(lie).answer(order_of(plan_of("region"), held)).statement)
    assert [(row["region"], row["n"], row["n_low"]) for row in body["rows"]] == [
        ("North", 100, 95), ("South", None, None), ("East", 900, 895),
    ]  # fmt: skip
    assert body["disclosure"]["suppressed"] == 1


def test_a_worker_sees_no_secret_and_no_other_folder(
    worker: Worker, held: tuple[Snapshot, Exclusion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRE_SECRET", "x")
    worker.prepare(*held)
    assert worker._child
    process = Path(f"/proc/{worker._child.pid}")
    assert set((process / "environ").read_bytes().split(b"\0")) <= {b"LANG=C.UTF-8", b"LC_CTYPE=C.UTF-8", b""}
    assert "NoNewPrivs:\t1" in (process / "status").read_text() and "Seccomp:\t2" in (process / "status").read_text()
    opened = {os.readlink(link) for link in (process / "fd").iterdir()}
    outside = {path for path in opened if path.startswith("/") and not path.startswith((str(held[0].folder), "/dev/"))}
    assert outside == set()


def test_what_a_killed_server_left_is_swept(store: Path, work: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    for name in (f"worker-{gone.pid}-x", f"worker-{os.getpid()}-x"):
        (work / name).mkdir()
        (work / name / "spilled").write_text("exact")
    Worker(store, work, sandbox=True).close()
    assert [folder.name for folder in work.iterdir()] == [f"worker-{os.getpid()}-x"]


def test_no_engine_is_imported_before_the_sandbox_stands() -> None:
    """What `python -m tre.vault.worker` imports on its way to `main`."""
    script = "import sys, tre.vault, tre.vault.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert {"tre.vault.worker", "tre.sandbox"} <= set(done.stdout.split())
    assert not {"duckdb", "opendp", "numpy", "tre.vault.noise", "tre.vault.engines"} & set(done.stdout.split())


def test_cores_are_the_worker_s_own(store: Path, work: Path, held: tuple[Snapshot, Exclusion]) -> None:
    core = max(os.sched_getaffinity(0))
    worker = Worker(store, work, sandbox=True, cores=(core,))
    try:
        worker.prepare(*held)
        assert worker._child and os.sched_getaffinity(worker._child.pid) == {core}
    finally:
        worker.close()
