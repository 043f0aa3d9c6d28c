"""The three shapes of question on one home, each beside raw DuckDB on the same files with the cores of one worker."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from tests.benchmarks.bench_vault import SHAPES
from tests.benchmarks.measuring import GIB, Line, Memory
from tests.serving import POLICIES, office_of
from tre.gateway import Gateway, Released
from tre.office import Office
from tre.settings import Settings
from tre.terms import Asking, Person, Request

COUNT, DISTINCT, MEAN = "count by region", "distinct persons through a join", "bounded mean by board"
ASKED = (COUNT, DISTINCT, MEAN)
ROUND_MS = 15.0  # of a whole request: parsed, reserved, sealed, logged
RHO = 10**8  # 0.0001: all questions of a run fit the demo's budget
MOST_MEMORY = 4 * GIB


class England:
    """One home, open, with a gateway that publishes as soon as an answer is sealed."""

    def __init__(self, gateway: Gateway, office: Office) -> None:
        self.gateway, self.office = gateway, office
        self._person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))

    def ask(self, shape: str) -> dict[str, Any]:
        """A fresh answer; AssertionError for whatever else comes."""
        request = Request(project="demo", dataset="gp", sql=SHAPES[shape][0], asking=Asking(rho=RHO), fresh=True)
        outcome = self.gateway.ask(self._person, request).coming.result()
        assert isinstance(outcome, Released), f"{shape}: {outcome}"
        body: dict[str, Any] = json.loads(outcome.envelope)
        return body

    def seconds(self, shape: str, turns: int) -> float:
        """The median of whole requests."""
        return median(self._timed(shape) for _ in range(turns))

    def _timed(self, shape: str) -> float:
        began = time.perf_counter()
        self.ask(shape)
        return time.perf_counter() - began

    def persons(self) -> int:
        """How many there are, give or take the noise."""
        return sum(row["n"] for row in self.ask(COUNT)["rows"])

    def workers(self) -> list[Memory]:
        return [Memory(worker._child.pid) for worker in self.gateway._road.workers if worker._child]


@contextmanager
def opened(home: Path) -> Iterator[England]:
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with (
        office_of(home) as office,
        Gateway.open(settings, office.state, office.policies, office.keys, release_time=None) as gateway,
    ):
        yield England(gateway, office)


@contextmanager
def raw(england: England) -> Iterator[duckdb.DuckDBPyConnection]:
    """Unprotected DuckDB on the live files, with as many cores as a worker has."""
    snapshot = england.office.live_snapshot("gp")
    assert snapshot is not None
    threads = str(len(england.gateway._road.workers[0]._cores) or os.cpu_count() or 1)
    with duckdb.connect(f"{snapshot.folder}/persons.duckdb", read_only=True, config={"threads": threads}) as connection:
        connection.execute(f"ATTACH '{snapshot.folder}/events.duckdb' AS e (READ_ONLY)")
        connection.execute("SET disabled_optimizers = 'partitioned_execution'")
        yield connection


def ask(england: England, turns: int) -> list[Line]:
    """Time and memory of each shape, in turns with raw SQL."""
    lines = []
    with raw(england) as connection:
        for shape in ASKED:
            _, sql, times = SHAPES[shape]
            england.ask(shape)  # the records are open, and the files in the cache, as raw DuckDB's
            connection.execute(sql).fetchall()
            memories, ours, theirs = england.workers(), [], []
            for _ in range(turns):
                ours.append(england.seconds(shape, 1))
                began = time.perf_counter()
                connection.execute(sql).fetchall()
                theirs.append(time.perf_counter() - began)
            mine, bare = 1e3 * median(ours), 1e3 * median(theirs)
            bar, peak = times * bare + ROUND_MS, max(memory.peak() for memory in memories)
            stated = f"≤ {times} × raw + {ROUND_MS:.0f} ms, ≤ 4 GiB"
            measured = f"{mine:.0f} ms ({mine / bare:.2f} ×), {peak / GIB:.2f} GiB"
            lines.append(Line(shape, measured, f"{bare:.0f} ms", stated, mine <= bar and peak <= MOST_MEMORY))
    return lines


@dataclass
class Asker:
    """Asks one shape after the other until it is stopped; what came of each."""

    england: England
    shapes: Sequence[str]
    answered: list[tuple[str, float, float, dict[str, Any]]] = field(default_factory=list)  # shape, asked, answered, body
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator[None]:
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                for shape in self.shapes:
                    began = time.perf_counter()
                    try:
                        body = self.england.ask(shape)
                    except AssertionError as error:
                        self.failed.append(str(error))
                        time.sleep(0.1)
                        continue
                    self.answered.append((shape, began, time.perf_counter(), body))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
