"""No words bring back who was left out: each hostile text is refused, or answered exactly as a database answers that never held
them."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.optouts.hostile import TRICKS, hostile
from tests.properties.leaving import POLICY, World, world_of
from tre.errors import Reason, Refusal
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.parse import parse

CATALOGUE = catalogue(POLICY)


def understood(text: str) -> Plan | Reason:
    try:
        plan = parse(text, CATALOGUE, {})
    except Refusal as refusal:
        return refusal.reason
    assert CATALOGUE.admits(plan), text
    return plan


def breaches(world: World, seed: int, texts: int) -> tuple[list[str], Counter[str]]:
    """Texts whose exact aggregates are not those without the people, and how many were answered, by trick."""
    dice, found, answered = random.Random(seed), [], Counter[str]()
    known: dict[Plan, bool] = {}
    for _ in range(texts):
        text, trick = hostile(dice)
        plan = understood(text)
        if isinstance(plan, Plan):
            if plan not in known:
                known[plan] = world.exact("either", plan) == world.never(plan)
                answered["told"] += world.exact("nobody-left-out", plan) != world.never(plan)
            answered[trick] += 1
            found += [] if known[plan] else [text]
    return found, answered


def check(folder: Path, seed: int, texts: int) -> None:
    with world_of(folder / "world", seed, persons=40) as world:
        found, answered = breaches(world, seed, texts)
    assert found == []
    told = answered.pop("told")
    assert answered.total() > texts / 10, "some are questions after all"
    assert told > 10, "with these people counted, the answers are others: the comparison sees them"
    assert set(answered) >= {"aliased", "with_cte", "commented", "loosened", "joined", "nested"}, answered


def test_five_hundred(tmp_path: Path) -> None:
    check(tmp_path, 1, 500)


@pytest.mark.audit
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand(tmp_path: Path, part: int) -> None:
    check(tmp_path, 10 + part, 2_500)


def test_each_trick_is_in_the_texts_and_most_are_refused_for_more_than_one_reason() -> None:
    dice = random.Random(3)
    texts = [hostile(dice) for _ in range(600)]
    assert {trick for _, trick in texts} == {trick.__name__ for trick in TRICKS}
    refused = Counter(found for text, _ in texts if not isinstance(found := understood(text), Plan))
    assert refused.total() > 300 and len(refused) >= 5, refused


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) AS n FROM excluded",
        "SELECT COUNT(*) AS n FROM persons",
        "SELECT COUNT(*) AS n FROM temp.objecting",
        'SELECT COUNT(*) AS n FROM "left_out_patients"',
        "SELECT COUNT(*) AS n FROM everybody_patients",
        "SELECT COUNT(*) AS n FROM objections",
        "SELECT COUNT(*) AS n FROM patients WHERE person IN (SELECT person FROM excluded)",
        "SELECT COUNT(*) AS n FROM patients WHERE opted_out",
        "SELECT opt_out, COUNT(*) AS n FROM patients GROUP BY opt_out",
        "SELECT COUNT(objected) AS n FROM patients",
        "SELECT COUNT(*) - (SELECT COUNT(*) FROM excluded) AS n FROM patients",
    ],
)
def test_how_many_were_left_out_cannot_be_asked(text: str) -> None:
    assert isinstance(understood(text), Reason)
