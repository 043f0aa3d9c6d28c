"""The gateway as the door sees it: ask, look, cancel, preview; opened once for a home, closed clean."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from tre import optouts, projects, releases, store
from tre.errors import Fault, Reason, Refusal
from tre.gateway import asking, closing, recovering, repeating
from tre.gateway.calibrated import release_times
from tre.gateway.desk import Ticket
from tre.gateway.house import House
from tre.gateway.outcomes import Outcome, Pending, Standing
from tre.gateway.pace import Pace
from tre.gateway.preparing import ReleaseTime, foretell
from tre.gateway.road import Road
from tre.gateway.tending import Tending, ground_of, regimes_in_use
from tre.keys import Keys
from tre.plan.offer import catalogue
from tre.plan.reading import Reader
from tre.plan.steps import release_time as published_steps
from tre.policy import REGIMES, Policies
from tre.releases import Question
from tre.settings import Settings
from tre.state import State, Transaction
from tre.terms import Person, Request
from tre.vault import Worker

MEMORY_GB = 4  # of the engines together; no worker has less than half of it
log = logging.getLogger("tre.gateway")


class Gateway:
    """Over one house and its workers."""

    def __init__(self, house: House, workers: list[Worker], release_time: ReleaseTime | None = published_steps) -> None:
        self.house = house
        self._road = Road(house, workers, release_time)
        self._pace = Pace()
        self._broken: set[str] = set()

    @classmethod
    @contextmanager
    def open(
        cls,
        settings: Settings,
        state: State,
        policies: Policies,
        keys: Keys,
        *,
        release_time: ReleaseTime | None = published_steps,
    ) -> Iterator[Self]:
        """Workers and reader started, what a stop left open closed, live records open; everything ended at the end."""
        sandbox = settings.sandbox == "on"
        house = House(
            state=state,
            policies=policies,
            catalogues={name: catalogue(policy) for name, policy in policies.datasets.items()},
            keys=keys,
            reader=Reader(sandbox),
            store=settings.store,
            registers=settings.registers,
            digests={name: policy.digest for name, policy in policies.datasets.items()},
            schemas={name: policy.schema_digest for name, policy in policies.datasets.items()},
            sandbox=sandbox,
            release_time=release_times(settings, state, policies),
        )
        memory_gb = MEMORY_GB if settings.workers == 1 else MEMORY_GB // 2
        made = [Worker(settings.store, settings.work, sandbox, cores, memory_gb) for cores in share_cores(settings.workers)]
        gateway = cls(house, made, house.release_time if release_time is published_steps else release_time)
        try:
            store.sweep(settings.store)
            store.sweep(settings.registers)  # a list that was coming in when the service was killed
            recovering.recover(house)
            gateway.warm()
            gateway._road.desk.open()
            yield gateway
        finally:
            gateway.close()

    def close(self) -> None:
        """Running questions finish; waiting ones are told that they cost nothing."""
        for job in self._road.desk.close():
            refusal = Refusal(Reason.NOT_READY, "The service was closed before the question ran; nothing was charged.")
            outcome = closing.refuse(self.house, job.ticket.question, job.person, job.request, refusal)
            job.ticket.coming.set_result(outcome)
        for worker in self._road.workers:
            worker.close()
        self.house.reader.close()

    def warm(self) -> None:
        """Open the live records in each worker, so that the first question does not wait for that."""
        for dataset in self.house.policies.datasets:
            for regimes in regimes_in_use(self.house, dataset):
                self._warm(dataset, regimes)

    def _warm(self, dataset: str, regimes: tuple[str, ...]) -> None:
        try:
            ground = ground_of(self.house, dataset, regimes)
            if ground is not None:
                for worker in self._road.workers:
                    worker.prepare(*ground)
        except (Fault, OSError):
            # Served all the same: the log, the register and the other datasets are there. Its questions fault until it is loaded.
            self._broken.add(dataset)
            log.warning("the records of %s cannot be opened; load them again", dataset)

    def tended(self, checks: Sequence[Callable[[], object]] = ()) -> AbstractContextManager[None]:
        """From here to the end, records that moved are opened beside the questions, and each of ``checks`` is run, about once a
        second."""
        return Tending(self.house, self._road.desk, checks).running()

    def ask(self, person: Person, request: Request, key: asking.Idempotency | None = None) -> Ticket:
        """Send a question down the road."""
        return self._road.ask(person, request, key)

    def again(
        self, token: str, person: Person, request: Request, key: asking.Idempotency | None = None
    ) -> Future[Outcome | None] | None:
        """A question that was answered by an earlier release before, once more, without waiting for it; None, or the future's
        None: send it down the road. ``person`` held the token a moment ago: whether it is so still is looked up with
        the rest."""
        return repeating.at_once(self.house, token, person, request, key)

    def preview(self, person: Person, request: Request) -> dict[str, Any]:
        """What a question would cost, from text and policy alone; no entry, no record, but a pace."""
        self._pace.take(person.name)
        return foretell(self.house, person, request)

    def standing(self, person: Person, question: str) -> Standing:
        """Where a question of one's own project stands; NOT_FOUND for any other."""
        with self.house.state.read() as tx:
            found = self._own(tx, person, question)
            return Pending(found.id, found.state) if found.open else asking.stored(tx, found)

    def cancel(self, person: Person, question: str) -> str:
        """Withdraw one's own question. What has an outcome keeps it."""
        with self.house.state.read() as tx:
            found = self._own(tx, person, question)
        if found.person != person.name:
            raise Refusal(Reason.ROLE_NOT_ALLOWED, "Only who asked a question cancels it.")
        return self._road.cancel(question) if found.open else found.state

    def history(self, person: Person, project: str | None, after: str | None, limit: int) -> dict[str, Any]:
        """Questions of one's own projects, newest first."""
        with self.house.state.read() as tx:
            own = {one.id for one in projects.of(tx, person)}
            if project is not None and project not in own:
                raise Refusal(Reason.NOT_FOUND)
            # After a question that is not one's own there is none: whether it exists, and when it was asked, is not told.
            place = releases.get(tx, after) if after is not None else None
            wanted = own if project is None else {project}
            found = releases.page(tx, wanted, after, limit) if after is None or (place and place.project in own) else []
        return {"queries": [_line(one) for one in found], "next": found[-1].id if len(found) == limit else None}

    def ready(self) -> dict[str, Any]:
        """Whether questions can be answered: from the database and the policy, never from the records."""
        with self.house.state.read() as tx:
            datasets = {name: self._dataset_ready(tx, name) for name in self.house.policies.datasets}
            alarmed = bool(optouts.standing_alarms(tx))
        return {
            "ready": self.house.state.sound and all(told == "ready" for told in datasets.values()),
            "ledger": "ok" if self.house.state.sound else "closed",
            "sandbox": "on" if self.house.sandbox else "off",
            "opt_outs": "alarm" if alarmed else "ok",
            "datasets": datasets,
        }

    def _dataset_ready(self, tx: Transaction, dataset: str) -> str:
        policy = self.house.policies.datasets[dataset]
        snapshot = store.live(tx, dataset)
        if snapshot is None:
            return "no records are live"
        if dataset in self._broken or not store.present(snapshot):
            return "the records cannot be opened"
        if snapshot.schema != self.house.schemas[dataset]:
            return "the records were loaded under other tables"
        fixed = optouts.mode(tx, self.house.policies.same_people(dataset))
        if fixed == ():
            return str(Reason.OPT_OUT_MODE)
        regimes = fixed or REGIMES
        try:
            lists = policy.opt_outs
            stand = optouts.check_age(tx, regimes, self.house.clock(), lists.max_list_age_days, lists.national)
            if stand.cleared is not None and not store.place_of(self.house.registers, stand.cleared).is_file():
                return str(Reason.OPT_OUTS_STALE)
        except Refusal as refusal:
            return str(refusal.reason)
        return "ready"

    def _own(self, tx: Transaction, person: Person, question: str) -> Question:
        found = releases.get(tx, question)
        if found is None or not asking.visible(tx, person, found):
            raise Refusal(Reason.NOT_FOUND)
        return found


def share_cores(workers: int) -> list[tuple[int, ...]]:
    """The cores of this process dealt out, so that workers never share one; all of them where there are too few."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < workers:
        return [()] * workers
    return [tuple(cores[place::workers]) for place in range(workers)]


def _line(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "project": question.project,
        "dataset": question.dataset,
        "sql": question.text.sql if question.text else None,
        "note": question.text.note if question.text else None,
        "asked_at": question.asked_at,
        "state": question.state,
        "repeat_of": question.repeat_of,
        "closed_at": question.closed_at,
    }
