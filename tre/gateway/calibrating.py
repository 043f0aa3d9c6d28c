"""How long each class and each kind of plans takes here: the whole road is run, in a home of its own, on made-up records of the
published size.

Promises to touch no record of a person and nothing of the home but a folder below its work, which is removed. What is measured is
from the hand-over to the outcome, with all workers busy: what a release time has to hold.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from tre import audit, budget, optouts, projects, store
from tre.budget import Stated
from tre.errors import Refusal, Unfit
from tre.gateway.gateway import Gateway
from tre.gateway.outcomes import Released
from tre.gateway.preparing import parse
from tre.gateway.specimens import NAME, of_kinds, specimen
from tre.keys import Keys
from tre.plan.calibration import Calibration, machine
from tre.plan.classes import CLASSES, class_of
from tre.plan.kinds import kinds_of
from tre.plan.nodes import Plan
from tre.plan.steps import ROOM, expected
from tre.policy import DatasetPolicy, Policies
from tre.projects import OutsideApproval, Project
from tre.sample.twin import identifiers, make_twin, rows_of_a_person
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.terms import Person, Request

ONE_OBJECTING_IN = 50
OUTCOME_S, LEAST_S = 3_600.0, 0.001
Step = Callable[[str, float], None]


def measure(settings: Settings, policies: Policies, runs: int, step: Step) -> dict[str, Calibration]:
    """A table for each dataset, of so many runs of each class and each kind."""
    return {name: _measure(settings, policies, policy, runs, step) for name, policy in policies.datasets.items()}


def _measure(settings: Settings, policies: Policies, policy: DatasetPolicy, runs: int, step: Step) -> Calibration:
    with _home(settings, policies, policy, step) as (gateway, person):
        bench = _Bench(gateway, person, policy, runs, settings.workers, step)
        slowest, ratios = bench.classes(), bench.kinds()
    return Calibration(policy.dataset, policy.published_size.persons, machine(settings.workers), runs, slowest, ratios)


@dataclass(frozen=True, slots=True)
class _Bench:
    """A gateway over made-up records, and how often each question is asked of it."""

    gateway: Gateway
    person: Person
    policy: DatasetPolicy
    runs: int
    workers: int
    step: Step

    def classes(self) -> dict[str, float]:
        """The slowest run of each class, in seconds."""
        slowest: dict[str, float] = {}
        for done, wanted in enumerate(CLASSES):
            self.step(f"{self.policy.dataset}: {wanted}", done / len(CLASSES) / 2)
            found = specimen(self.policy, wanted)
            if found is not None and class_of(parse(self.gateway.house, found.request)) == wanted:
                # Fewer cells than the class may have: what each costs is not known apart, so all of it is scaled.
                seconds = _slowest(self.gateway, self.person, found.request, self.runs, self.workers)
                slowest[str(wanted)] = seconds * wanted.cells / found.cells
        return slowest

    def kinds(self) -> dict[str, float]:
        """Of each kind of work, how many times as long as was expected the slowest run of its questions took. Each kind has as
        many runs as each class, over all of its questions."""
        ratios: dict[str, float] = {}
        plans = list(self._plans())
        asked = Counter(kind for _, plan in plans for kind in kinds_of(plan))
        for done, (request, plan) in enumerate(plans):
            kinds = kinds_of(plan)
            self.step(f"{self.policy.dataset}: {', '.join(sorted(kinds))}", (1 + done / len(plans)) / 2)
            runs = -(-self.runs // min(asked[kind] for kind in kinds))
            ratio = _slowest(self.gateway, self.person, request, runs, self.workers) / self._expected(plan)
            ratios |= {kind: max(ratio, ratios.get(kind, 0.0)) for kind in kinds}
        return ratios

    def _plans(self) -> Iterator[tuple[Request, Plan]]:
        """The questions of kinds that the policy can have, and answers before its deadline."""
        for request in of_kinds(self.policy):
            try:
                plan = parse(self.gateway.house, request)
            except Refusal:
                continue
            if ROOM * self._expected(plan) <= self.policy.accounting.deadline_s:
                yield request, plan

    def _expected(self, plan: Plan) -> float:
        """By the table that ships, for as many rows as were made."""
        persons = self.policy.published_size.persons
        return expected(plan, persons, {name: persons * rows_of_a_person(table) for name, table in self.policy.tables.items()})


def _slowest(gateway: Gateway, person: Person, request: Request, runs: int, workers: int) -> float:
    """The slowest of so many runs, as many at a time as there are workers, from the hand-over to the outcome: as the log of this
    home has them."""

    def run(_: int) -> str:
        outcome = gateway.ask(person, request).coming.result(OUTCOME_S)
        if not isinstance(outcome, Released):
            raise Unfit(f"a question of the calibration came to {type(outcome).__name__.lower()}; nothing was kept of it")
        return outcome.question

    with ThreadPoolExecutor(workers) as pool:
        asked = list(pool.map(run, range(runs)))
    with gateway.house.state.read() as tx:
        return max(LEAST_S, *(_seconds(tx, question) for question in asked))


def _seconds(tx: Transaction, question: str) -> float:
    at = {entry.kind: datetime.fromisoformat(entry.at) for entry in audit.page(tx, question=question)}
    return (at["released"] - at["reserved"]).total_seconds()


# ------------------------------------------------------------------------------------------------------------------ the home


@contextmanager
def _home(settings: Settings, policies: Policies, policy: DatasetPolicy, step: Step) -> Iterator[tuple[Gateway, Person]]:
    """A gateway over made-up records, in a home of its own."""
    make_home(settings)
    with tempfile.TemporaryDirectory(dir=settings.work, prefix="calibrating-") as folder:
        home = settings.model_copy(update={"home": Path(folder) / "home", "database": ""})
        make_home(home)
        alone = Policies({policy.dataset: policy}, policies.purposes, policies.prohibited, policies.codelists)
        keys = Keys.open(home.keys)
        step(f"{policy.dataset}: making and loading {policy.published_size.persons:,} made-up persons", 0.0)
        with State.open(home.database_url) as state:
            _furnish(state, home, alone, policy, keys)
            person = Person(NAME, keys.person_pseudonym(NAME), frozenset({"researcher"}))
            with Gateway.open(home, state, alone, keys, release_time=None) as gateway:
                yield gateway, person


def _furnish(state: State, home: Settings, policies: Policies, policy: DatasetPolicy, keys: Keys) -> None:
    at, persons, source = datetime.now(UTC), policy.published_size.persons, home.work / "source"
    make_twin(policy, source, persons)
    loaded = store.load(policy, source, home.store, keys.pseudonym)
    objecting = list(identifiers(policy, persons, ONE_OBJECTING_IN))
    lines = (line for regime in ("type-1", "national", "local") for line in optouts.lines_of(regime, objecting))
    deliveries = optouts.receive(lines, keys.pseudonym, policy.person_source.check)

    listed = _enlisted(policy, home, keys) if policy.opt_outs.national == optouts.BY_LIST else None

    def write(tx: Transaction) -> None:
        store.make_live(tx, loaded.snapshot, at)
        if listed is not None:
            optouts.clear(
                tx,
                listed.name,
                people=listed.people,
                repeated=listed.repeated,
                rejected=listed.rejected,
                source=NAME,
                at=at,
            )
        for regime, delivery in deliveries.items():
            optouts.apply(tx, regime, delivery.pseudonyms, delivery.rejected, NAME, at)
        _found(tx, policies, policy, keys, at)

    state.write(write)


def _enlisted(policy: DatasetPolicy, home: Settings, keys: Keys) -> store.Listed:
    """The check service's list of everybody: who objects is among the opt-outs."""
    source = home.work / "cleared.txt"
    with source.open("x") as file:
        file.writelines(f"{number},\n" for number in identifiers(policy, policy.published_size.persons, 1))
    return store.enlist(source, home.registers, keys.pseudonym)


def _found(tx: Transaction, policies: Policies, policy: DatasetPolicy, keys: Keys, at: datetime) -> None:
    """Somebody who may ask, and a budget for all runs."""
    purpose = next(name for name, found in policies.purposes.items() if not found.exemption_required)
    projects.make_identity(tx, NAME, ("researcher",), keys.person_pseudonym(NAME), at)
    words = "Measures how long questions take, on made-up records."
    stands = OutsideApproval("terminal", "calibration", datetime.max.replace(tzinfo=UTC))
    last_day = date(9999, 12, 31)
    projects.create(tx, Project(NAME, NAME, purpose, "none needed", policy.dataset, words, last_day, approvals=(stands,)))
    projects.change(tx, NAME, state="active")
    projects.set_members(tx, NAME, (NAME,))
    stated = Stated(Decimal(100), Decimal("1e-5"))
    budget.open_account(tx, f"dataset:{policy.dataset}", stated, stated)
    budget.open_account(tx, f"project:{NAME}", stated)
