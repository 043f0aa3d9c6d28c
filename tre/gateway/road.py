"""The road itself, in its one order. Each step is a room's; this file holds the order and nothing else.

1 asked is logged · 2 permit · 3 parse · 4 restrict · 5 an earlier release? · 6 wait for a worker
7 reserve, logged; the release time is fixed · 8 the vault answers; sealed · 9 wait for the release time
10 unseal, settle, logged · 11 return
"""

from __future__ import annotations

from tre import releases
from tre.errors import Fault, Refusal
from tre.gateway import asking, closing, repeating
from tre.gateway.desk import Desk, Ticket
from tre.gateway.house import House
from tre.gateway.outcomes import Outcome
from tre.gateway.preparing import Job, ReleaseTime, new_id, prepare
from tre.gateway.reserving import MOVES, Ground, Hold, ground, order, position, renewed, reserve
from tre.plan.steps import release_time as published_steps
from tre.terms import Person, Request
from tre.vault import Worker


class Road:
    """Steps 1 to 11 over one house. ``release_time=None``, for benchmarks only, publishes as soon as sealed: no policy and no
    setting reaches it."""

    def __init__(self, house: House, workers: list[Worker], release_time: ReleaseTime | None = published_steps) -> None:
        self.house = house
        self.workers = workers
        self.desk: Desk[Job, Worker] = Desk(workers, self._second_half)
        self._release_time = release_time

    def ask(self, person: Person, request: Request, key: asking.Idempotency | None = None) -> Ticket:
        """Steps 1 to 5; then the ticket has its outcome already (a refusal, a repeat, a replay) or waits for a worker."""
        at = self.house.clock()
        entered = asking.enter(self.house, person, request, key, new_id(), at)  # 1
        ticket = Ticket(entered.question)
        if entered.replay is not None:
            ticket.coming.set_result(entered.replay)
            return ticket
        outcome: Outcome | None
        try:
            job = prepare(self.house, ticket, person, request, at, self._release_time)  # 2, 3, 4
            outcome = repeating.repeat(self.house, job)  # 5
            if outcome is None:
                self.desk.put(job)  # 6
        except Refusal as refusal:
            outcome = closing.refuse(self.house, ticket.question, person, request, refusal)
        except Exception:  # noqa: BLE001 - the log never has a question without an outcome
            outcome = closing.fault(self.house, ticket.question, person, request, None)
        if outcome is not None:
            ticket.coming.set_result(outcome)
        return ticket

    def cancel(self, question: str) -> str:
        """Cancelled while it waits; running once a worker has it: then it is cancelled at its release time. Written down first,
        so that not even a crash publishes it."""
        self.house.state.write(lambda tx: releases.cancel(tx, question, self.house.clock()), urgent=True)
        job = self.desk.withdraw(question)
        if job is None:
            return "running"
        person, request = job.person, job.request
        job.ticket.coming.set_result(closing.cancel(self.house, question, person, request.project, request.dataset))
        return "cancelled"

    def _second_half(self, job: Job, worker: Worker) -> Outcome:
        """Steps 7 to 11 on one worker; whatever happens, the question has an outcome."""
        person, request, question = job.person, job.request, job.ticket.question
        try:
            repeat = repeating.repeat(self.house, job)  # 5 again: it may have been answered while this one waited
            if repeat is not None:
                return repeat
            hold = self._reserve(job, worker)  # 7
        except Refusal as refusal:
            return closing.refuse(self.house, question, person, request, refusal)
        except Exception:  # noqa: BLE001 - the log never has a question without an outcome
            return closing.fault(self.house, question, person, request, None)
        if hold is None:
            return closing.cancel(self.house, question, person, request.project, request.dataset)
        return self._answer(job, worker, hold)  # 8, 9, 10

    def _reserve(self, job: Job, worker: Worker) -> Hold | None:
        """The worker has the records open before anything is charged. None when the question was cancelled while it waited."""
        for _ in range(MOVES):
            held = reserve(self.house, job, self._opened(job, worker))
            if held != "moved":
                return held if isinstance(held, Hold) else None
        raise Fault("moved")

    def _opened(self, job: Job, worker: Worker) -> Ground:
        """The ground as it is now, open in the worker. What was superseded while it was opened may have been unlinked by then:
        that is no fault of the records, and the ground is taken again."""
        for _ in range(MOVES):
            before = self._position(job)
            try:
                on = ground(self.house, job)
                worker.prepare(on.snapshot, on.exclusion, job.tables)
            except (Fault, OSError):
                if self._position(job) == before:
                    raise
            else:
                return on
        raise Fault("moved")

    def _position(self, job: Job) -> tuple[str | None, int]:
        return position(self.house, job.request.dataset, job.restricted.regimes)

    def _answer(self, job: Job, worker: Worker, hold: Hold) -> Outcome:
        """At most two draws: one more when an opt-out landed while the first was unseen: the registers' version decides."""
        fate = self._drawn(job, worker, hold, redrawn=False)
        if fate == "moved":
            try:
                on = self._opened(job, worker)
            except Exception:  # noqa: BLE001 - reserved: the charge is kept, and nothing is said
                return self._failed(job, hold, "moved")
            hold = renewed(self.house, job, hold, on)
            fate = self._drawn(job, worker, hold, redrawn=True)
        return self._failed(job, hold, fate) if isinstance(fate, str) else fate

    def _drawn(self, job: Job, worker: Worker, hold: Hold, redrawn: bool) -> Outcome | str:
        """Steps 8 to 10; the word of what went wrong, no sooner than an answer would be seen."""
        code = self._draw(job, worker, hold)
        hold.wait()  # 9
        if code is not None:
            return code
        try:
            return closing.publish(self.house, job, hold, redrawn)  # 10, 11
        except Exception:  # noqa: BLE001 - the same
            return "unpublished"

    def _draw(self, job: Job, worker: Worker, hold: Hold) -> str | None:
        """Step 8: answered and sealed, or the word of the fault."""
        try:
            release = worker.answer(order(self.house, job, hold))
            closing.seal(self.house, job, hold, release)
        except Fault as fault:
            return fault.code
        except Exception:  # noqa: BLE001 - the same
            return "unforeseen"
        return "late" if hold.late else None

    def _failed(self, job: Job, hold: Hold, code: str) -> Outcome:
        return closing.fault(self.house, job.ticket.question, job.person, job.request, hold, code)
