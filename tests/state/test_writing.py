"""Writes are durable when they return, share a commit, and fail alone."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, ResourceClosedError

from tests.state import reopened
from tre.errors import Fault, Reason, Refusal
from tre.state import State, Transaction
from tre.state import writer as writer_module

KEEP = text("INSERT INTO kept VALUES (:who)")


def keep(who: str) -> Callable[[Transaction], str]:
    def write(tx: Transaction) -> str:
        tx.execute(KEEP, {"who": who})
        return who

    return write


def kept(state: State) -> set[str]:
    with state.read() as tx:
        return set(tx.execute(text("SELECT who FROM kept")).scalars())


@contextmanager
def one_batch(state: State, calls: list[Callable[[Transaction], Any]]) -> Any:
    """All calls in one batch: they queue up behind a first one that waits for them. Yields their futures, done."""
    gate = threading.Event()
    first = state._writer.submit(lambda tx: gate.wait(10))
    futures = [state._writer.submit(call) for call in calls]
    gate.set()
    for future in [first, *futures]:
        future.exception(10)
    yield futures


def commits(state: State) -> list[str]:
    seen: list[str] = []
    state._writer._raw.set_trace_callback(lambda statement: seen.append(statement) if statement == "COMMIT" else None)
    return seen


def test_a_write_returns_its_value_and_is_kept(state: State, path: Path) -> None:
    assert state.write(keep("a")) == "a"
    assert kept(state) == {"a"}
    assert reopened(path, "SELECT who FROM kept") == [("a",)]


def test_waiting_callers_share_one_commit(state: State) -> None:
    seen = commits(state)
    with one_batch(state, [keep(str(number)) for number in range(40)]) as futures:
        assert [future.result() for future in futures] == [str(number) for number in range(40)]
    assert len(seen) == 1
    assert len(kept(state)) == 40


def test_a_batch_is_bounded(state: State) -> None:
    seen = commits(state)
    with one_batch(state, [keep(str(number)) for number in range(150)]):
        pass
    assert len(seen) == 3
    assert len(kept(state)) == 150


def test_a_slow_batch_is_cut_short(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BATCH_S", 0.0)
    seen = commits(state)
    with one_batch(state, [keep(str(number)) for number in range(5)]):
        pass
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (Refusal(Reason.BUDGET_EXHAUSTED), Refusal),
        (Fault("other"), Fault),
        (ValueError("x"), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(1), SystemExit),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_exception_is_its_callers_and_undoes_its_rows_alone(
    state: State, failure: BaseException, raised: type[BaseException]
) -> None:
    def fail(tx: Transaction) -> None:
        keep("undone")(tx)
        keep("undone too")(tx)
        raise failure

    with one_batch(state, [keep("before"), fail, keep("after")]) as futures:
        assert (futures[0].result(), futures[2].result()) == ("before", "after")
        assert futures[1].exception() is failure
    assert kept(state) == {"before", "after"}
    with pytest.raises(raised):
        state.write(fail)
    assert state.sound


def test_a_statement_that_fails_is_its_callers(state: State) -> None:
    state.write(keep("a"))
    with one_batch(state, [keep("b"), keep("a"), keep("c")]) as futures:
        assert isinstance(futures[1].exception(), IntegrityError)
    assert kept(state) == {"a", "b", "c"}


def test_a_caller_may_catch_its_own_failure_and_go_on(state: State) -> None:
    state.write(keep("a"))

    def write(tx: Transaction) -> None:
        keep("b")(tx)
        with pytest.raises(IntegrityError):
            keep("a")(tx)
        keep("c")(tx)

    state.write(write)
    assert kept(state) == {"a", "b", "c"}


def test_rows_left_unread_hold_nobody_up(state: State) -> None:
    several = text("INSERT INTO kept VALUES ('x'), ('y'), ('z') RETURNING who")

    def sloppy(tx: Transaction) -> CursorResult[Any]:
        return tx.execute(several)

    with one_batch(state, [keep("before"), sloppy, keep("after")]) as futures:
        assert (futures[0].result(), futures[2].result()) == ("before", "after")
        with pytest.raises((ProgrammingError, ResourceClosedError)):
            futures[1].result().all()
    assert kept(state) == {"before", "x", "y", "z", "after"}


def test_rows_left_unread_by_a_failing_caller_hold_nobody_up(state: State) -> None:
    left: list[object] = []

    def sloppy(tx: Transaction) -> None:
        left.append(tx.execute(text("INSERT INTO kept VALUES ('x'), ('y'), ('z') RETURNING who")))
        raise ValueError("x")

    with one_batch(state, [keep("before"), sloppy, keep("after")]) as futures:
        assert isinstance(futures[1].exception(), ValueError)
    assert kept(state) == {"before", "after"}


def test_a_write_inside_a_write_is_refused(state: State) -> None:
    def nested(tx: Transaction) -> None:
        keep("outer")(tx)
        state.write(keep("inner"))

    with pytest.raises(RuntimeError, match="its transaction"):
        state.write(nested)
    assert kept(state) == set()


def test_a_read_inside_a_write_is_refused(state: State) -> None:
    """It would see the database as it was before the write."""

    def nested(tx: Transaction) -> set[str]:
        keep("outer")(tx)
        return kept(state)

    with pytest.raises(RuntimeError, match="its transaction"):
        state.write(nested)


def test_a_transaction_is_dead_once_it_has_ended(state: State) -> None:
    stolen = [state.write(lambda tx: tx)]
    with state.read() as tx:
        stolen.append(tx)
    for one in stolen:
        with pytest.raises(RuntimeError, match="ended"):
            keep("late")(one)
    assert kept(state) == set()


def give_up(tx: Transaction) -> None:
    """What SQLite does by itself after some errors (disk full, out of memory): the whole transaction is gone."""
    tx.execute(text("ROLLBACK"))


def test_when_the_whole_transaction_is_gone_everybody_in_it_learns_it(state: State) -> None:
    with one_batch(state, [keep("before"), give_up, keep("after")]) as futures:
        assert isinstance(futures[0].exception(), Fault)
        assert futures[1].exception() is not None
        assert futures[2].result() == "after"
    assert kept(state) == {"after"}
    assert state.sound


def test_nothing_is_written_past_a_transaction_that_is_gone(state: State) -> None:
    """SQLite would keep each statement by itself from there on."""

    def goes_on(tx: Transaction) -> None:
        keep("first")(tx)
        give_up(tx)
        keep("second")(tx)

    with pytest.raises(Fault):
        state.write(goes_on)
    assert kept(state) == set()


def test_a_full_disk_is_told_and_passes(state: State) -> None:
    state.write(keep("a"))
    (pages,) = state._writer._raw.execute("PRAGMA page_count").fetchone()
    state._writer._raw.execute(f"PRAGMA max_page_count = {pages + 1}").fetchone()
    with one_batch(state, [keep("b"), keep("x" * 100_000), keep("c")]) as futures:
        error = futures[1].exception()
        assert isinstance(error, (OperationalError, Fault))
        told = {who for who, future in zip("bxc", futures, strict=True) if future.exception() is None}
    assert kept(state) == {"a"} | told
    state._writer._raw.execute("PRAGMA max_page_count = 100000").fetchone()
    state.write(keep("d"))
    assert "d" in kept(state)


def test_when_the_commit_fails_nobody_is_told_that_it_was_kept(state: State, path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE needs (who TEXT REFERENCES kept(who) DEFERRABLE INITIALLY DEFERRED)")

    def at_commit(tx: Transaction) -> None:
        tx.execute(text("INSERT INTO needs VALUES ('nobody')"))

    with one_batch(state, [keep("a"), at_commit, keep("b")]) as futures:
        for future in futures:
            failed = future.exception()
            assert isinstance(failed, Fault)
            assert failed.code == "state"
    assert kept(state) == set()
    assert reopened(path, "SELECT who FROM kept") == []
    assert state.write(keep("c")) == "c"
    assert state.sound


def test_another_process_that_writes_is_waited_for(state: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state._writer._raw.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, other.execute, ("COMMIT",)).start()
        assert state.write(keep("a")) == "a"
        monkeypatch.setattr(writer_module, "BEGIN_S", 0.1)
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(Fault):
            state.write(keep("b"))
        assert time.monotonic() - started < 2
        other.execute("COMMIT")
    assert state.write(keep("c")) == "c"
    assert kept(state) == {"a", "c"}


def test_a_read_never_waits_for_a_writer_and_sees_one_moment(state: State) -> None:
    state.write(keep("a"))
    inside, leave = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        keep("b")(tx)
        inside.set()
        leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(state.write, slow)
        assert inside.wait(10)
        with state.read() as tx:
            assert tx.execute(text("SELECT count(*) FROM kept")).scalar() == 1
            leave.set()
            writing.result(10)
            assert tx.execute(text("SELECT count(*) FROM kept")).scalar() == 1
    assert kept(state) == {"a", "b"}


def test_a_read_does_not_hold_up_the_writer(state: State) -> None:
    with state.read() as tx:
        tx.execute(text("SELECT count(*) FROM kept")).scalar()
        assert state.write(keep("a")) == "a"


def test_a_read_cannot_write(state: State) -> None:
    with state.read() as tx, pytest.raises(OperationalError, match="readonly"):
        keep("a")(tx)


def test_many_threads_may_read_at_once(state: State) -> None:
    state.write(keep("a"))
    together = threading.Barrier(40)

    def read() -> int:
        with state.read() as tx:
            together.wait(10)
            return int(tx.execute(text("SELECT count(*) FROM kept")).scalar() or 0)

    with ThreadPoolExecutor(40) as pool:
        assert [future.result() for future in [pool.submit(read) for _ in range(40)]] == [1] * 40


def test_closing_writes_what_waits_and_refuses_what_comes(path: Path, state: State) -> None:
    gate = threading.Event()
    first = state._writer.submit(lambda tx: gate.wait(10))
    waiting = [state._writer.submit(keep(str(number))) for number in range(100)]
    threading.Timer(0.1, gate.set).start()
    state.close()
    assert first.result(0)
    assert all(future.done() for future in waiting)
    assert len(reopened(path, "SELECT who FROM kept")) == 100
    assert not state.sound
    with pytest.raises(Fault):
        state.write(keep("late"))


def test_nobody_waits_for_a_thread_that_died(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Dead

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(state._writer, "_commit", dies)
    with pytest.raises(Fault):
        state.write(keep("a"))
    state._writer._thread.join(10)
    with pytest.raises(Fault):
        state.write(keep("b"))
