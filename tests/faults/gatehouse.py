"""A gateway in a process of its own, whose every step can be held and which can be killed at any of them.

Road, rooms, database and recovery are the real ones; the vault and the reader are replaced at their seams by objects that need no
child, so that a start costs a fork. Run as a script it is the parent that has imported everything, has no thread, and forks one
gateway after the other. Each of them has a connection of its own: what a killed one has half read or half said goes with it.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.faults.wrong_roads import MUTANTS
from tests.serving import POLICIES
from tre.errors import Fault, Refusal
from tre.gateway import Gateway, Pending, closing, recovering
from tre.gateway.asking import Idempotency
from tre.gateway.desk import Ticket
from tre.gateway.house import House
from tre.gateway.outcomes import to_bytes
from tre.keys import Keys
from tre.office import Office
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.order import Order
from tre.plan.parse import parse
from tre.policy import Policies, read_policies
from tre.settings import Settings
from tre.state import State
from tre.terms import Asking, Person, Release, Request, canonical, digest

WORKERS, ASKERS, SECONDS = 2, 4, 30
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """One time for all processes, in a file of eight bytes; it moves when it is told to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def __call__(self) -> datetime:
        return EPOCH + timedelta(microseconds=int.from_bytes(os.pread(self._file, 8, 0), "big"))

    def set(self, at: datetime) -> None:
        os.pwrite(self._file, ((at - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big"), 0)

    def close(self) -> None:
        os.close(self._file)


class Gates:
    """Steps that wait while their gate is shut, and how many of the next answers fail."""

    def __init__(self) -> None:
        self._gates = {name: threading.Event() for name in ("answer", "publish")}
        self._failing, self._lock, self._reached = 0, threading.Lock(), threading.Event()
        for gate in self._gates.values():
            gate.set()

    def reached(self) -> bool:
        """Whether somebody stands before a shut gate; somebody may be on the way."""
        return self._reached.wait(0.1)

    def set(self, name: str, is_open: bool) -> None:
        self._reached.clear()
        (self._gates[name].set if is_open else self._gates[name].clear)()

    def passes(self, name: str) -> None:
        if not self._gates[name].is_set():
            self._reached.set()
        assert self._gates[name].wait(SECONDS), f"nobody opened the gate before {name}"

    def fail(self, times: int) -> None:
        with self._lock:
            self._failing = times

    def fails(self) -> bool:
        with self._lock:
            self._failing, failing = max(0, self._failing - 1), self._failing > 0
        return failing


class FalseVault:
    """In place of a `Worker`: every answer is another one, as every draw is."""

    def __init__(self, gates: Gates) -> None:
        self.gates = gates

    def prepare(self, *_: object) -> None:
        pass

    def answer(self, order: Order) -> Release:
        self.gates.passes("answer")
        if self.gates.fails():
            raise Fault("engine")
        said = {"dataset": order.snapshot.dataset, "snapshot": order.snapshot.id, "opt_outs_as_of": order.exclusion.as_of}
        return Release(canonical(said | {"plan": order.restricted.digest, "draw": secrets.token_hex(8)}), 0)

    def kill(self) -> None:
        pass

    close = kill


class FalseReader:
    """In place of a `Reader`: the same parser, in this process."""

    def parse(self, text: str, offer: Any, codelists: Any, _project: str) -> Plan:
        return parse(text, offer, codelists)

    def close(self) -> None:
        pass


def house_of(home: Path, policies: Policies, clock: Callable[[], datetime]) -> House:
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    return House(
        state=State.open(settings.database_url),
        policies=policies,
        catalogues={name: catalogue(policy) for name, policy in policies.datasets.items()},
        keys=Keys.open(settings.keys),
        reader=FalseReader(),  # type: ignore[arg-type]
        store=settings.store,
        registers=settings.registers,
        digests={name: policy.digest for name, policy in policies.datasets.items()},
        schemas={name: policy.schema_digest for name, policy in policies.datasets.items()},
        clock=clock,
    )


def office_of(house: House) -> Office:
    """The office over the same rooms, under the same clock."""
    public = house.store.parent / "log"
    return Office(house.state, house.policies, house.keys, house.store, public, house.registers, house.clock)


@contextmanager
def opened(home: Path, policies: Policies, clock: Callable[[], datetime], gates: Gates) -> Iterator[Gateway]:
    """As `Gateway.open`, over false workers."""
    house = house_of(home, policies, clock)
    gateway = Gateway(house, [FalseVault(gates) for _ in range(WORKERS)], release_time=None)  # type: ignore[misc]
    try:
        recovering.recover(house)
        gateway._road.desk.open()
        yield gateway
    finally:
        gateway.close()
        house.state.close()


# ----------------------------------------------------------------------------------------------------------------- messages
def send(descriptor: int, message: Mapping[str, Any]) -> None:
    body = json.dumps(message).encode()
    rest = memoryview(struct.pack(">I", len(body)) + body)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(descriptor: int, seconds: float | None = SECONDS) -> dict[str, Any] | None:
    """The next message; None when there is nobody any more to send one."""
    head = _exactly(descriptor, 4, seconds)
    body = None if head is None else _exactly(descriptor, struct.unpack(">I", head)[0], seconds)
    return None if body is None else json.loads(body)


def _exactly(descriptor: int, size: int, seconds: float | None) -> bytes | None:
    found = b""
    while len(found) < size:
        assert select.select([descriptor], [], [], seconds)[0], "nobody answers"
        try:
            part = os.read(descriptor, size - len(found))
        except ConnectionResetError:
            return None
        if not part:
            return None
        found += part
    return found


# ------------------------------------------------------------------------------------------------------------ the gateway's
class Keeper:
    """Does what it is told with one gateway."""

    def __init__(self, gateway: Gateway, gates: Gates) -> None:
        self.gateway, self.gates = gateway, gates
        self.tickets: list[Ticket] = []

    def do(self, order: dict[str, Any]) -> dict[str, Any]:
        name = order.pop("do")
        told: dict[str, Any] = getattr(self, name)(**order)
        return told

    def ask(self, questions: list[dict[str, Any]]) -> dict[str, Any]:
        """All of them at once."""
        with ThreadPoolExecutor(ASKERS) as askers:
            return {"told": list(askers.map(self._ask, questions))}

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        request = Request(asked["project"], "gp", asked["sql"], Asking(share=Fraction(asked["share"])), fresh=asked["fresh"])
        body = digest(canonical(asked))
        try:
            ticket = self.gateway.ask(self._person(asked["person"]), request, Idempotency(asked["key"], body))
        except Refusal as refusal:
            return {"refused": refusal.reason}
        self.tickets.append(ticket)
        return {"question": ticket.question}

    def look(self, person: str, question: str) -> dict[str, Any]:
        found = self.gateway.standing(self._person(person), question)
        if isinstance(found, Pending):
            return {"state": found.state}
        return {"state": type(found).__name__.lower(), "bytes": to_bytes(found).decode()}

    def cancel(self, person: str, question: str) -> dict[str, Any]:
        return {"state": self.gateway.cancel(self._person(person), question)}

    def gate(self, name: str, is_open: bool) -> dict[str, Any]:
        self.gates.set(name, is_open)
        return {}

    def fail(self, times: int) -> dict[str, Any]:
        self.gates.fail(times)
        return {}

    def reached(self) -> dict[str, Any]:
        return {"reached": self.gates.reached()}

    def wait(self) -> dict[str, Any]:
        """Until every question asked since the start has its outcome: the gates are open."""
        for ticket in self.tickets:
            ticket.coming.result(SECONDS)
        return {}

    def _person(self, name: str) -> Person:
        return Person(name, self.gateway.house.keys.person_pseudonym(name), frozenset({"researcher"}))


def serve(home: Path, clock: Path, wire: str, mutant: str | None, policies: Policies) -> None:
    gates = Gates()
    if mutant:
        MUTANTS[mutant]()
    publish = closing.publish

    def held(*steps: Any, **more: Any) -> Any:
        gates.passes("publish")
        return publish(*steps, **more)

    closing.publish = held
    with opened(home, policies, Clock(clock), gates) as gateway, socket.socket(socket.AF_UNIX) as connection:
        keeper = Keeper(gateway, gates)
        connection.connect(wire)
        here = connection.fileno()
        send(here, {"ready": os.getpid()})
        while (order := receive(here, None)) is not None and order["do"] != "close":
            send(here, keeper.do(order))
        gates.set("answer", True)
        gates.set("publish", True)


def main() -> None:
    policies = read_policies(POLICIES)
    while (start := receive(0, None)) is not None:
        child = os.fork()
        if not child:
            try:
                serve(Path(start["home"]), Path(start["clock"]), start["wire"], start["mutant"], policies)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        send(1, {"ended": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])})


if __name__ == "__main__":
    main()
