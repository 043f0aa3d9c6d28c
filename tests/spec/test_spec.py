"""The language by example: the question of each file, asked of its few people, has its exact answer, noise being taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.cases import FOLDER, read
from tests.vault.building import DOMAINS, Quiet, build
from tre.plan.nodes import Plan
from tre.plan.offer import Catalogue, ColumnOffer, TableOffer
from tre.plan.parse import parse
from tre.vault.cells import labels

CASES = {file.stem: file for file in sorted(FOLDER.glob("*.txt"))}
PATIENTS = {name: ColumnOffer(domain, None if domain.kind == "code" else "public") for name, domain in DOMAINS.items()}
CATALOGUE = Catalogue("gp", "person", 10_000, {"patients": TableOffer(True, 1, PATIENTS)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spec")


@pytest.mark.parametrize("name", CASES)
def test_case(folder: Path, name: str) -> None:
    case = read(CASES[name])
    plan = parse(case.question, CATALOGUE, case.codelists)
    store = folder / name
    store.mkdir()
    counts = Quiet(store, folder).counts(plan, build(store, case.rows, case.objected))
    assert answered(plan, counts) == case.answer


def answered(plan: Plan, counts: list[int]) -> list[dict[str, str]]:
    """The exact table in the words of a case."""
    names = [*(key.alias for key in plan.keys), *(statistic.alias for statistic in plan.statistics)]
    rows = [dict(zip(names, (*label, count), strict=True)) for label, count in zip(labels(plan.keys), counts, strict=True)]
    return [{name: "" if row[name] is None else str(row[name]) for name in plan.output} for row in rows]
