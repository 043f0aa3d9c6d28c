"""At start: every question that a stop left open gets its outcome, before the port opens.

A sealed release is published on its reservation if the registers have not moved, not before its time; a reservation without
one is a fault whose charge is kept; a question that only waited is a fault that cost nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tre import audit, budget, optouts, projects, releases, store
from tre.errors import Refusal
from tre.gateway import closing, entries
from tre.gateway.envelope import envelope
from tre.gateway.house import House
from tre.gateway.outcomes import Faulted, to_bytes
from tre.releases import Envelope, Unfinished
from tre.state import Transaction
from tre.terms import Person


def recover(house: House) -> int:
    """Close what is open; how many there were."""
    with house.state.read() as tx:
        left = releases.unfinished(tx)
        people = {one.name: one.person for one in projects.identities(tx)}
    for found in left:
        _finish(house, found, people)
    return len(left)


def _finish(house: House, found: Unfinished, people: dict[str, Person]) -> None:
    person = people[found.question.person]
    if found.sealed is not None:
        due = datetime.fromisoformat(found.sealed.release_at)
        time.sleep(max(0.0, (due - house.clock()).total_seconds()))
    house.state.write(lambda tx: _published(tx, found, person, house) or _faulted(tx, found, person, house))


def _published(tx: Transaction, found: Unfinished, person: Person, house: House) -> bool:
    """False when nothing is sealed, or not to be seen: opt-outs moved, it was cancelled, an alarm stopped the dataset."""
    sealed, question = found.sealed, found.question
    if question.cancelled_at is not None or (sealed and store.stopped(tx, sealed.snapshot)):
        return False
    if sealed is None or not _unmoved(tx, house, question.dataset, sealed.regimes, sealed.version):
        return False
    if projects.exemption_ended(tx, question.project, datetime.fromisoformat(question.asked_at), house.clock()):
        return False
    at = max(house.clock(), datetime.fromisoformat(sealed.release_at).astimezone(UTC))
    reservation = next(one for one in budget.open_reservations(tx) if one.id == sealed.reservation)
    published = releases.unseal(tx, sealed.reservation, at)
    budget.settle(tx, sealed.reservation, "released", at)
    taken = entries.Taken(reservation.id, question.id, question.project, question.dataset)
    entry = entries.released(at, person, taken, published, redrawn=False)
    body = envelope(
        balance=budget.balance(tx, f"project:{question.project}"),
        question=question.id,
        project=question.project,
        sql=question.text.sql if question.text else "",
        asked_at=question.asked_at,
        statement=published.statement,
        loss=reservation.loss,
        position=audit.append(tx, entry),
    )
    releases.close(tx, question.id, "released", Envelope(body), at)
    return True


def _unmoved(tx: Transaction, house: House, dataset: str, regimes: tuple[str, ...], version: int) -> bool:
    """Not where a list counts as never delivered: after a restore, nothing is known of what reached it since."""
    if dataset not in house.policies.datasets:
        return False
    try:
        return optouts.standing(tx, regimes, house.policies.datasets[dataset].opt_outs.national).version == version
    except Refusal:
        return False


def _faulted(tx: Transaction, found: Unfinished, person: Person, house: House) -> bool:
    """Not counted against the project: the stop was ours."""
    question, at = found.question, house.clock()
    if question.cancelled_at is not None:
        closing.cancelled(tx, question.id, person, question.project, question.dataset, question.reservation, at)
        return True
    if question.reservation is not None:
        budget.settle(tx, question.reservation, "fault", at)
    releases.close(tx, question.id, "fault", Envelope(to_bytes(Faulted(question.id)), 500), at)
    audit.append(tx, entries.fault(at, person, question.project, question.dataset, question.id, question.reservation))
    return True
