"""What is made ready of a snapshot, and when: the tables that are wanted, and of the whole snapshot nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vault.building import Quiet, build, draw, exclude, order_of, plan_of
from tests.vault.test_engine import EXCLUDED, histories, people
from tre.errors import Fault
from tre.terms import Exclusion, Snapshot
from tre.vault import Worker
from tre.vault.check import Alarm
from tre.vault.engines import EngineFailed
from tre.vault.engines.duckdb import Records

Held = tuple[Snapshot, Exclusion]


@pytest.fixture
def held(store: Path) -> Held:
    return build(store, people(), EXCLUDED, histories())


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables of which the whole was counted, in turn."""
    found: list[str] = []
    whole = Records._whole

    def noted(self: Records, table: str) -> object:
        found.append(table)
        return whole(self, table)

    monkeypatch.setattr(Records, "_whole", noted)
    return found


def test_a_question_waits_for_its_own_tables_alone(quiet: Quiet, held: Held, scanned: list[str]) -> None:
    quiet.counts(plan_of("region"), held)
    assert scanned == ["patients"] and set(quiet.prepare(*held, ()).counted) == {"patients"}
    assert set(quiet.prepare(*held).counted) == {"patients", "events", "visits"}
    assert sorted(scanned) == ["events", "patients", "visits"]


def test_the_next_version_of_the_registers_counts_the_objecting_alone(quiet: Quiet, held: Held, scanned: list[str]) -> None:
    snapshot, _ = held
    before = quiet.prepare(*held).counted
    next_one = exclude(snapshot, range(60), version=2)
    after = quiet.prepare(snapshot, next_one).counted
    assert len(scanned) == 3 and set(after) == set(before)
    assert (before["patients"].left_out, after["patients"].left_out) == (len(EXCLUDED), 60)
    assert quiet.counts(plan_of(), (snapshot, next_one)) == [60]
    quiet._open.pop((snapshot, next_one)).close()  # DuckDB opens a file once in a process
    fresh = Quiet(quiet._store, Path(quiet._limits.temporary)).prepare(snapshot, next_one).counted
    assert fresh == after  # what was kept is what is counted anew


def test_another_snapshot_is_counted_anew(store: Path, quiet: Quiet, held: Held, scanned: list[str]) -> None:
    quiet.prepare(*held)
    other = build(store, people()[:30])
    assert quiet.prepare(*other).counted["patients"].rows == 30
    assert len(scanned) == 6 and list(quiet._facts) == [other[0]]


def test_a_table_whose_fact_fails_is_never_read_and_the_next_try_fails_too(store: Path, quiet: Quiet) -> None:
    held = build(store, [*people(), people()[5]])  # a person twice
    for _ in range(2):
        with pytest.raises(Alarm):
            quiet.counts(plan_of("region"), held)
        assert not quiet._open


def test_a_table_that_is_none_is_refused(quiet: Quiet, held: Held) -> None:
    with pytest.raises(EngineFailed):
        quiet.prepare(*held, ["pg_tables"])


@pytest.fixture
def worker(store: Path, work: Path) -> Iterator[Worker]:
    made = Worker(store, work, sandbox=True)
    yield made
    made.close()


def test_a_worker_is_asked_for_what_is_not_ready_yet(worker: Worker, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask = worker._ask

    def noted(child: object, message: dict[str, dict[str, object]], within_s: float) -> object:
        asked.extend(message["prepare"]["tables"] for _ in message if "prepare" in message)
        return ask(child, message, within_s)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "_ask", noted)
    for tables in ({"patients"}, {"patients"}, {"patients", "events"}, {"events"}):
        worker.prepare(*held, tables=frozenset(tables))
    worker.answer(order_of(plan_of("region"), held, [draw(scale=1.0)]))
    worker.prepare(*held)
    worker.prepare(*held, tables=frozenset({"visits"}))
    assert asked == [["patients"], ["events", "patients"], None]
    with pytest.raises(Fault):
        worker.prepare(held[0], Exclusion(**{**_fields(held[1]), "file": "/nowhere"}))


def _fields(exclusion: Exclusion) -> dict[str, object]:
    return {name: getattr(exclusion, name) for name in ("snapshot", "version", "regimes", "file", "as_of")}
