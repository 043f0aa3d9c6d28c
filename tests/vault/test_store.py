"""A snapshot of the store's own making, from source files to counts: the sample, its opt-outs, and plain Python beside it."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from tests.vault.building import REGIMES, Quiet, draw
from tre.loss import PrivacyLoss
from tre.persons import pseudonym, valid_nhs_number
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.order import DisclosureRules, Order
from tre.plan.parse import parse
from tre.plan.restricted import RestrictedPlan
from tre.policy import ColumnPolicy, DatasetPolicy, read_policies
from tre.store import exclude, load
from tre.terms import Exclusion, Reservation, Snapshot
from tre.vault import Worker
from tre.vault.cells import labels

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
KEY = bytes(range(32))
Row = dict[str, str]

QUESTIONS = {
    "SELECT COUNT(*) AS n FROM patients": lambda row: (),
    "SELECT region, COUNT(*) AS n FROM patients GROUP BY region": lambda row: (row["region"],),
    "SELECT sex, ethnicity, COUNT(*) AS n FROM patients GROUP BY sex, ethnicity": lambda row: (
        row["sex"],
        row["ethnicity"] or None,
    ),
    "SELECT imd_decile, COUNT(*) AS n FROM patients WHERE year_of_birth >= 1980 GROUP BY imd_decile": lambda row: (
        (int(row["imd_decile"]) if row["imd_decile"] else None,) if int(row["year_of_birth"]) >= 1980 else None
    ),
    "SELECT region, COUNT(*) AS n FROM patients WHERE died_on >= DATE '2020-01-01' GROUP BY region": lambda row: (
        (row["region"],) if row["died_on"] >= "2020-01-01" else None
    ),
    "SELECT sex, COUNT(*) AS n FROM patients WHERE practice = 'K81322' OR practice = 'nowhere' GROUP BY sex": lambda row: (
        (row["sex"],) if row["practice"] == "K81322" else None
    ),
}


class Sample:
    """The sample loaded once: its policy, its snapshot, who objected, and the rows that are good."""

    def __init__(self, folder: Path) -> None:
        self.policy: DatasetPolicy = read_policies(ROOT / "policies").datasets["gp"]
        self.store = folder / "store"
        self.store.mkdir()
        self.vault = Quiet(self.store, folder)
        self.source = folder / "source"
        self.source.mkdir()
        for name in self.policy.tables:
            (self.source / f"{name}.csv").symlink_to(SAMPLE / f"{name}.csv")
        with (SAMPLE / "patients.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if self.clean(row)]
        (self.source / "patients.csv").unlink()
        with (self.source / "patients.csv").open("w", newline="") as file:
            made = csv.DictWriter(file, list(rows[0]))
            made.writeheader()
            made.writerows(rows)
        with (SAMPLE / "opt_outs.csv").open(newline="") as file:
            self.objected = {_number(row) for row in csv.DictReader(file)}
        self.rows = [row for row in rows if _number(row) not in self.objected]
        assert 0 < len(self.rows) < len(rows)
        self.snapshot: Snapshot = load(self.policy, self.source, self.store, KEY).snapshot
        self.exclusion: Exclusion = exclude(
            self.snapshot, 1, REGIMES, sorted(pseudonym(KEY, number) for number in self.objected), "2026-11-01T00:00:00.000000Z"
        )

    def clean(self, row: Row) -> bool:
        """Whether the load has nothing to reject or mend in it: how it does that is not the vault's."""
        columns = self.policy.tables["patients"].columns
        return valid_nhs_number(row["nhs_number"]) and all(_clean(column, row[name]) for name, column in columns.items())

    def order(self, plan: Plan) -> Order:
        return Order(
            RestrictedPlan(plan, "research", REGIMES),
            Reservation("r1", "q1", "demo", "gp", PrivacyLoss(rho=10**12)),
            self.snapshot,
            self.exclusion,
            (draw(scale=1.0),),
            DisclosureRules(10, 5, 10_000, self.policy.digest, "on"),
            self.policy.max_persons,
            30.0,
        )


def _clean(column: ColumnPolicy, text: str) -> bool:
    if text == "":
        return column.nullable
    if column.type == "category":
        return text in column.values
    if column.type == "integer":
        return text.isdecimal() and column.min <= int(text) <= column.max
    return column.type != "date" or (_is_day(text) and str(column.min) <= text <= str(column.max))


def _number(row: Row) -> str:
    """Without the spaces that some sources write."""
    return row["nhs_number"].replace(" ", "")


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_counts_of_a_loaded_snapshot(sample: Sample, question: str) -> None:
    plan = parse(question, catalogue(sample.policy), {})
    (block,) = sample.vault.exact(plan, (sample.snapshot, sample.exclusion)).blocks
    found = dict(zip(labels(plan.keys), block.numbers[0], strict=True))
    group = QUESTIONS[question]
    wanted = Counter(key for row in sample.rows if (key := group(row)) is not None)
    assert {key: n for key, n in found.items() if n} == dict(wanted)


def test_a_worker_answers_from_a_loaded_snapshot(sample: Sample, work: Path) -> None:
    plan = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", catalogue(sample.policy), {})
    worker = Worker(sample.store, work, sandbox=True)
    try:
        release = worker.answer(sample.order(plan))
    finally:
        worker.close()
    assert release.suppressed == 0 and sample.snapshot.id.encode() in release.statement
