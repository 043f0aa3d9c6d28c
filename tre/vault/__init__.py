"""The vault: an `Order` goes in, a `Release` or a `Fault` comes out, and exact values live and die in between.

Promises that records are read in worker children alone, each confined before it imports an engine, killed when it does not
answer in time, and replaced; that a worker's reply is believed only where it is numbers that an answer to the order can have.
Never logs, never lets an exception's text or an exact value out, never reads a policy or a setting: the numbers arrive inside the
order.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tre.errors import Fault
from tre.plan.nodes import tables_of
from tre.plan.order import Order, order_to_json
from tre.sandbox import Child, ChildDied, ChildTimeout
from tre.terms import Exclusion, Release, Snapshot
from tre.vault.release import release
from tre.vault.shown import NotShown, shown_from

CODES = frozenset({"alarm", "deadline", "died", "engine", "memory", "noise", "order", "reply", "snapshot"})
Tables = frozenset[str] | None  # None: all of them
START_S = 120.0  # to start a worker and open a snapshot: on nobody's time but the operator's

__all__ = ["CODES", "Worker"]


class Worker:
    """One child of the vault, one question at a time. Replaced in the background when it dies, its records opened again.

    ``cores``: the cores it may use, none of them another worker's; empty for all. ``store`` is the only folder of records it can
    read; it writes in a folder of its own below ``work``.
    """

    def __init__(self, store: Path, work: Path, sandbox: bool, cores: tuple[int, ...] = (), memory_gb: int = 2) -> None:
        self._store, self._work = store.resolve(), work.resolve()
        _sweep(self._work)
        self._sandbox, self._cores, self._memory_gb = sandbox, cores, memory_gb
        self._turn = threading.RLock()
        self._closed = False
        self._child: Child | None = None
        self._temporary = ""
        self._prepared: dict[tuple[Snapshot, Exclusion], Tables] = {}
        self._start()

    def prepare(self, snapshot: Snapshot, exclusion: Exclusion, tables: Tables = None, within_s: float = START_S) -> None:
        """Makes some tables of the records ready, or all of them, where they are not: to be done before a question is charged.
        `Fault` when they cannot be."""
        with self._turn:
            child = self._alive()
            ready = self._prepared.get((snapshot, exclusion), frozenset())
            if ready is None or (tables is not None and tables <= ready):
                return
            body = {
                "snapshot": asdict(snapshot),
                "exclusion": asdict(exclusion),
                "tables": None if tables is None else sorted(tables),
            }
            if self._ask(child, {"prepare": body}, within_s) != {"prepared": True}:
                raise self._distrust()
            others = {pair: held for pair, held in self._prepared.items() if pair[0].dataset != snapshot.dataset}
            self._prepared = others | {(snapshot, exclusion): None if tables is None else ready | tables}

    def answer(self, order: Order) -> Release:
        """The release of one order, or a `Fault`. ``order.deadline_s`` runs from here, the records being open."""
        with self._turn:
            self.prepare(order.snapshot, order.exclusion, tables_of(order.plan.relation), order.deadline_s)
            reply = self._ask(self._alive(), {"order": order_to_json(order)}, order.deadline_s)
            try:
                if list(reply) != ["shown"]:
                    raise NotShown
                shown = shown_from(reply["shown"], order)
            except NotShown:
                raise self._distrust() from None
        return release(shown, order)

    def kill(self) -> None:
        """Ends the question that is running, from another thread: it becomes a fault."""
        if child := self._child:
            child.kill()

    def close(self) -> None:
        """Ends the child for good and removes its temporary folder."""
        self._closed = True
        self.kill()
        with self._turn:
            self._discard()

    def _ask(self, child: Child, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        try:
            reply = child.call(message, timeout_s)
        except ChildTimeout:
            raise self._replaced("deadline") from None
        except ChildDied:
            raise self._replaced("died") from None
        if list(reply) == ["fault"]:
            code = reply["fault"]
            if type(code) is not str or code not in CODES:
                raise self._distrust()
            raise self._replaced(code) if code in ("engine", "memory") else Fault(code)
        return reply

    def _distrust(self) -> Fault:
        return self._replaced("reply")

    def _replaced(self, code: str) -> Fault:
        """The fault to raise; the child is gone and another is on its way."""
        self._discard()
        threading.Thread(target=self._restart, daemon=True).start()
        return Fault(code)

    def _restart(self) -> None:
        with self._turn:
            if self._closed or self._child:
                return
            before, self._prepared = self._prepared, {}
            try:
                self._start()
                for (snapshot, exclusion), tables in before.items():
                    self.prepare(snapshot, exclusion, tables)
            except (Fault, OSError):
                return  # whoever asks next is told

    def _alive(self) -> Child:
        if self._closed:
            raise Fault("died")
        if self._child is None or not self._child.alive:
            self._discard()
            self._prepared = {}
            try:
                self._start()
            except OSError:
                raise Fault("died") from None
        assert self._child
        return self._child

    def _start(self) -> None:
        self._temporary = tempfile.mkdtemp(prefix=f"worker-{os.getpid()}-", dir=self._work)
        cores = ",".join(str(core) for core in self._cores)
        sandbox = "on" if self._sandbox else "off"
        self._child = Child("tre.vault.worker", str(self._store), self._temporary, sandbox, cores, str(self._memory_gb))

    def _discard(self) -> None:
        """Kills the child and removes what it spilled."""
        if self._child:
            self._child.kill()
        self._child = None
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary = ""


def _sweep(work: Path) -> None:
    """Removes what the workers of a server that is gone had spilled: it was killed before it could."""
    for folder in work.glob("worker-*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)
