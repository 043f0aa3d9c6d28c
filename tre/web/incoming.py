"""Lists that are read as they come, on threads of their own: so many at once, one of each person, each at a least rate. So nobody
keeps the others out, neither by many connections nor by a byte now and then.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

from anyio import CapacityLimiter, Event, fail_after, from_thread, move_on_after, to_thread

from tre.errors import Reason, Refusal
from tre.terms import Person

T = TypeVar("T")
AT_ONCE = 4
# So much has to come while it is waited for so long: over a line of 1 Mbit/s it takes eight seconds. What is done with it counts
# for nothing, so that a busy machine cuts nobody off.
LEAST, WITHIN_S = 2**20, 30.0
# Whoever sends again as soon as a connection broke comes before that was noticed.
PATIENCE_S = 1.0


class Incoming:
    """The lists of one call. Only the loop's thread comes here."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(AT_ONCE)
        self._sending: dict[str, Event] = {}

    async def read(self, person: Person, parts: AsyncIterator[bytes], take: Callable[[Iterator[bytes]], T]) -> T:
        """What ``take`` makes of the parts, on a thread that waits for each; TOO_MANY_REQUESTS while another list of this person
        is read, INVALID_REQUEST when too little comes."""
        async with self._turn(person):
            return await to_thread.run_sync(take, pulled(parts), limiter=self._threads)

    @asynccontextmanager
    async def _turn(self, person: Person) -> AsyncIterator[None]:
        with move_on_after(PATIENCE_S):
            while (other := self._sending.get(person.name)) is not None:
                await other.wait()
        if person.name in self._sending:
            raise Refusal(Reason.TOO_MANY_REQUESTS, "Another list of yours is being received.", "Send this one after it.")
        over = self._sending[person.name] = Event()
        try:
            yield
        finally:
            del self._sending[person.name]
            over.set()


def pulled(parts: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The parts of a body as they come, for a thread that waits for each; INVALID_REQUEST when too little comes."""
    came, waited = 0, 0.0
    while (found := from_thread.run(_next, parts, WITHIN_S - waited)) is not None:
        part, took = found
        came, waited = came + len(part), waited + took
        if came >= LEAST:
            came, waited = 0, 0.0
        yield part


async def _next(parts: AsyncIterator[bytes], left_s: float) -> tuple[bytes, float] | None:
    """The next part and how many seconds it was waited for; None after the last."""
    began = time.monotonic()
    try:
        with fail_after(left_s):
            part = await anext(parts, None)
    except TimeoutError:
        detail = f"Of the body less than {LEAST // 2**20} MiB came in {WITHIN_S:.0f} seconds; nothing of it was entered."
        raise Refusal(Reason.INVALID_REQUEST, detail, "Send it again, over a faster line.") from None
    return None if part is None else (part, time.monotonic() - began)
