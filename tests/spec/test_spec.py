"""The language by example: the question of each file, asked of its few people, has its exact answer, noise being taken out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.spec.cases import FOLDER, read
from tests.vault.building import TABLES, Quiet, build, draws_of
from tre.plan.candidates import candidates
from tre.plan.choice import bounded
from tre.plan.estimate import estimator, unit
from tre.plan.measures import measured
from tre.plan.nodes import Plan, Statistic
from tre.plan.offer import Catalogue, ColumnOffer, TableOffer
from tre.plan.parse import parse
from tre.plan.sets import drawn
from tre.vault.cells import shown, values
from tre.vault.exact import ExactBlock, ExactTable

CASES = {file.stem: file for file in sorted(FOLDER.glob("*.txt"))}
OFFERS = {
    name: TableOffer(
        shape.scan.row_cap == 1,
        shape.scan.row_cap,
        {
            column: ColumnOffer(domain, "discovered" if domain.kind == "code" else "public")
            for column, domain in shape.domains.items()
        },
        shape.scan.max_rows,
        shape.scan.max_groups,
    )
    for name, shape in TABLES.items()
}
CATALOGUE = Catalogue("gp", "person", 10_000, OFFERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec")


@pytest.mark.parametrize("name", CASES)
def test_case(folder: Path, name: str) -> None:
    case = read(CASES[name])
    plan = parse(case.question, CATALOGUE, case.codelists)
    store = folder / name
    store.mkdir()
    vault = Quiet(store, folder)
    exact = vault.exact(plan, build(store, case.rows, case.objected, case.more))
    assert answered(plan if vault.chosen is None else bounded(plan, vault.chosen.k), exact) == case.answer


def answered(plan: Plan, exact: ExactTable) -> list[dict[str, str]]:
    """The exact table in the words of a case: every grouping set that is drawn, one after the other."""
    rows = []
    for one, block in zip(drawn(plan), exact.blocks, strict=True):
        keys = [plan.keys[place] for place in one]
        groups = block.keys if block.keys is not None else tuple(product(*(values(key.column.domain) for key in keys)))
        for place, group in enumerate(groups):
            row = {key.alias: shown(key.column.domain, value) for key, value in zip(keys, group, strict=True)}
            row |= dict(zip((one.alias for one in plan.statistics), _statistics(plan, block, place), strict=True))
            rows.append({name: "" if row.get(name) is None else str(row[name]) for name in plan.output})
    return rows


def _statistics(plan: Plan, block: ExactBlock, place: int) -> list[str | None]:
    numbers = [_chosen(measure, vector[place]) for measure, vector in zip(measured(plan).measures, block.numbers, strict=True)]
    estimates = estimator(plan, draws_of(plan), 1)(numbers)
    return [
        None if estimate is None else _told(statistic, estimate.value)
        for statistic, estimate in zip(plan.statistics, estimates, strict=True)
    ]


def _told(statistic: Statistic, number: int) -> str | None:
    if statistic.kind == "quantile" and statistic.value is not None:
        return str(shown(statistic.value.domain, number))
    return format(Decimal(unit(statistic)) * number, "f")


def _chosen(measure: Any, number: Any) -> int:
    """Of a quantile's weights the first candidate with the best score: the fewest rows between it and the rank."""
    if not isinstance(number, tuple):
        return int(number)
    rank, below, best = Fraction(measure.q) * sum(number), 0, []
    for candidate, weight in zip(candidates(measure.value.domain), number, strict=True):
        best.append((max(Fraction(0), rank - below - weight, below - rank), candidate))
        below += weight
    return min(best)[1]
