"""Questions of published tables, each beside the plain SQL that a reader would write for it over ordinary tables: with the noise
taken out at its seam and nothing hidden, the two give the same table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.serving import POLICIES, SAMPLE
from tests.spec.quiet import quiet_order, rows_of, without_noise
from tests.vault.building import REGIMES
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.parse import parse
from tre.policy import DatasetPolicy, read_policies
from tre.store import exclude, load
from tre.terms import Exclusion, Snapshot
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits

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
        self.vault = Vault((folder / "store").resolve(), Limits(str(folder), 2, 1), without_noise)
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

    def told(self, question: str) -> tuple[Plan, list[dict[str, Any]]]:
        plan = self.plan(question)
        order = quiet_order(plan, (self.snapshot, self.exclusion))
        return plan, list(rows_of(self.vault.answer(order), order))


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
    mine, theirs = ours(plan, rows), books.plain.execute(plain).fetchall()
    theirs = [row for row in theirs if any(cell for cell in row[len(plan.keys) :])]
    if not plan.order:
        mine, theirs = sorted(mine, key=str), list(theirs)
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
