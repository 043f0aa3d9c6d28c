"""How long each class of plans takes here: the whole road is run, in a home of its own, on made-up records of the published size.

Promises to touch no record of a person and nothing of the home but a folder below its work, which is removed. What is measured is
from the hand-over to the outcome, with all workers busy: what a release time has to hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import prod
from pathlib import Path

from tre import audit, budget, optouts, projects, store
from tre.budget import Stated
from tre.errors import Unfit
from tre.gateway.gateway import Gateway
from tre.gateway.outcomes import Released
from tre.gateway.preparing import parse
from tre.keys import Keys
from tre.plan.calibration import Calibration, machine
from tre.plan.classes import CLASSES, CODES, PlanClass, class_of
from tre.plan.offer import catalogue
from tre.policy import ColumnPolicy, DatasetPolicy, Policies
from tre.projects import OutsideApproval, Project
from tre.sample.twin import identifiers, make_twin
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.terms import Asking, Person, Request

NAME = "calibration"
ONE_OBJECTING_IN = 50
MOST_KEYS = 4
SHARE = Fraction(1, 1_000_000)  # all runs of all classes fit one budget
OUTCOME_S, LEAST_S = 3_600.0, 0.001
Step = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Specimen:
    """A question of a class, as dear as the policy lets it be, and how many cells it has."""

    request: Request
    cells: int


def measure(settings: Settings, policies: Policies, runs: int, step: Step) -> dict[str, Calibration]:
    """A table for each dataset, of so many runs of each class."""
    return {name: _measure(settings, policies, policy, runs, step) for name, policy in policies.datasets.items()}


def _measure(settings: Settings, policies: Policies, policy: DatasetPolicy, runs: int, step: Step) -> Calibration:
    slowest: dict[str, float] = {}
    with _home(settings, policies, policy, step) as (gateway, person):
        for done, wanted in enumerate(CLASSES):
            step(f"{policy.dataset}: {wanted}", done / len(CLASSES))
            found = specimen(policy, wanted)
            if found is not None and class_of(parse(gateway.house, found.request)) == wanted:
                longest = _slowest(gateway, person, found.request, runs, settings.workers)
                # Fewer cells than the class may have: what each costs is not known apart, so all of it is scaled.
                slowest[str(wanted)] = longest * wanted.cells / found.cells
    return Calibration(policy.dataset, policy.published_size.persons, machine(settings.workers), runs, slowest)


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


# ------------------------------------------------------------------------------------------------------------- the questions


def specimen(policy: DatasetPolicy, wanted: PlanClass) -> Specimen | None:
    """A question with as many cells as the policy's keys give within the class, and all of its comparisons and lists; None where
    the policy has no such question."""
    offer = catalogue(policy)
    tables = [name for name, table in policy.tables.items() if table.one_row_per_person]
    if not tables:
        return None
    table = max(tables, key=lambda name: len(offer.tables[name].public_keys()))
    sizes = {key: offer.tables[table].columns[key].domain.size or 0 for key in offer.tables[table].public_keys()}
    keys, cells = _keys(sizes, min(wanted.cells, offer.max_rows_out))
    conditions = _conditions(policy.tables[table].columns, wanted)
    if conditions is None:
        return None
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
    sql = f"SELECT {', '.join([*keys, 'COUNT(*) AS n'])} FROM {table}{where}{grouped}"
    lists = {f"list{number}": _codes(number) for number in range(wanted.lists)}
    return Specimen(Request(NAME, policy.dataset, sql, Asking(share=SHARE), lists, fresh=True), cells)


def _keys(sizes: Mapping[str, int], most: int) -> tuple[tuple[str, ...], int]:
    """The keys with the most cells that are not too many."""
    several = [keys for count in range(1, MOST_KEYS + 1) for keys in combinations(sizes, count)]
    found = max(
        ((prod(sizes[key] for key in keys), keys) for keys in [(), *several] if _fits(sizes, keys, most)), default=(1, ())
    )
    return found[1], found[0]


def _fits(sizes: Mapping[str, int], keys: tuple[str, ...], most: int) -> bool:
    return prod(sizes[key] for key in keys) <= most


def _conditions(columns: Mapping[str, ColumnPolicy], wanted: PlanClass) -> list[str] | None:
    """Comparisons and look-ups that the engine cannot leave out."""
    literals = [f"{name} <> {text}" for name, column in columns.items() for text in _literals(column)]
    codes = [name for name, column in columns.items() if column.type == "code"]
    if len(literals) < wanted.comparisons or (wanted.lists and not codes):
        return None
    looked_up = [f"{codes[0]} NOT IN codelist('list{number}')" for number in range(wanted.lists)]
    return literals[: wanted.comparisons] + looked_up


def _literals(column: ColumnPolicy) -> Iterator[str]:
    if column.type == "integer" and isinstance(column.min, int) and isinstance(column.max, int):
        yield from (str(value) for value in range(column.min, min(column.max, column.min + 20) + 1))
    elif column.type == "date":
        yield f"DATE '{column.min}'"


def _codes(number: int) -> tuple[str, ...]:
    return tuple(f"C{number * CODES + code}" for code in range(CODES))


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

    def write(tx: Transaction) -> None:
        store.make_live(tx, loaded.snapshot, at)
        for regime, delivery in deliveries.items():
            optouts.apply(tx, regime, delivery.pseudonyms, delivery.rejected, NAME, at)
        _found(tx, policies, policy, keys, at)

    state.write(write)


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
