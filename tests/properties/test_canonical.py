"""The canonical form asks what the plan asks: generated plans and their forms give the same numbers on the same records; and a
form is its own form."""

from __future__ import annotations

import random
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
    """Every statistic's own numbers: how many are shared is the price's affair."""
    parts = measured(plan).parts
    blocks = add_up(plan, records)
    return [(keys, {alias: [vectors[at] for at in places] for alias, places in parts.items()}) for keys, vectors in blocks]


def test_forms_ask_the_same() -> None:
    assert sum(same(seed) for seed in range(600)) > 500


@pytest.mark.audit
def test_many_forms_ask_the_same() -> None:
    assert sum(same(seed) for seed in range(1_000, 21_000)) > 15_000
