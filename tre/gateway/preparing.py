"""Steps 2 to 5: from text to a job that can wait for a worker. Every refusal that can be known by now is made here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tre import budget, optouts, projects, store
from tre.errors import Reason, Refusal
from tre.gateway.desk import Ticket
from tre.gateway.house import House
from tre.gateway.known import Sought
from tre.loss import PrivacyLoss
from tre.plan.canonical import canonical_form
from tre.plan.nodes import Plan, tables_of
from tre.plan.offer import with_own_codelists
from tre.plan.preview import preview
from tre.plan.price import Quote, quote
from tre.plan.restricted import RestrictedPlan
from tre.policy import DatasetPolicy
from tre.projects import Permit
from tre.state import Transaction
from tre.terms import Person, Request, Snapshot, canonical, digest

# plan, published persons, quantum, deadline, published rows of tables → seconds
ReleaseTime = Callable[[Plan, int, int, float, Mapping[str, int]], float]


def new_id() -> str:
    """128 random bits, as 32 hexadecimal digits: says nothing of order or number."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One question, ready to wait for a worker. ``step_s``: the time after which its outcome is seen; None in a bench."""

    ticket: Ticket
    person: Person
    request: Request
    asked_at: datetime
    policy: DatasetPolicy
    purpose: str
    restricted: RestrictedPlan
    quote: Quote
    sought: Sought
    step_s: float | None
    deadline_s: float
    reservation_id: str = field(default_factory=new_id)

    @property
    def queue_limit(self) -> int:
        return self.policy.accounting.queue

    @property
    def tables(self) -> frozenset[str]:
        """Those that it reads: no others need be ready."""
        return tables_of(self.restricted.plan.relation)


@dataclass(frozen=True, slots=True)
class Footing:
    """What a question stands on at one moment of the database. ``people``: the names that stand for those of its dataset."""

    people: tuple[str, ...]
    permit: Permit
    balance: budget.Balance
    snapshot: Snapshot
    standing: optouts.Standing

    @property
    def version(self) -> int:
        """At which the registers this question needs last changed."""
        return self.standing.version

    @property
    def regimes(self) -> tuple[str, ...]:
        """The opt-outs that apply."""
        return self.permit.regimes

    @property
    def stated(self) -> PrivacyLoss:
        """What the project's stated budget opens."""
        return self.balance.ceiling


def footing(tx: Transaction, house: House, person: Person, request: Request, at: datetime) -> Footing:
    """Step 2, and again in the transaction that reserves: permitted, with the opt-outs that apply by now, under which the
    dataset answers; records live, opt-out lists young enough."""
    permit = projects.permit(tx, person, request.project, request.dataset, at, house.policies)
    policy = house.policy(request.dataset)
    snapshot = store.live(tx, request.dataset)
    if snapshot is None:
        raise Refusal(Reason.NOT_READY, "No records of this dataset are live.")
    if snapshot.schema != house.schemas[request.dataset]:
        raise Refusal(Reason.NOT_READY, "The records were loaded under other tables than the policy now names.")
    people = house.policies.same_people(request.dataset)
    optouts.check_mode(tx, people, permit.regimes)
    lists = policy.opt_outs
    standing = optouts.check_age(tx, permit.regimes, at, lists.max_list_age_days, lists.national)
    balance = budget.balance(tx, f"project:{request.project}")
    return Footing(people, permit, balance, snapshot, standing)


def same_ground(restricted: RestrictedPlan, stand: Footing) -> None:
    """Whether the exemptions of a question are still those it was restricted under. APPROVAL_LAPSED when one has ended while it
    waited: it is never answered under that one; CHANGED_MEANWHILE when there is another."""
    before, now = set(restricted.exemptions), set(stand.permit.exemptions)
    if before - now:
        raise Refusal(
            Reason.APPROVAL_LAPSED, "An exemption that this question stood on has ended.", "Ask again: the opt-outs apply."
        )
    if now - before:
        raise Refusal(Reason.CHANGED_MEANWHILE, "The project was given an exemption while this question waited.", "Ask again.")


