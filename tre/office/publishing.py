"""The log in public: at a fixed period a checkpoint is signed and the folder of static files brought up to it.

Promises that the period is moved by nothing that is asked, and that a disk which is full today is tried again at the next one.
Never signs a log that does not begin with the one that was published: an older database put back would fork it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tre import audit
from tre.audit import checkpoint, tiles
from tre.errors import Fault, Reason, Refusal, Unfit
from tre.keys import Keys
from tre.office.opening import ROTATED
from tre.state import State, Transaction
from tre.terms import timestamp

PERIOD_S = 60.0
ORIGIN = "tre.local/log"
log = logging.getLogger("tre.office")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of the published log. A full one never changes and never goes; a partial one gives way to the full one."""

    content: bytes
    full: bool


class Publication:
    """One folder, for everyone to read over HTTP without a token."""

    def __init__(self, state: State, keys: Keys, folder: Path, clock: Callable[[], datetime]) -> None:
        self._state, self._keys, self._folder, self._clock = state, keys, folder, clock
        self._published_at: str | None = None
        self._failing = False

    @property
    def vkey(self) -> str:
        return checkpoint.vkey(ORIGIN, self._keys.verify_key)

    def sign(self) -> str:
        """Sign the log as it stands. `Unfit` when the folder holds another log, or more of this one, or when another key signs it
        by now."""

        def write(tx: Transaction) -> str:
            tiles.compare(tx, self._folder)
            rotated = audit.last(tx, ROTATED)
            if rotated is not None and rotated.body.get("keys") != self._keys.check:
                raise Unfit("the keys were rotated since this command began; run it again")
            return checkpoint.publish(tx, self._keys.sign, self._keys.verify_key, ORIGIN, self._clock())

        return self._state.write(write)

    def publish(self) -> None:
        """Sign, and bring the folder up to it; a disk that fails is told in `standing`, and no more."""
        try:
            self.sign()
            with self._state.read() as tx:
                tiles.export(tx, self._folder)
        except OSError as error:
            self._fail(type(error).__name__)
        else:
            self._published_at, self._failing = timestamp(self._clock()), False

    def _fail(self, kind: str) -> None:
        if not self._failing:
            log.error("the log was not published: %s; it is tried again every %d s", kind, PERIOD_S)
        self._failing = True

    def _begin(self) -> None:
        try:
            self.publish()
        except Unfit:
            raise Unfit(
                f"{self._folder} holds another log than the database, or more of it: was an older database put back? Its budgets "
                f"and opt-outs would be older too. Put back the newest; if there is none, move {self._folder} away and keep it"
            ) from None

    @contextmanager
    def running(self, period: float = PERIOD_S) -> Iterator[None]:
        """Publish now, and then at every whole period from now, however long a publication takes. What is wrong with the log
        itself stops the start, for somebody is there to read of it; later it is told, and a service goes on."""
        self._begin()
        stop, start = threading.Event(), time.monotonic()

        def run() -> None:
            while not stop.wait(period - (time.monotonic() - start) % period):
                try:
                    self.publish()
                except Exception as error:  # noqa: BLE001 - whatever it was, the next period is another try
                    self._fail(type(error).__name__)

        thread = threading.Thread(target=run, name="publication", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def standing(self) -> dict[str, Any]:
        """When it was last published, and whether the last try failed."""
        return {"published_at": self._published_at, "failing": self._failing}

    def checkpoint(self) -> bytes:
        """The published checkpoint: whatever it counts is in the folder beside it."""
        try:
            return (self._folder / "checkpoint").read_bytes()
        except FileNotFoundError:
            raise Refusal(Reason.NOT_READY, "No checkpoint has been published yet.", "Try again in a minute.") from None
        except OSError:
            raise Fault("log") from None

    def tile(self, name: str) -> Tile:
        """The file of a tile's name as C2SP tlog-tiles spells it; NOT_FOUND for any other name, and for one that is not there."""
        path = tiles.file_of(self._folder, name)
        try:
            if path is not None:
                return Tile(path.read_bytes(), full=path.parent.suffix != ".p")
        except FileNotFoundError:
            pass
        except OSError:
            raise Fault("log") from None
        raise Refusal(Reason.NOT_FOUND, "The log has no such tile.", "GET /checkpoint says its size; a full tile has no .p/W.")
