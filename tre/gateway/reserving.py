"""Step 7: loss is taken and logged in one transaction, and the release time is fixed from plan and policy alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from tre import audit, budget, optouts, projects, releases, store
from tre.errors import Reason, Refusal
from tre.gateway import entries
from tre.gateway.house import House
from tre.gateway.preparing import Job, footing, same_ground
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
    for _ in range(MOVES):
        with house.state.read() as tx:
            stand = footing(tx, house, job.person, job.request, house.clock())
            same_ground(job.restricted, stand)
            try:
                return Ground(stand.snapshot, exclusion(tx, house, stand.snapshot, stand.standing, job.restricted.regimes))
            except FileNotFoundError:
                lost = stand.standing.cleared  # another list has come since, or the file of this one is gone
        with house.state.read() as tx:
            if footing(tx, house, job.person, job.request, house.clock()).standing.cleared == lost:
                break
    raise Refusal(
        Reason.OPT_OUTS_STALE, "A list of opt-outs that this purpose needs is not there.", "It has to be delivered again."
    )


def exclusion(
    tx: Transaction, house: House, snapshot: Snapshot, standing: optouts.Standing, regimes: tuple[str, ...]
) -> Exclusion:
    """The file of the people to leave out; FileNotFoundError when that of the cleared list is not there."""
    cleared = store.place_of(house.registers, standing.cleared) if standing.cleared is not None else None
    people = optouts.pseudonyms(tx, regimes)  # read only where the file is not there yet
    return store.exclude(snapshot, standing.version, regimes, people, standing.as_of, cleared)


def position(house: House, dataset: str, regimes: tuple[str, ...]) -> tuple[str | None, int]:
    """Which snapshot is live and which version the registers have: whether the ground has moved."""
    national = house.policies.datasets[dataset].opt_outs.national
    with house.state.read() as tx:
        snapshot = store.live(tx, dataset)
        return snapshot.id if snapshot else None, optouts.standing(tx, regimes, national).version


def reserve(house: House, job: Job, on: Ground) -> Hold | str:
    """Take the loss from every ceiling, or raise `Refusal`. "moved" when the ground is no longer that of the database,
    "withdrawn" when the question was cancelled while it waited."""

    def write(tx: Transaction) -> Reservation | str:
        at = house.clock()
        stand = footing(tx, house, job.person, job.request, at)
        same_ground(job.restricted, stand)
        if (stand.snapshot.id, stand.version) != (on.snapshot.id, on.exclusion.version):
            return "moved"
        if not releases.start(tx, job.ticket.question, job.reservation_id, at):
            return "withdrawn"
        optouts.fix_mode(tx, stand.people, job.restricted.regimes, at)
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
        audit.append(tx, entries.reserved(at, job.person, reservation, job.restricted.digest, job.restricted.regimes))
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


def unmoved(tx: Transaction, job: Job, hold: Hold, at: datetime) -> bool:
    """Whether the registers are still those of the exclusion and no exemption it stands on has ended: all that decides over a
    second draw."""
    left_out = hold.ground.exclusion
    if job.restricted.exemptions and projects.exemptions_over(tx, job.restricted.exemptions, at):
        return False
    return optouts.standing(tx, left_out.regimes, job.policy.opt_outs.national).version == left_out.version