def prepare(
    house: House, ticket: Ticket, person: Person, request: Request, at: datetime, release_time: ReleaseTime | None
) -> Job:
    """Steps 2 to 4, and the price. Raises `Refusal`."""
    with house.turns, house.state.read() as tx:
        stand = footing(tx, house, person, request, at)
    plan = parse(house, request)
    with house.turns:
        return _job(house, ticket, person, request, at, release_time, stand, plan)


def _job(
    house: House,
    ticket: Ticket,
    person: Person,
    request: Request,
    at: datetime,
    release_time: ReleaseTime | None,
    stand: Footing,
    plan: Plan,
) -> Job:
    """Step 4, the price, and how long the answer will take as far as anyone can see."""
    policy = house.policy(request.dataset)
    restricted = _restricted(plan, stand.permit)
    equal = _restricted(canonical_form(plan), stand.permit)
    priced = price(policy, plan, stand.stated, request)
    sought = Sought(
        purpose=stand.permit.purpose,
        exemptions=stand.permit.exemptions,
        stated=stand.stated,
        repeat_key=repeat_key(equal, house.digests[request.dataset], priced),
        scales=priced.scales,
        loss=priced.loss,
    )
    deadline_s = float(policy.accounting.deadline_s)
    step_s = None
    if release_time is not None:
        size = policy.published_size
        step_s = release_time(plan, size.persons, policy.accounting.quantum_ms, deadline_s, size.rows)
    return Job(
        ticket=ticket,
        person=person,
        request=request,
        asked_at=at,
        policy=policy,
        purpose=stand.permit.purpose,
        restricted=restricted,
        quote=priced,
        sought=sought,
        step_s=step_s,
        deadline_s=deadline_s if step_s is None else step_s * ANSWERED_BY,
    )


def _restricted(plan: Plan, permit: Permit) -> RestrictedPlan:
    return optouts.restrict(plan, permit.purpose, permit.regimes, permit.exemptions)


def parse(house: House, request: Request) -> Plan:
    """Step 3, in the reader."""
    codelists = with_own_codelists(house.policies.codelists, request.codelists)
    return house.reader.parse(request.sql, house.catalogues[request.dataset], codelists, request.project)


# A worker is killed a little before the release time, so that sealing is done by then.
ANSWERED_BY = 0.8


def price(policy: DatasetPolicy, plan: Plan, stated: PrivacyLoss, request: Request) -> Quote:
    """The charge and the draws of a plan under a project's stated budget."""
    return quote(
        plan,
        stated,
        request.asking,
        policy.accounting.default_share,
        policy.disclosure.rounding,
        policy.disclosure.threshold,
        policy.max_persons,
    )


def repeat_key(equal: RestrictedPlan, policy: str, priced: Quote) -> str:
    """What two questions share when the answer to one is an answer to the other: the canonical restricted plan, the policy, the
    bounds in force and the kind of accounting."""
    return digest(canonical({"plan": equal.digest, "policy": policy, "bounds": priced.bounds, "pure": priced.loss.pure}))


def foretell(house: House, person: Person, request: Request) -> dict[str, Any]:
    """The preview: what would be charged and how accurate it would be, from text, policy and the project's stated budget."""
    at = house.clock()
    with house.state.read() as tx:
        permit = projects.permit(tx, person, request.project, request.dataset, at, house.policies)
        optouts.check_mode(tx, house.policies.same_people(request.dataset), permit.regimes)
        stated = budget.balance(tx, f"project:{request.project}").ceiling
    plan = parse(house, request)
    policy = house.policy(request.dataset)
    restricted = _restricted(plan, permit)
    accounting, size = policy.accounting, policy.published_size
    seconds = house.release_time(plan, size.persons, accounting.quantum_ms, float(accounting.deadline_s), size.rows)
    return preview(plan, price(policy, plan, stated, request), stated, seconds) | {"plan": restricted.digest}
