"""A process of its own that goes the whole way once: `journey.py HOME ask|seal|recover`. Ask: a release, a refusal, a repeat, an
act of governing, a signed checkpoint, the published folder, and a clean end. Seal: killed when a release is sealed and not
published yet. Recover: what a start closes, and the end.

It says on its output what it was told is done, each line a JSON list, by a system call that nobody fails. The vault is a false
one: it answers with the same numbers at once. Before the way begins it names its threads and waits for a line.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import tre.gateway.gateway as opening
from tests.serving import POLICIES, office_of
from tre import audit
from tre.gateway import Gateway, Released, closing
from tre.office import Office
from tre.plan.estimate import Estimate
from tre.plan.order import Order
from tre.settings import Settings
from tre.terms import Person, Release, Request
from tre.vault.release import release
from tre.vault.shown import Block, Row, Shown

COUNT = "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"
REFUSED = "SELECT nothing FROM patients"


class Vault:
    """A false worker: every cell has 50 persons."""

    def __init__(self, *_: object) -> None:
        pass

    def prepare(self, *_: object) -> None:
        pass

    def answer(self, order: Order) -> Release:
        everywhere = (Row(False, (Estimate(50, 40, 60),)),) * order.restricted.plan.cells
        return release(Shown((Block(None, everywhere),)), order)

    def close(self) -> None:
        pass


@contextmanager
def opened(home: Path, vault: type[Vault] = Vault, seconds: float = 0.2) -> Iterator[tuple[Gateway, Office]]:
    """Office and gateway with a false vault, as `tre serve` opens them; every question has the same release time."""
    settings = Settings(home=home, policies=POLICIES, workers=1, _env_file=None)  # type: ignore[call-arg]
    opens = partial(Gateway.open, release_time=lambda *_: seconds)
    before, opening.Worker = opening.Worker, vault  # type: ignore[misc, assignment]
    try:
        with (
            office_of(home) as office,
            opens(settings, office.state, office.policies, office.keys) as gateway,
        ):
            yield gateway, office
    finally:
        opening.Worker = before  # type: ignore[misc]


def asker(office: Office) -> Person:
    return Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))


def say(*words: object) -> None:
    os.writev(1, [json.dumps(words).encode() + b"\n"])


def step(name: str, done: Callable[[], Any]) -> None:
    try:
        say("done", name, *done())
    except Exception as error:  # whatever was not done is not said to be
        say("failed", name, type(error).__name__)


def ask(gateway: Gateway, office: Office, sql: str) -> tuple[Any, ...]:
    """The question's id, and the digest of what was answered."""
    told = gateway.ask(asker(office), Request("demo", "gp", sql)).coming.result(30)
    body = hashlib.sha256(told.envelope).hexdigest() if isinstance(told, Released) else None
    return told.question, type(told).__name__, body


def act(office: Office) -> tuple[Any, ...]:
    entry = audit.Entry("read", datetime.fromisoformat("2026-01-01T00:00:00Z"), {"of": "journey"})
    return (office.state.write(lambda tx: audit.append(tx, entry)).index,)


def export(office: Office) -> tuple[Any, ...]:
    with office.state.read() as tx:
        return (audit.export(tx, office.publication._folder),)


def ready(**threads: int) -> None:
    say("ready", threads)
    sys.stdin.readline()


def go(home: Path) -> None:
    with opened(home) as (gateway, office):
        writer, (runner,) = office.state._writer._thread, gateway._road.desk._threads
        ready(main=threading.get_native_id(), writer=writer.native_id or 0, runner=runner.native_id or 0)
        step("release", lambda: ask(gateway, office, COUNT))
        step("refusal", lambda: ask(gateway, office, REFUSED))
        step("repeat", lambda: ask(gateway, office, COUNT))
        step("act", lambda: act(office))
        step("sign", lambda: (office.publication.sign(),))
        step("export", lambda: export(office))
    say("done", "end")


def seal(home: Path) -> None:
    """Killed at the beginning of step 10."""
    closing.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment, return-value]
    with opened(home, seconds=2.0) as (gateway, office):
        ready(process=os.getpid())
        ask(gateway, office, COUNT)


def recover(home: Path) -> None:
    ready(process=os.getpid())
    with opened(home):
        say("done", "recovery")
    say("done", "end")


if __name__ == "__main__":
    {"ask": go, "seal": seal, "recover": recover}[sys.argv[2]](Path(sys.argv[1]))
