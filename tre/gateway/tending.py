"""What is done beside the questions: records that moved are opened before somebody asks, so that the old files are let go of.

Promises that a question is never given less than a whole worker: a worker is tended between two questions, by the thread that
runs its questions, one worker at a time; and that none waits for more than one table of others' records to be opened. Whatever
goes wrong here is tried again a moment later, and no question hears of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tre import optouts, store
from tre.errors import Error, Refusal
from tre.gateway.desk import Desk
from tre.gateway.house import House
from tre.gateway.preparing import Job
from tre.gateway.reserving import exclusion, position
from tre.policy import REGIMES
from tre.terms import Exclusion, Snapshot
from tre.vault import Worker

PERIOD_S = 1.0
log = logging.getLogger("tre.gateway")
Ground = tuple[Snapshot, Exclusion]
Regimes = tuple[str, ...]
Turn = frozenset[str] | None  # the tables that are opened in one turn of a worker; None: all of them


class Tending:
    """One round: the ground of each dataset and choice of regimes is made, each worker opens what it has not open, then every
    check is run. ``checks``: what else is done beside the questions, by rooms that the gateway does not know."""

    def __init__(self, house: House, desk: Desk[Job, Worker], checks: Sequence[Callable[[], object]] = ()) -> None:
        self._house, self._desk, self._checks = house, desk, checks
        self._stop = threading.Event()
        self._taken: dict[tuple[str, Regimes], Ground] = {}
        self._failing: set[str] = set()

    def round(self) -> None:
        """Once. What fails is told once, until it succeeds again."""
        for dataset in self._house.policies.datasets:
            for regimes in regimes_in_use(self._house, dataset):
                self._try(f"the records of {dataset}", partial(self._take, dataset, regimes))
        for check in self._checks:
            self._try(getattr(check, "__qualname__", "a check"), check)

    def _try(self, what: str, do: Callable[[], object]) -> None:
        if self._stop.is_set():
            return
        try:
            do()
        except (Error, OSError) as error:
            if what not in self._failing:
                log.warning("tending failed: %s (%s); it is tried again", what, type(error).__name__)
            self._failing.add(what)
        else:
            self._failing.discard(what)

    def _take(self, dataset: str, regimes: Regimes) -> None:
        """Open in every worker what a question of this dataset would be answered on now, if it has moved: a table a turn, so that
        a question gets in between. With the first of them a worker lets go of what was before."""
        ground, before = ground_of(self._house, dataset, regimes), self._taken.get((dataset, regimes))
        if ground is None or before == ground:
            return
        lets_go = before is None or before[0] != ground[0]
        for tables in self._turns(dataset, ground[0]):
            self._desk.each(partial(self._open, dataset, regimes, ground, tables, lets_go), self._stop)
            lets_go = False
        self._taken[dataset, regimes] = ground

    def _turns(self, dataset: str, snapshot: Snapshot) -> list[Turn]:
        """All tables at once where the snapshot has others than the policy names."""
        if snapshot.schema != self._house.schemas[dataset]:
            return [None]
        return [frozenset({table}) for table in self._house.policies.datasets[dataset].tables]

    def _open(self, dataset: str, regimes: Regimes, ground: Ground, tables: Turn, lets_go: bool, worker: Worker) -> None:
        """Unless it has moved on between two turns: a question may have opened what is newer, and would have to do so again. But
        what a worker ``lets_go`` of is waited for: that lists come one after the other, each with another version, is no reason
        to keep it."""
        snapshot, version = position(self._house, dataset, regimes)
        if snapshot == ground[0].id and (lets_go or version == ground[1].version):
            worker.prepare(*ground, tables)

    @contextmanager
    def running(self, period: float = PERIOD_S) -> Iterator[None]:
        """Round after round until the end, which waits for the round that runs."""
        thread = threading.Thread(target=self._run, args=(period,), name="tending", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self, period: float) -> None:
        while not self._stop.wait(period):
            try:
                self.round()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round is another try
                log.error("tending failed: %s; it is tried again", type(error).__name__)


def regimes_in_use(house: House, dataset: str) -> list[Regimes]:
    """The regimes that the dataset answers under; all of them before its first answer."""
    with house.state.read() as tx:
        return [optouts.mode(tx, house.policies.same_people(dataset)) or tuple(sorted(REGIMES))]


def ground_of(house: House, dataset: str, regimes: Regimes) -> Ground | None:
    """What a question would be answered on now; None while there are no records, or a list is not there."""
    with house.state.read() as tx:
        snapshot = store.live(tx, dataset)
        if snapshot is None:
            return None
        try:
            stand = optouts.standing(tx, regimes, house.policies.datasets[dataset].opt_outs.national)
            return snapshot, exclusion(tx, house, snapshot, stand, regimes)
        except (Refusal, FileNotFoundError):
            return None
