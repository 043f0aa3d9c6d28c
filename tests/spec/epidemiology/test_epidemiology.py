"""Questions of published tables, each beside the plain SQL that a reader would write for it over ordinary tables: with the noise
taken out at its seam and nothing hidden, the two give the same table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.serving import POLICIES, SAMPLE
from tests.vault.building import REGIMES, draws_of, order_of
from tre.plan.candidates import candidates
from tre.plan.measures import measured
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.order import Order
from tre.plan.parse import parse
from tre.policy import DatasetPolicy, read_policies
from tre.store import exclude, load
from tre.terms import Exclusion, Snapshot
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.exact import ExactBlock, ExactTable
from tre.vault.noisy import NoisyBlock, NoisyTable
from tre.vault.release import release

FOLDER = Path(__file__).parent
CASES = {file.stem: file for file in sorted(FOLDER.glob("*.txt"))}
KEY = bytes(range(32))


def read(file: Path) -> tuple[str, str]:
    """The question and the plain SQL of a case."""
    _, _, rest = file.read_text().partition("\nquestion:\n")
    question, _, plain = rest.partition("\nplain:\n")
    return question.strip(), plain.strip()


class Books:
    """The sample loaded once: a vault without noise over the snapshot, and ordinary tables of what is in it."""

    def __init__(self, folder: Path) -> None:
        policies = read_policies(POLICIES)
        self.policy: DatasetPolicy = policies.datasets["gp"]
        self.codelists = policies.codelists
        self.catalogue = catalogue(self.policy)
        (folder / "store").mkdir()
        self.snapshot: Snapshot = load(self.policy, SAMPLE, folder / "store", KEY, [], None).snapshot
        self.exclusion: Exclusion = exclude(self.snapshot, 1, REGIMES, [], "2026-11-01T00:00:00.000000Z")
        self.vault = Vault((folder / "store").resolve(), Limits(str(folder), 2, 1), self._silent)
        self.plain = duckdb.connect()
        self._ordinary(Path(self.snapshot.folder))

    def _ordinary(self, folder: Path) -> None:
        """Texts, decimals and dates in place of places, grid steps and numbers of a dictionary."""
        for file in ("persons", "events"):
            self.plain.execute(f"ATTACH '{folder / f'{file}.duckdb'}' AS {file} (READ_ONLY)")
        for name, table in self.policy.tables.items():
            place = "persons" if table.one_row_per_person else "events"
            listed = ["person"]
            for column, policy in table.columns.items():
                told = f't."{column}"'
                if policy.type == "category":
                    self.plain.execute(f"CREATE TABLE values_{name}_{column}(place INTEGER, told VARCHAR)")
                    self.plain.executemany(f"INSERT INTO values_{name}_{column} VALUES (?, ?)", list(enumerate(policy.values)))
                    told = f"(SELECT told FROM values_{name}_{column} v WHERE v.place = {told})"
                elif policy.type == "code":
                    told = f"(SELECT code FROM {place}.codes_{name}_{column} c WHERE c.id = {told})"
                elif policy.type == "decimal":
                    told = f"({told} * {policy.grid})::DECIMAL(18, 4)"
                listed.append(f'{told} AS "{column}"')
            self.plain.execute(f"CREATE TABLE memory.main.{name} AS SELECT {', '.join(listed)} FROM {place}.{name} t")
        self.plain.execute("CREATE TABLE codelists(list VARCHAR, code VARCHAR)")
        rows = [(name, code) for name, codes in self.codelists.items() for code in codes]
        self.plain.executemany("INSERT INTO codelists VALUES (?, ?)", rows)

    def plan(self, question: str) -> Plan:
        return parse(question, self.catalogue, self.codelists)

    def order(self, plan: Plan) -> Order:
        """Nothing rounded and, against every rule of the house, nothing hidden."""
        order = order_of(plan, (self.snapshot, self.exclusion), draws_of(plan, 1e-3), rounding=1, max_persons=70_000_000)
        object.__setattr__(order.disclosure, "threshold", 0)
        return order

    def _silent(self, exact: ExactTable, order: Order) -> NoisyTable:
        return NoisyTable(tuple(_block(block, order.restricted.plan) for block in exact.blocks))

    def told(self, question: str) -> tuple[Plan, list[dict[str, Any]]]:
        plan = self.plan(question)
        order = self.order(plan)
        return plan, json.loads(release(self.vault.answer(order), order).statement, parse_float=Decimal)["rows"]


def _block(block: ExactBlock, plan: Plan) -> NoisyBlock:
    measures = measured(plan).measures
    numbers: tuple[Any, ...] = tuple(
        tuple(_middle(bins, Decimal(measure.q or 0), candidates(measure.value.domain)) for bins in vector)  # type: ignore[union-attr, arg-type]
        if measure.kind == "ranks"
        else vector
        for measure, vector in zip(measures, block.numbers, strict=True)
    )
    return NoisyBlock(block.keys, block.groups, numbers)


def _middle(bins: tuple[int, ...], q: Decimal, values: tuple[int, ...]) -> int:
    """The first candidate at which as many are reached as the quantile asks."""
    wanted, reached = q * sum(bins), 0
    for value, weight in zip(values, bins, strict=True):
        reached += weight
        if reached >= wanted and reached:
            return value
    return values[0]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    yield Books(tmp_path_factory.mktemp("epidemiology"))


def ours(plan: Plan, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows about somebody, in the question's columns."""
    numbers = [one.alias for one in (*plan.statistics, *plan.figures)]
    told = [tuple(row[name] for name in plan.output) for row in rows]
    return [row for row in told if any(cell for name, cell in zip(plan.output, row, strict=True) if name in numbers)]


def same(one: Any, other: Any) -> bool:
    """Equal; a mean or ratio to half a hundredth of the grid it is told on."""
    if isinstance(one, str) or one is None or isinstance(other, str) or other is None:
        return str(one) == str(other)
    if hasattr(other, "isoformat"):
        return bool(one == other.isoformat())
    return abs(float(one) - float(other)) <= max(0.02, 1e-6 * abs(float(other)))


def matches(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    return len(mine) == len(theirs) and all(map(same, mine, theirs))


@pytest.mark.parametrize("name", CASES)
def test_the_two_tables_are_the_same(books: Books, name: str) -> None:
    question, plain = read(CASES[name])
    plan, rows = books.told(question)
    mine = ours(plan, rows)
    theirs = [row for row in books.plain.execute(plain).fetchall() if any(cell for cell in row[len(plan.keys) :])]
    assert theirs
    assert len(mine) == len(theirs), (mine[:9], theirs[:9])
    if plan.order:
        assert all(map(matches, mine, theirs))
    left = list(theirs)
    for row in mine:
        found = next((other for other in left if matches(row, other)), None)
        assert found is not None, (row, left[:9])
        left.remove(found)


def test_there_are_forty() -> None:
    assert len(CASES) >= 40
