"""Small snapshots in the store's layout, orders, and a vault in this process whose noise is taken out at its seam."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tre.loss import PrivacyLoss, gaussian_loss, laplace_loss
from tre.plan.nodes import Column, Domain, Filter, Key, Plan, Predicate, Scan, Statistic, days
from tre.plan.order import DisclosureRules, Draw, Order
from tre.plan.restricted import RestrictedPlan
from tre.terms import Exclusion, Reservation, Snapshot, digest
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.exact import ExactTable
from tre.vault.noisy import NoisyTable

DOMAINS: Mapping[str, Domain] = {
    "region": Domain("category", False, ("North", "South", "East")),
    "sex": Domain("category", True, ("F", "M")),
    "year_of_birth": Domain("integer", False, low=1940, high=1945),
    "weight": Domain("decimal", True, low=0, high=6, grid="0.5"),
    "died_on": Domain("date", True, low=days("2024-02-27"), high=days("2024-03-01")),
    "practice": Domain("code", True),
}
STORED = {
    "region": "UTINYINT",
    "sex": "UTINYINT",
    "year_of_birth": "SMALLINT",
    "weight": "INTEGER",
    "died_on": "DATE",
    "practice": "INTEGER",
}
SCHEMA = digest(b"the schema of these tests")
REGIMES = ("local", "national", "type-1")
Row = Mapping[str, Any]  # a column's value as a plan writes it: text, whole numbers, days, grid steps, None
SCAN = Scan("patients", 1)


def column(name: str) -> Column:
    return Column("patients", name, DOMAINS[name])


def plan_of(*keys: str, where: Predicate | None = None, statistics: Sequence[str] = ("n",)) -> Plan:
    """Counts by some columns."""
    relation = Filter(SCAN, where) if where else SCAN
    counts = tuple(Statistic(name, "count") for name in statistics)
    return Plan("gp", relation, tuple(Key(name, column(name)) for name in keys), counts, (*keys, *statistics))


def row(person: int, **values: Any) -> Row:
    """A person of the North, born in 1940, of whom nothing else is known."""
    return dict.fromkeys(DOMAINS) | {"region": "North", "year_of_birth": 1940} | values | {"person": person}


def build(store: Path, rows: Sequence[Row], excluded: Iterable[int] = (), **facts: Any) -> tuple[Snapshot, Exclusion]:
    """Writes one snapshot and one exclusion file."""
    name = secrets.token_hex(8)
    folder = store / "gp" / name
    (folder / "exclusions").mkdir(parents=True)
    codes = sorted({code for one in rows if (code := one["practice"]) is not None})
    _write_records(folder / "persons.duckdb", rows, codes)
    snapshot = seal(folder, manifest(name, folder, **facts))
    return snapshot, exclude(snapshot, excluded)


def seal(folder: Path, body: Mapping[str, Any]) -> Snapshot:
    """Writes a manifest, and names its digest."""
    raw = json.dumps(body).encode()
    (folder / "manifest.json").write_bytes(raw)
    return Snapshot(folder.name, "gp", str(folder), SCHEMA, digest(raw))


def manifest(name: str, folder: Path, **facts: Any) -> dict[str, Any]:
    """As the store writes it (`tests/vault/test_store.py` reads one of the store's own)."""
    proved = {"one_row_per_person": True, "values_in_bounds": True} | facts
    table = {"one_row_per_person": True, "row_cap": 1, "facts": proved}
    files = [{"name": file.name, "size": file.stat().st_size} for file in folder.glob("*.duckdb")]
    return {"format": 1, "snapshot": name, "dataset": "gp", "schema": SCHEMA, "files": files, "tables": {"patients": table}}


def exclude(snapshot: Snapshot, persons: Iterable[int], version: int = 1) -> Exclusion:
    file = Path(snapshot.folder) / "exclusions" / f"{version}.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE excluded(person INTEGER)")
        _insert(connection, "excluded", [(person,) for person in sorted(persons)])
    return Exclusion(snapshot.id, version, REGIMES, str(file), "2026-11-01T00:00:00.000000Z")


def _write_records(file: Path, rows: Sequence[Row], codes: Sequence[str]) -> None:
    with duckdb.connect(str(file)) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in STORED.items())
        connection.execute(f"CREATE TABLE patients(person INTEGER, {columns})")
        connection.execute("CREATE TABLE codes_patients_practice(id INTEGER, code VARCHAR)")
        _insert(connection, "codes_patients_practice", list(enumerate(codes)))
        _insert(connection, "patients", [(one["person"], *(stored(n, one[n], codes) for n in STORED)) for one in rows])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """In one statement: one a row takes a millisecond each."""
    if rows:
        values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        connection.execute(f"INSERT INTO {table} VALUES {values}", [value for one in rows for value in one])


def stored(name: str, value: Any, codes: Sequence[str]) -> Any:
    """A value as the store encodes it."""
    domain = DOMAINS[name]
    if value is None:
        return None
    if domain.kind == "category":
        return domain.values.index(value)
    if domain.kind == "date":
        return date(1970, 1, 1) + timedelta(days=value)
    return codes.index(value) if domain.kind == "code" else value


def draw(alias: str = "n", scale: float = 2.0, mechanism: str = "discrete gaussian", half_width: int = 7, **more: int) -> Draw:
    return Draw(alias, mechanism, scale, more.get("sensitivity", 1), more.get("squared_sensitivity", 1), half_width)


def cost(draws: Sequence[Draw]) -> PrivacyLoss:
    losses = [
        gaussian_loss(one.squared_sensitivity, one.scale)
        if one.mechanism == "discrete gaussian"
        else laplace_loss(one.sensitivity, one.scale)
        for one in draws
    ]
    return sum(losses, PrivacyLoss())


def order_of(
    plan: Plan,
    held: tuple[Snapshot, Exclusion],
    draws: Sequence[Draw] | None = None,
    loss: PrivacyLoss | None = None,
    *,
    threshold: int = 10,
    rounding: int = 5,
    max_persons: int = 1_000_000,
    deadline_s: float = 30.0,
) -> Order:
    draws = tuple(draws or (draw(statistic.alias) for statistic in plan.statistics))
    return Order(
        RestrictedPlan(plan, "research", REGIMES),
        Reservation("r1", "q1", "demo", "gp", cost(draws) if loss is None else loss),
        *held,
        draws,
        DisclosureRules(threshold, rounding, 10_000, digest(b"policy"), "on"),
        max_persons,
        deadline_s,
    )


def silence(exact: ExactTable, order: Order) -> NoisyTable:
    """No noise: the seam of the tests. No message to a worker can put it there."""
    return NoisyTable(exact.counts, exact.cells)


class Quiet(Vault):
    """A vault of this process without noise, that also gives the exact counts of the last answer."""

    def __init__(self, store: Path, temporary: Path) -> None:
        super().__init__(store.resolve(), Limits(str(temporary), 2, 1), self._keep)

    def _keep(self, exact: ExactTable, order: Order) -> NoisyTable:
        self.last = exact
        return silence(exact, order)

    def counts(self, plan: Plan, held: tuple[Snapshot, Exclusion]) -> list[int]:
        self.answer(order_of(plan, held))
        return list(self.last.counts[0])
