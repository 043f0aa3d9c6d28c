"""Where questions wait: one queue, one runner thread a worker, so that a question waits *before* anything is charged.

Promises that a waiting question can be cancelled for nothing and that a full queue refuses. Never looks into a question.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from tre.errors import Fault, Reason, Refusal
from tre.gateway.outcomes import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """What the asker holds: the question's id and where its outcome will appear."""

    question: str
    coming: Future[Outcome] = field(default_factory=Future)


class Queued(Protocol):
    @property
    def ticket(self) -> Ticket: ...

    @property
    def queue_limit(self) -> int: ...


Q = TypeVar("Q", bound=Queued)
W = TypeVar("W")
# An errand waits for a moment without questions; after so long it is run between two of them.
PATIENCE_S = 5.0


@dataclass(slots=True, eq=False)
class _Errand(Generic[W]):
    """Something to do with one worker when no question needs it."""

    do: Callable[[W], None]
    since: float = field(default_factory=time.monotonic)
    done: Future[None] = field(default_factory=Future)

    @property
    def patient(self) -> bool:
        return time.monotonic() < self.since + PATIENCE_S

    def run(self, worker: W) -> None:
        try:
            self.do(worker)
        except BaseException as error:  # noqa: BLE001 - it is for whoever sent it
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


class Desk(Generic[Q, W]):
    """A first-in first-out queue in front of the workers; ``run`` takes a job down the rest of the road with one worker."""

    def __init__(self, workers: list[W], run: Callable[[Q, W], Outcome]) -> None:
        self._run = run
        self._jobs: deque[Q] = deque()
        self._lock = threading.Condition()
        self._open = True
        self._errands: dict[int, _Errand[W]] = {}
        self._workers = workers
        self._threads = [threading.Thread(target=self._serve, args=(place,), daemon=True) for place in range(len(workers))]

    def open(self) -> None:
        for thread in self._threads:
            thread.start()

    def put(self, job: Q) -> None:
        """Queue a job; TOO_MANY_REQUESTS when the queue is as long as the policy says."""
        with self._lock:
            if not self._open:
                raise Refusal(Reason.NOT_READY, "The service is closing.", "Send the question again in a minute.")
            if len(self._jobs) >= job.queue_limit:
                raise Refusal(
                    Reason.TOO_MANY_REQUESTS, "The queue of questions is full; nothing was charged.", "Send it again later."
                )
            self._jobs.append(job)
            self._lock.notify()

    def withdraw(self, question: str) -> Q | None:
        """Take a waiting job out of the queue; None when it is not waiting any more."""
        with self._lock:
            for job in self._jobs:
                if job.ticket.question == question:
                    self._jobs.remove(job)
                    return job
        return None

    def each(self, do: Callable[[W], None], over: threading.Event) -> None:
        """Do something with each worker, one after the other, between its questions: the others go on. Ends early when ``over``
        or closed; raises what ``do`` raised."""
        for place in range(len(self._workers)):
            errand = _Errand(do)
            with self._lock:
                if not self._open or over.is_set():
                    return
                self._errands[place] = errand
                self._lock.notify_all()
            errand.done.result()

    def close(self) -> list[Q]:
        """Stop: the running questions finish, the waiting ones are given back."""
        with self._lock:
            self._open = False
            left = list(self._jobs)
            self._jobs.clear()
            for errand in self._errands.values():
                errand.done.set_result(None)
            self._errands.clear()
            self._lock.notify_all()
        for thread in self._threads:
            if thread.ident is not None:  # never started where opening failed
                thread.join()
        return left

    def _next(self, place: int) -> Q | _Errand[W] | None:
        """A question before an errand, unless the errand has waited long."""
        with self._lock:
            self._lock.wait_for(lambda: self._jobs or place in self._errands or not self._open)
            errand = self._errands.get(place)
            if errand is not None and not (self._jobs and errand.patient):
                self._lock.notify()  # whoever else is idle takes the question that waits
                return self._errands.pop(place)
            return self._jobs.popleft() if self._jobs else None

    def _serve(self, place: int) -> None:
        worker = self._workers[place]
        while (job := self._next(place)) is not None:
            if isinstance(job, _Errand):
                job.run(worker)
                continue
            try:
                job.ticket.coming.set_result(self._run(job, worker))
            except Exception:  # noqa: BLE001 - not even the outcome could be written: recovery will, at the next start
                job.ticket.coming.set_exception(Fault("unwritten"))
