"""Small snapshots in the store's layout, orders, and a vault in this process whose noise is taken out at its seam."""

from __future__ import annotations

import atexit
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from tre.loss import PrivacyLoss, gaussian_loss, laplace_loss
from tre.plan import choice
from tre.plan.bound import score_change, sensitivities
from tre.plan.measures import groups_of_a_person, measured
from tre.plan.nodes import Column, Domain, Expression, Filter, Key, Plan, Predicate, Scan, Statistic, days
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, Choice, DisclosureRules, Draw, Offer, Order, Selection
from tre.plan.restricted import RestrictedPlan
from tre.plan.selection import tau
from tre.plan.sets import drawn
from tre.terms import Exclusion, Reservation, Snapshot, digest
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.exact import ExactContributions, ExactTable
from tre.vault.noise import scores
from tre.vault.noisy import NoisyBlock, NoisyChoice, NoisyTable


@dataclass(frozen=True)
class Shape:
    """A table of these tests: the scan of it, its columns, and their types in the store."""

    scan: Scan
    domains: Mapping[str, Domain]
    stored: Mapping[str, str]


DOMAINS: Mapping[str, Domain] = {
    "region": Domain("category", False, ("North", "South", "East")),
    "sex": Domain("category", True, ("F", "M")),
    "year_of_birth": Domain("integer", False, low=1940, high=1945),
    "weight": Domain("decimal", True, low=0, high=6, grid="0.5"),
    "died_on": Domain("date", True, low=days("2024-02-27"), high=days("2024-03-01")),
    "practice": Domain("code", True),
}
EVENTS: Mapping[str, Domain] = {
    "date": Domain("date", False, low=days("2024-01-30"), high=days("2024-03-02")),
    "code": Domain("code", True),
    "kind": Domain("category", True, ("a", "b", "c")),
    "value": Domain("decimal", True, low=-4, high=10, grid="0.1"),
}
VISITS: Mapping[str, Domain] = {
    "day": Domain("date", True, low=days("2023-12-30"), high=days("2024-01-02")),
    "cost": Domain("integer", False, low=-3, high=5),
    "code": Domain("code", True),
}
SCAN = Scan("patients", 1)
TABLES: Mapping[str, Shape] = {
    "patients": Shape(
        SCAN,
        DOMAINS,
        {
            "region": "UTINYINT",
            "sex": "UTINYINT",
            "year_of_birth": "SMALLINT",
            "weight": "INTEGER",
            "died_on": "DATE",
            "practice": "INTEGER",
        },
    ),
    "events": Shape(Scan("events", 8, 3, 2), EVENTS, {"date": "DATE", "code": "INTEGER", "kind": "UTINYINT", "value": "INTEGER"}),
    "visits": Shape(Scan("visits", 4, 2, 3), VISITS, {"day": "DATE", "cost": "TINYINT", "code": "INTEGER"}),
}
SCHEMA = digest(b"the schema of these tests")
REGIMES = ("local", "national", "type-1")
Row = Mapping[str, Any]  # a column's value as a plan writes it: text, whole numbers, days, grid steps, None
Rows = Mapping[str, Sequence[Row]]  # of each table
Held = tuple[Snapshot, Exclusion]


def column(name: str, table: str = "patients", label: str = "") -> Column:
    return Column(label or table, name, TABLES[table].domains[name])


def plan_of(*keys: str, where: Predicate | None = None, statistics: Sequence[str] = ("n",)) -> Plan:
    """Counts of persons by some columns."""
    relation = Filter(SCAN, where) if where else SCAN
    counts = tuple(Statistic(name, "persons") for name in statistics)
    return Plan("gp", relation, tuple(Key(name, column(name)) for name in keys), counts, (*keys, *statistics))


def asking(relation: Any, keys: Sequence[Key], *statistics: tuple[str, Expression | None], **more: Any) -> Plan:
    """Some statistics, named s0 …, of a relation."""
    asked = tuple(
        Statistic(f"s{place}", kind, value, q="0.5" if kind == "quantile" else None)
        for place, (kind, value) in enumerate(statistics)
    )
    output = (*(key.alias for key in keys), *(one.alias for one in asked))
    return Plan("gp", relation, tuple(keys), asked, output, **more)


def row(person: int, **values: Any) -> Row:
    """A person of the North, born in 1940, of whom nothing else is known."""
    return dict.fromkeys(DOMAINS) | {"region": "North", "year_of_birth": 1940} | values | {"person": person}


def event(person: int, **values: Any) -> Row:
    """An event of the first day, of which nothing else is known."""
    return dict.fromkeys(EVENTS) | {"date": EVENTS["date"].low} | values | {"person": person}


