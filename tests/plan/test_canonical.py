"""Equal questions, one digest; different questions, never the same; the form is true of the rows that the plan is true of."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from tests.plan.offers import LISTS, SMALL
from tests.plan.worlds import Row, kept, random_predicate, random_row, truth
from tre.plan.canonical import canonical_form
from tre.plan.nodes import Filter, Plan, Predicate, Scan, Statistic
from tre.plan.parse import parse
from tre.plan.restricted import RestrictedPlan

HERE = Path(__file__).parent


def pairs(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()[1:]
    return [(left, right) for left, _, right in (line.partition(" ; ") for line in lines if line)]


def plan_of(text: str) -> Plan:
    return parse(text if text.startswith(("SELECT", "WITH")) else f"SELECT COUNT(*) AS n FROM people WHERE {text}", SMALL, LISTS)


def plan_where(predicate: Predicate) -> Plan:
    return Plan("small", Filter(Scan("people", 1), predicate), (), (Statistic("n", "persons"),), ("n",))


def found_by(plan: Plan) -> str:
    """The digest by which a release of the plan is found."""
    return RestrictedPlan(canonical_form(plan), "research", ("local",)).digest


@pytest.mark.parametrize(("left", "right"), pairs("equal.sql"))
def test_equal(left: str, right: str) -> None:
    assert found_by(plan_of(left)) == found_by(plan_of(right))


@pytest.mark.parametrize(("left", "right"), pairs("different.sql"))
def test_different(left: str, right: str) -> None:
    assert found_by(plan_of(left)) != found_by(plan_of(right))


def test_there_are_enough_pairs() -> None:
    assert len(pairs("equal.sql")) >= 200 and len(pairs("different.sql")) >= 100


def worlds(dice: random.Random, count: int) -> list[Row]:
    return [random_row(dice) for _ in range(count)]


def test_the_form_is_true_of_the_same_rows_and_is_its_own_form() -> None:
    dice = random.Random(1)
    rows = worlds(dice, 150)
    for _ in range(1_500):
        plan = plan_where(random_predicate(dice, 4, related=True))
        form = canonical_form(plan)
        assert canonical_form(form) == form, plan
        assert SMALL.admits(form)
        assert all(kept(form.relation, row) == kept(plan.relation, row) for row in rows), plan


def test_questions_that_keep_different_rows_never_share_a_digest() -> None:
    """Small conditions on few values collide often in meaning: every pair of equal digests is compared, row by row."""
    dice = random.Random(2)
    rows = worlds(dice, 400)
    meanings: dict[str, tuple[bool, ...]] = {}
    shared = 0
    for _ in range(6_000):
        predicate = random_predicate(dice, 2)
        meaning = tuple(truth(predicate, row) is True for row in rows)
        key = found_by(plan_where(predicate))
        shared += key in meanings
        assert meanings.setdefault(key, meaning) == meaning, predicate
    assert shared > 500


def test_most_questions_that_keep_the_same_rows_share_one() -> None:
    """Not promised (when in doubt, forms differ), but lost repeats cost budget: most meanings of one column have one digest."""
    dice = random.Random(3)
    rows = worlds(dice, 400)
    digests: dict[tuple[bool, ...], set[str]] = {}
    for _ in range(3_000):
        predicate = random_predicate(dice, 2)
        digests.setdefault(tuple(truth(predicate, row) is True for row in rows), set()).add(found_by(plan_where(predicate)))
    alone = sum(len(found) == 1 for found in digests.values())
    assert alone / len(digests) > 0.97


def test_filters_on_filters_are_one() -> None:
    dice = random.Random(4)
    for _ in range(100):
        first, second = random_predicate(dice, 2), random_predicate(dice, 2)
        nested = [
            plan_where(first).__class__(
                "small", Filter(Filter(Scan("people", 1), a), b), (), (Statistic("n", "persons"),), ("n",)
            )
            for a, b in itertools.permutations([first, second])
        ]
        assert len({found_by(plan) for plan in nested}) == 1
