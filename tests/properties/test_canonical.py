"""The canonical form asks what the plan asks: generated plans and their forms give the same numbers on the same records; and a
form is its own form."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.properties.generated import Maker, random_records
from tests.vault.building import Rows
from tests.vault.plain import add_up
from tre.plan.canonical import canonical_form
from tre.plan.measures import measured
from tre.plan.nodes import Plan

PERSONS = 8


def same(seed: int) -> bool:
    dice = random.Random(seed)
    plan = Maker(dice).plan()
    form = canonical_form(plan)
    assert canonical_form(form) == form, seed
    records = random_records(dice, PERSONS)
    assert told(plan, records) == told(form, records), seed
    return form != plan


def told(plan: Plan, records: Rows) -> list[tuple[Any, dict[str, list[Any]]]]:
    """Every statistic's own numbers, each grouping set by itself: how many are shared or added is the price's affair."""
    return [_alone(plan, one, records) for one in plan.sets]


def _alone(plan: Plan, one: tuple[int, ...], records: Rows) -> tuple[Any, dict[str, list[Any]]]:
    keys = tuple(plan.keys[place] for place in one)
    output = (*(key.alias for key in keys), *(statistic.alias for statistic in plan.statistics))
    asked = replace(plan, keys=keys, sets=(), output=output)
    ((groups, vectors),) = add_up(asked, records)
    return groups, {alias: [vectors[at] for at in places] for alias, places in measured(asked).parts.items()}


def test_forms_ask_the_same() -> None:
    assert sum(same(seed) for seed in range(600)) > 500


def test_a_form_has_the_domains_of_its_plan() -> None:
    """Of two equal months one is left, and would be a month where the plan has a date."""
    assert same(3213)


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_many_forms_ask_the_same(part: int) -> None:
    assert sum(same(seed) for seed in range(1_000 + part * 2_000, 3_000 + part * 2_000)) > 1_500