def visit(person: int, **values: Any) -> Row:
    return dict.fromkeys(VISITS) | {"cost": 0} | values | {"person": person}


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows of each person numbered as they stand, clustered by person, as the store has them."""
    numbers: Counter[int] = Counter()
    found = []
    for one in rows:
        found.append({**one, "rank": numbers[one["person"]]})
        numbers[one["person"]] += 1
    return sorted(found, key=lambda one: (one["person"], one["rank"]))


def build(store: Path, rows: Sequence[Row], excluded: Iterable[int] = (), more: Rows | None = None, **facts: Any) -> Held:
    """Writes one snapshot and one exclusion file. ``rows``: of the patients; ``more``: of other tables."""
    name = secrets.token_hex(8)
    folder = store / "gp" / name
    (folder / "exclusions").mkdir(parents=True)
    tables: Rows = {"patients": rows, **{name: ranked((more or {}).get(name, [])) for name in TABLES if name != "patients"}}
    _write_records(folder / "persons.duckdb", tables, ["patients"])
    _write_records(folder / "events.duckdb", tables, ["events", "visits"])
    snapshot = seal(folder, manifest(name, folder, **facts))
    return snapshot, exclude(snapshot, excluded)


def seal(folder: Path, body: Mapping[str, Any]) -> Snapshot:
    """Writes a manifest, and names its digest."""
    raw = json.dumps(body).encode()
    (folder / "manifest.json").write_bytes(raw)
    return Snapshot(folder.name, "gp", str(folder), SCHEMA, digest(raw))


def manifest(name: str, folder: Path, **facts: Any) -> dict[str, Any]:
    """As the store writes it (`tests/vault/test_store.py` reads one of the store's own)."""
    tables = {
        table: {
            "file": "persons.duckdb" if table == "patients" else "events.duckdb",
            "one_row_per_person": table == "patients",
            "row_cap": shape.scan.row_cap,
            "facts": {"rows_within_cap": True, "values_in_bounds": True}
            | ({"one_row_per_person": True} | facts if table == "patients" else {}),
        }
        for table, shape in TABLES.items()
    }
    files = [{"name": file.name, "size": file.stat().st_size} for file in folder.glob("*.duckdb")]
    return {"format": 1, "snapshot": name, "dataset": "gp", "schema": SCHEMA, "files": files, "tables": tables}


def exclude(snapshot: Snapshot, persons: Iterable[int], version: int = 1) -> Exclusion:
    file = Path(snapshot.folder) / "exclusions" / f"{version}.duckdb"
    with _new_file(file) as connection:
        connection.execute("CREATE TABLE excluded(person INTEGER)")
        _insert(connection, "excluded", [(person,) for person in sorted(persons)])
    return Exclusion(snapshot.id, version, REGIMES, str(file), "2026-11-01T00:00:00.000000Z")


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One for all files that are written: another takes 20 ms, and one file 2. Let go of before the interpreter ends."""
    atexit.register(_engine.cache_clear)
    return duckdb.connect(config={"threads": "1"})


@contextmanager
def _new_file(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which a table that is made comes into this file, which is whole and closed at the end."""
    path = str(file).replace("'", "''")
    with _engine().cursor() as connection:
        connection.execute(f"ATTACH '{path}' AS written; USE written")
        try:
            yield connection
        finally:
            connection.execute("USE memory; DETACH written")


def _write_records(file: Path, rows: Rows, tables: Sequence[str]) -> None:
    with _new_file(file) as connection:
        for table in tables:
            _write_table(connection, table, rows[table])


def _write_table(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    shape = TABLES[table]
    ranks = ["rank"] if shape.scan.row_cap > 1 else []
    columns = ", ".join([f'"{name}" {kind}' for name, kind in shape.stored.items()] + [f"{name} SMALLINT" for name in ranks])
    connection.execute(f"CREATE TABLE {table}(person INTEGER, {columns})")
    codes: dict[str, list[str]] = {}
    for name in shape.domains:
        if shape.domains[name].kind == "code":
            codes[name] = sorted({code for one in rows if (code := one[name]) is not None})
            connection.execute(f"CREATE TABLE codes_{table}_{name}(id INTEGER, code VARCHAR)")
            _insert(connection, f"codes_{table}_{name}", list(enumerate(codes[name])))
    written = [
        (one["person"], *(stored(shape.domains[n], one[n], codes.get(n, [])) for n in shape.domains), *(one[n] for n in ranks))
        for one in rows
    ]
    _insert(connection, table, written)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """In one statement: one a row takes a millisecond each."""
    if rows:
        values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        connection.execute(f"INSERT INTO {table} VALUES {values}", [value for one in rows for value in one])


def stored(domain: Domain, value: Any, codes: Sequence[str]) -> Any:
    """A value as the store encodes it."""
    if value is None:
        return None
    if domain.kind == "category":
        return domain.values.index(value)
    if domain.kind == "date":
        return date(1970, 1, 1) + timedelta(days=value)
    return codes.index(value) if domain.kind == "code" else value


def draw(scale: float = 2.0, mechanism: str = GAUSSIAN, **more: int) -> Draw:
    return Draw(mechanism, scale, more.get("sensitivity", 1), more.get("squared_sensitivity", 1), more.get("groups", 1))


def draws_of(plan: Plan, scale: float = 2.0) -> tuple[Draw, ...]:
    """One for each measure, of its sensitivity."""
    return tuple(
        draw(
            scale,
            NOISY_MAX if measure.kind == "ranks" else GAUSSIAN,
            sensitivity=bound.cell if measure.kind == "ranks" else bound.l1,
            squared_sensitivity=bound.squared_l2 if measure.kind != "ranks" else bound.cell**2,
            groups=bound.groups,
        )
        for measure, bound in zip(measured(plan).measures, sensitivities(plan), strict=True)
    )


def cost(draws: Sequence[Draw]) -> PrivacyLoss:
    losses = [
        laplace_loss(one.sensitivity, one.scale)
        if one.mechanism == LAPLACE
        else gaussian_loss(one.squared_sensitivity, one.scale)
        for one in draws
    ]
    return sum(losses, PrivacyLoss())


def order_of(
    plan: Plan,
    held: Held,
    draws: Sequence[Draw] | None = None,
    loss: PrivacyLoss | None = None,
    *,
    threshold: int = 10,
    rounding: int = 5,
    max_persons: int = 1_000_000,
    deadline_s: float = 30.0,
) -> Order:
    draws = tuple(draws or draws_of(plan))
    groups = sum(groups_of_a_person(plan, one) for one in drawn(plan))
    return Order(
        RestrictedPlan(plan, "research", REGIMES),
        Reservation("r1", "q1", "demo", "gp", cost(draws) + (_KEYS if plan.discovered else NOTHING) if loss is None else loss),
        *held,
        draws,
        DisclosureRules(threshold, rounding, 10_000, digest(b"policy"), "on"),
        max_persons,
        deadline_s,
        _selection(plan, groups, draws),
        choice_of(plan, draws[0].scale) if choice.automatic(plan) else None,
    )


DELTA = 10**12  # 10^-6
_KEYS, NOTHING = PrivacyLoss(delta=DELTA), PrivacyLoss()


def _selection(plan: Plan, groups: int, draws: Sequence[Draw]) -> Selection | None:
    return Selection(tau(draws[0].scale, groups, DELTA), groups, DELTA) if plan.discovered else None


def choice_of(plan: Plan, scale: float = 2.0) -> Choice:
    """A bound that is open: each offer drawn with the same scale."""
    change = score_change(choice.QUANTILE, 1)
    groups = sum(groups_of_a_person(plan, one) for one in drawn(plan))
    drawn_of = {k: draws_of(choice.bounded(plan, k), scale) for k in choice.bounds(plan)}
    offers = [Offer(k, draws, _selection(plan, groups, draws)) for k, draws in drawn_of.items()]
    ranks = draw(scale * change, NOISY_MAX, sensitivity=change, squared_sensitivity=change**2)
    return Choice(ranks, draw(scale), tuple(offers))


def silence(exact: ExactTable, order: Order) -> NoisyTable:
    """No noise: the seam of the tests. No message to a worker can put it there."""
    del order
    blocks = [
        NoisyBlock(
            block.keys,
            block.groups,
            tuple(tuple(one if isinstance(one, int) else 0 for one in vector) for vector in block.numbers),
        )
        for block in exact.blocks
    ]
    return NoisyTable(tuple(blocks))


def first_best(exact: ExactContributions, order: Order) -> NoisyChoice:
    """The bound of the best score, the smaller of two, and everybody beyond it: no noise either."""
    assert order.choice is not None
    found = scores(exact.persons, choice.PLACES)[:-1]
    place = found.index(max(found))
    return NoisyChoice(order.choice.offers[place].k, sum(exact.persons[place + 1 :]))


class _Kept(Exception):
    def __init__(self, exact: ExactTable) -> None:
        super().__init__()
        self.exact = exact


class Quiet(Vault):
    """A vault of this process without noise, that also gives the exact table of a plan. ``more``: limits."""

    def __init__(self, store: Path, temporary: Path, **more: int) -> None:
        super().__init__(store.resolve(), Limits(str(temporary), 2, 1, **more), self._keep, self._choose)
        self.chosen: NoisyChoice | None = None

    def _keep(self, exact: ExactTable, order: Order) -> NoisyTable:
        self.last = exact
        return silence(exact, order)

    def _choose(self, exact: ExactContributions, order: Order) -> NoisyChoice:
        self.contributions, self.chosen = exact.persons, first_best(exact, order)
        return self.chosen

    def exact(self, plan: Plan, held: Held) -> ExactTable:
        """What is handed to the noise: compiled, added, checked."""
        self._noise, noise = self._stop, self._noise
        try:
            self.answer(order_of(plan, held))
        except _Kept as kept:
            return kept.exact
        finally:
            self._noise = noise
        raise AssertionError

    def _stop(self, exact: ExactTable, order: Order) -> NoisyTable:
        raise _Kept(exact)

    def counts(self, plan: Plan, held: Held) -> list[int]:
        """The persons of every cell."""
        (block,) = self.exact(plan, held).blocks
        return [number for number in block.numbers[0] if isinstance(number, int)]
