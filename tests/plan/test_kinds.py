"""Every plan of the language is of a class or of kinds that a calibration measures, and every number of the shipped table counts
in a question that is measured."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS, POLICIES
from tests.spec.cases import CONSTRUCTS, FOLDER, WORLD
from tests.spec.cases import read as read_case
from tests.spec.epidemiology.test_epidemiology import CASES as EPIDEMIOLOGY
from tests.spec.epidemiology.test_epidemiology import read as read_published
from tre.errors import Refusal
from tre.gateway.specimens import of_kinds
from tre.plan.classes import class_of
from tre.plan.kinds import KINDS, kinds_of
from tre.plan.nodes import Plan
from tre.plan.parse import parse
from tre.plan.steps import ROOM, SHIPPED, expected

GP = POLICIES.datasets["gp"]
SPEC = [file for folder in (FOLDER, CONSTRUCTS) for file in sorted(folder.glob("*.txt")) if file != WORLD]


def measured() -> list[Plan]:
    """The plans that a calibration asks of the sample policy."""
    found = []
    for request in of_kinds(GP):
        try:
            found.append(parse(request.sql, CATALOGUE, CODELISTS))
        except Refusal:
            continue
    return [plan for plan in found if ROOM * took(plan) <= GP.accounting.deadline_s]


def took(plan: Plan, **changed: float) -> float:
    return expected(plan, GP.published_size.persons, GP.published_size.rows, replace(SHIPPED, **changed))


MEASURED = measured()
KNOWN = frozenset(kind for plan in MEASURED for kind in kinds_of(plan))


def test_each_kind_is_measured_on_the_sample_policy() -> None:
    assert set(KINDS) == KNOWN
    assert len(set(KINDS)) == len(KINDS) and len(MEASURED) == len(set(MEASURED))


@pytest.mark.parametrize("name", [one.name for one in fields(SHIPPED)])
def test_each_number_of_the_shipped_table_counts_in_a_question_that_is_measured(name: str) -> None:
    """But for lists of codes, which the classes measure."""
    counted = [plan for plan in MEASURED if took(plan, **{name: 10 * getattr(SHIPPED, name)}) > 1.05 * took(plan)]
    assert bool(counted) != (name == "a_list")


@pytest.mark.parametrize("file", SPEC, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_question_of_the_spec_is_measured(file: Path) -> None:
    known(read_case(file).plan)


@pytest.mark.parametrize("name", EPIDEMIOLOGY)
def test_a_published_question_is_measured(name: str) -> None:
    question, _ = read_published(EPIDEMIOLOGY[name])
    known(parse(question, CATALOGUE, CODELISTS))


def known(plan: Plan) -> None:
    """Of a class; or of kinds, one of which at least says over how many rows of a person it is."""
    kinds = kinds_of(plan)
    assert class_of(plan) is not None or kinds <= KNOWN
    assert kinds & {"persons", "rows"} and not {"persons", "rows"} <= kinds
