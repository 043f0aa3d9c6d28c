"""Step 5: a release that answers the question already is given again, the same statement byte for byte in a new envelope.

In the project that paid it costs nothing. In another project of the dataset the dataset is charged nothing, for nothing more is
drawn; the project and the researcher are charged what the release cost, for it becomes part of all that they have received. From
then on it is a release of that project too.

A repeat leaves at once, so whoever receives one sees that some other project has asked the same. That is accepted: the dataset is
charged nothing, and the public log tells it too. The envelope says that it is a repeat, and of which question only where that is
one of the project's own.

Nobody pays more for another project's release than the question costs by itself, as it was asked and as preview told it: a
finer release was dearer, and giving it would let one project drain another's budget. Such a question is drawn.

No release crosses from one kind of accounting to the other: the kind, and with it the mechanism, is part of what it is found by.
A concentrated release fits no pure account; a pure one would fit a concentrated account as rho, and has not the noise asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from tre import audit, budget, optouts, projects, releases
from tre.errors import Refusal
from tre.gateway import asking, entries
from tre.gateway.asking import Idempotency
from tre.gateway.closing import cancelled
from tre.gateway.envelope import envelope
from tre.gateway.house import House
from tre.gateway.known import Sought
from tre.gateway.outcomes import Outcome, Released
from tre.gateway.preparing import Footing, Job, footing, new_id, same_ground
from tre.loss import PrivacyLoss
from tre.releases import Envelope, Published
from tre.state import Transaction
from tre.terms import Person, Request, Reservation, timestamp


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that an earlier release may answer. ``plan``: the digest of its restricted plan."""

    question: str
    person: Person
    request: Request
    at: datetime
    sought: Sought
    plan: str = ""
    reservation: str = field(default_factory=new_id)


def repeat(house: House, job: Job) -> Outcome | None:
    """An earlier release, its question closed; None when there is none. BUDGET_EXHAUSTED when it is another project's, and its
    charge does not fit."""
    if job.request.fresh:
        return None
    asked = Asked(job.ticket.question, job.person, job.request, job.asked_at, job.sought, job.restricted.digest)
    with house.state.read() as tx:
        if _own(tx, asked) is None and next(_others(tx, asked), None) is None:
            return None

    def write(tx: Transaction) -> Outcome | None:
        at = house.clock()
        stand = footing(tx, house, job.person, job.request, at)
        same_ground(job.restricted, stand)
        if found := _own(tx, asked):
            return _given(tx, asked, stand, found, at)
        other = next(_others(tx, asked), None)
        return None if other is None else _received(tx, asked, stand, other, at)

    outcome = house.state.write(write)
    if outcome is not None:
        house.known.keep(job.request, job.sought)
    return outcome


def at_once(house: House, token: str, person: Person, request: Request, key: Idempotency | None) -> Future[Outcome | None] | None:
    """Steps 1 to 5 and the outcome in one transaction, for a question that its project has had answered by a release of its own
    before: asked is written down before released, both or neither. The future's None, as None: nothing was written, it takes the
    road. So does whatever is refused or goes wrong, so that each outcome is made in one place."""
    sought = house.known.find(request)
    if sought is None:
        return None
    asked = Asked(new_id(), person, request, house.clock(), sought)

    def write(tx: Transaction) -> Outcome | None:
        at = house.clock()
        if projects.who(tx, token) != person:
            return None
        try:
            stand = footing(tx, house, person, request, at)
        except Refusal:
            return None
        now = (stand.permit.purpose, stand.permit.exemptions, stand.stated)
        same = now == (sought.purpose, sought.exemptions, sought.stated)
        found = _own(tx, asked) if same else None
        if found is None:
            house.known.forget(request)
            return None
        if not asking.write_down(tx, house, person, request, key, asked.question, asked.at, request.project):
            return None
        return _given(tx, asked, stand, found, at)

    return house.state.submit(write)


def _own(tx: Transaction, asked: Asked) -> Published | None:
    """A release of the asker's own project that is at least as accurate in every statistic."""
    sought = asked.sought
    return releases.find(tx, asked.request.project, sought.repeat_key, sought.scales, sought.kind)


def _others(tx: Transaction, asked: Asked) -> Iterator[Published]:
    """The same of the dataset's other projects, newest first, each of them no dearer than the question."""
    sought, request = asked.sought, asked.request
    for found in releases.elsewhere(tx, request.project, request.dataset, sought.repeat_key, sought.scales, sought.kind):
        if budget.loss_of(tx, found.reservation).fits(sought.loss):
            yield found


def _given(tx: Transaction, asked: Asked, stand: Footing, found: Published, at: datetime) -> Outcome:
    """In the project that paid: nothing is charged."""
    entry = entries.repeated(at, asked.person, asked.request, asked.question, found.question, found.digest)
    body = _enveloped(asked, stand, stand.balance, found, PrivacyLoss(), audit.append(tx, entry), found.question)
    releases.close(tx, asked.question, "released", Envelope(body), at, repeat_of=found.question)
    return Released(asked.question, body)


def _received(tx: Transaction, asked: Asked, stand: Footing, found: Published, at: datetime) -> Outcome:
    """From another project: reserved, received, settled and logged at once, or refused and nothing of it."""
    request, person = asked.request, asked.person
    if not releases.start(tx, asked.question, asked.reservation, at):
        return cancelled(tx, asked.question, person, request.project, request.dataset, None, at)
    optouts.fix_mode(tx, stand.people, stand.regimes, at)
    reservation = _reserved(tx, asked, stand, found, at)
    own = releases.receive(tx, reservation, found, at)
    budget.settle(tx, reservation.id, "released", at)
    taken = entries.Taken(reservation.id, asked.question, request.project, request.dataset)
    position = audit.append(tx, entries.released(at, person, taken, own, redrawn=False, repeat_of=found.question))
    balance = budget.balance(tx, f"project:{request.project}")
    body = _enveloped(asked, stand, balance, own, reservation.loss, position, None)
    releases.close(tx, asked.question, "released", Envelope(body), at)
    return Released(asked.question, body)


def _reserved(tx: Transaction, asked: Asked, stand: Footing, found: Published, at: datetime) -> Reservation:
    reservation = budget.reserve(
        tx,
        id=asked.reservation,
        question=asked.question,
        project=asked.request.project,
        dataset=asked.request.dataset,
        person=asked.person.name,
        loss=budget.loss_of(tx, found.reservation),
        at=at,
        drawn=False,
    )
    audit.append(tx, entries.reserved(at, asked.person, reservation, asked.plan, stand.regimes, repeat_of=found.question))
    return reservation


def _enveloped(
    asked: Asked,
    stand: Footing,
    balance: budget.Balance,
    found: Published,
    loss: PrivacyLoss,
    position: audit.Position,
    repeat_of: str | None,
) -> bytes:
    return envelope(
        balance=balance,
        question=asked.question,
        project=asked.request.project,
        sql=asked.request.sql,
        asked_at=timestamp(asked.at),
        statement=found.statement,
        loss=loss,
        position=position,
        repeat=True,
        repeat_of=repeat_of,
        stale=(found.snapshot, found.version) != (stand.snapshot.id, stand.version),
    )
