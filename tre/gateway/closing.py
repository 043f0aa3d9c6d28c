"""The ends of a question, each one transaction: its outcome is stored in its bytes, its loss settled, its entry written."""

from __future__ import annotations

import logging
from datetime import datetime

from tre import audit, budget, projects, releases, store
from tre.errors import Reason, Refusal
from tre.gateway import entries
from tre.gateway.envelope import envelope
from tre.gateway.house import House
from tre.gateway.outcomes import Cancelled, Faulted, Outcome, Refused, Released, refused, to_bytes
from tre.gateway.preparing import Job
from tre.gateway.reserving import Hold, unmoved
from tre.releases import Envelope
from tre.state import Transaction
from tre.terms import Person, Release, Request, timestamp

log = logging.getLogger("tre.gateway")
# After these the same question may be sent again under the same key: a stored "not now" must not stand for ever.
PASSING = {Reason.TOO_MANY_REQUESTS, Reason.NOT_READY, Reason.OPT_OUTS_STALE}
NOBODYS = {"moved"}  # two lists met it: whoever delivers one by one would hold every project that asks
DISCLOSING = {"alarm"}  # faults after which a dataset stops answering: its guarantee may have failed


def refuse(house: House, question: str, person: Person, request: Request, refusal: Refusal) -> Refused:
    """Nothing was charged; the log has the reason."""
    outcome, at = refused(question, refusal), house.clock()

    def write(tx: Transaction) -> None:
        if refusal.reason in PASSING:
            releases.free_key(tx, question)
        releases.close(tx, question, "refused", Envelope(to_bytes(outcome)), at)
        audit.append(tx, entries.refused(at, person, request.project, request.dataset, question, refusal))

    house.state.write(write)
    return outcome


def seal(house: House, job: Job, hold: Hold, release: Release) -> None:
    """The end of step 8: durable, read by no road, and no entry."""
    house.state.write(
        lambda tx: releases.seal(
            tx,
            hold.reservation,
            release,
            repeat_key=job.sought.repeat_key,
            scales=job.sought.scales,
            exclusion=hold.ground.exclusion,
            release_at=hold.due,
            at=house.clock(),
        ),
        urgent=True,
    )


def publish(house: House, job: Job, hold: Hold, redrawn: bool) -> Outcome | str:
    """Step 10, decided inside its own transaction. Cancelled: the charge stays and nothing is published. "moved": an opt-out has
    landed since it was drawn. "stopped": an alarm has stopped the dataset. In each case the unseen draw is discarded."""
    question, at = job.ticket.question, hold.due or house.clock()

    def write(tx: Transaction) -> Outcome | str:
        found = releases.get(tx, question)
        if found is None or found.cancelled_at is not None:
            return cancelled(tx, question, job.person, job.request.project, job.request.dataset, hold.reservation.id, at)
        if store.stopped(tx, hold.ground.snapshot.id):
            return "stopped"
        if not unmoved(tx, job, hold, at):
            releases.discard(tx, hold.reservation.id)
            return "moved"
        published = releases.unseal(tx, hold.reservation.id, at)
        budget.settle(tx, hold.reservation.id, "released", at)
        taken = entries.Taken(hold.reservation.id, question, job.request.project, job.request.dataset)
        entry = entries.released(at, job.person, taken, published, redrawn)
        body = envelope(
            balance=budget.balance(tx, f"project:{job.request.project}"),
            question=question,
            project=job.request.project,
            sql=job.request.sql,
            asked_at=timestamp(job.asked_at),
            statement=published.statement,
            loss=hold.reservation.loss,
            position=audit.append(tx, entry),
        )
        releases.close(tx, question, "released", Envelope(body), at)
        return Released(question, body)

    return house.state.write(write, urgent=True)


def fault(house: House, question: str, person: Person, request: Request, hold: Hold | None, code: str = "") -> Faulted:
    """Our failure: what was reserved stays charged, the project's faults are counted, but for those that any project would have
    had, and nothing is told but the id."""
    outcome, at = Faulted(question), (hold.due if hold and hold.due else house.clock())

    def write(tx: Transaction) -> None:
        reservation = hold.reservation.id if hold else None
        if reservation:
            budget.settle(tx, reservation, "fault", at)
            if code not in NOBODYS:
                limit = house.policies.datasets[request.dataset].accounting.faults_before_hold
                projects.add_fault(tx, request.project, limit, at)
        if code in DISCLOSING:
            store.stop(tx, request.dataset, at)
            audit.append(tx, entries.incident(at, request.dataset))
        releases.close(tx, question, "fault", Envelope(to_bytes(outcome), 500), at)
        audit.append(tx, entries.fault(at, person, request.project, request.dataset, question, reservation))

    # For whoever runs the service, on its own standard error: the word is one of a short list and says nothing of a record.
    log.warning("fault %s: %s", question, code or "unforeseen")
    house.state.write(write, urgent=hold is not None)
    return outcome


def cancel(house: House, question: str, person: Person, project: str, dataset: str) -> Cancelled:
    """The asker did not want it any more while it waited: free."""
    return house.state.write(lambda tx: cancelled(tx, question, person, project, dataset, None, house.clock()))


def cancelled(
    tx: Transaction, question: str, person: Person, project: str, dataset: str, reservation: str | None, at: datetime
) -> Cancelled:
    if reservation:
        budget.settle(tx, reservation, "cancelled", at)
    outcome = Cancelled(question)
    releases.close(tx, question, "cancelled", Envelope(to_bytes(outcome), 410), at)
    audit.append(tx, entries.cancelled(at, person, project, dataset, question, reservation))
    return outcome
