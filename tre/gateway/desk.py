"""Where questions wait: one queue, one runner thread a worker, so that a question waits *before* anything is charged.

Promises that a waiting question can be cancelled for nothing and that a full queue refuses. Never looks into a question.
"""

from __future__ import annotations

import threading
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


class Desk(Generic[Q, W]):
    """A first-in first-out queue in front of the workers; ``run`` takes a job down the rest of the road with one worker."""

    def __init__(self, workers: list[W], run: Callable[[Q, W], Outcome]) -> None:
        self._run = run
        self._jobs: deque[Q] = deque()
        self._lock = threading.Condition()
        self._open = True
        self._threads = [threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in workers]

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

    def close(self) -> list[Q]:
        """Stop: the running questions finish, the waiting ones are given back."""
        with self._lock:
            self._open = False
            left = list(self._jobs)
            self._jobs.clear()
            self._lock.notify_all()
        for thread in self._threads:
            if thread.ident is not None:  # never started where opening failed
                thread.join()
        return left

    def _next(self) -> Q | None:
        with self._lock:
            self._lock.wait_for(lambda: self._jobs or not self._open)
            return self._jobs.popleft() if self._jobs else None

    def _serve(self, worker: W) -> None:
        while (job := self._next()) is not None:
            try:
                job.ticket.coming.set_result(self._run(job, worker))
            except Exception:  # noqa: BLE001 - not even the outcome could be written: recovery will, at the next start
                job.ticket.coming.set_exception(Fault("unwritten"))
