"""Step 7: loss is taken and logged in one transaction, and the release time is fixed from plan and policy alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from tre import audit, budget, optouts, releases, store
from tre.gateway import entries
from tre.gateway.house import House
from tre.gateway.preparing import Job, footing
from tre.plan.order import DisclosureRules, Order
from tre.state import Transaction
from tre.terms import Exclusion, Reservation, Snapshot

MOVES = 20  # how often the registers may move between making the file and reserving before it is our failure


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer is computed on: the live snapshot, and the file of the people to leave out of it."""

    snapshot: Snapshot
    exclusion: Exclusion


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation, its ground, and when its outcome is seen (None in a bench: as soon as sealed)."""

    reservation: Reservation
    ground: Ground
    due: datetime | None
    due_monotonic: float

    @property
    def late(self) -> bool:
        return self.due is not None and time.monotonic() > self.due_monotonic

    def wait(self) -> None:
        """Step 9."""
        if self.due is not None:
            time.sleep(max(0.0, self.due_monotonic - time.monotonic()))


def ground(house: House, job: Job) -> Ground:
    """The ground as it is now; the file is made once for each snapshot and version of the registers."""
    regimes = job.restricted.regimes
    with house.state.read() as tx:
        stand = footing(tx, house, job.person, job.request, house.clock())
        people = optouts.pseudonyms(tx, regimes)  # read only where the file is not there yet
        exclusion = store.exclude(stand.snapshot, stand.version, regimes, people, stand.as_of)
    return Ground(stand.snapshot, exclusion)


def position(house: House, job: Job) -> tuple[str | None, int]:
    """Which snapshot is live and which version the registers have: whether the ground has moved."""
    with house.state.read() as tx:
        snapshot = store.live(tx, job.request.dataset)
        return snapshot.id if snapshot else None, optouts.standing(tx, job.restricted.regimes).version


def reserve(house: House, job: Job, on: Ground) -> Hold | str:
    """Take the loss from every ceiling, or raise `Refusal`. "moved" when the ground is no longer that of the database,
    "withdrawn" when the question was cancelled while it waited."""

    def write(tx: Transaction) -> Reservation | str:
        at = house.clock()
        stand = footing(tx, house, job.person, job.request, at)
        if (stand.snapshot.id, stand.version) != (on.snapshot.id, on.exclusion.version):
            return "moved"
        if not releases.start(tx, job.ticket.question, job.reservation_id, at):
            return "withdrawn"
        reservation = budget.reserve(
            tx,
            id=job.reservation_id,
            question=job.ticket.question,
            project=job.request.project,
            dataset=job.request.dataset,
            person=job.person.name,
            loss=job.quote.loss,
            at=at,
        )
        audit.append(tx, entries.reserved(at, job.person, reservation, job.restricted.digest))
        return reservation

    taken = house.state.write(write, urgent=True)
    return taken if isinstance(taken, str) else _held(house, job, taken, on)


def renewed(house: House, job: Job, hold: Hold, on: Ground) -> Hold:
    """The same reservation on new ground, with a release time of equal length from now."""
    return _held(house, job, hold.reservation, on)


def _held(house: House, job: Job, reservation: Reservation, on: Ground) -> Hold:
    """The hand-over: the release time counts from here."""
    due = None if job.step_s is None else house.clock() + timedelta(seconds=job.step_s)
    return Hold(reservation, on, due, time.monotonic() + (job.step_s or 0.0))


def order(house: House, job: Job, hold: Hold) -> Order:
    """What the vault is asked."""
    disclosure = job.policy.disclosure
    return Order(
        restricted=job.restricted,
        reservation=hold.reservation,
        snapshot=hold.ground.snapshot,
        exclusion=hold.ground.exclusion,
        draws=job.quote.draws,
        disclosure=DisclosureRules(
            threshold=disclosure.threshold,
            rounding=disclosure.rounding,
            max_rows_out=disclosure.max_rows_out,
            policy=house.digests[job.request.dataset],
            sandbox="on" if house.sandbox else "off",
        ),
        max_persons=job.policy.max_persons,
        deadline_s=job.deadline_s,
        selection=job.quote.selection,
        choice=job.quote.choice,
    )


def unmoved(tx: Transaction, hold: Hold) -> bool:
    """Whether the registers are still those of the exclusion: all that decides over a second draw."""
    exclusion = hold.ground.exclusion
    return optouts.standing(tx, exclusion.regimes).version == exclusion.version
