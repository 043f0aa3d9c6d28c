"""A database in which some people are left out answers as one that never held them: every statistic, every node, exactly, before
noise; whichever way they are left out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.properties.generated import Maker, kinds
from tests.properties.leaving import AT_LOAD, BY_EXCLUSION, world_of
from tests.properties.test_engine import ABOVE
from tre.plan import nodes as n

A_WORLD = 125  # questions asked of one set of records: making it takes as long as some hundreds of them


def compare(folder: Path, seeds: Iterable[int], asked: int, every_way: bool) -> tuple[Counter[str], Counter[str]]:
    """How often each node and each statistic was asked, and how many answers would have told. Not ``every_way``: the ways that
    make an exclusion take turns, since their exclusions hold the same persons."""
    made, statistics = Counter[str](), Counter[str]()
    for seed in seeds:
        with world_of(folder / f"world{seed}", seed) as world:
            dice = random.Random(seed + 10**6)
            assert len({tuple(world.left_out(way)) for way in BY_EXCLUSION}) == 1
            assert len(world.left_out("objected")) == len(world.gone) and not world.left_out(AT_LOAD)
            for turn in range(asked):
                plan = Maker(dice).plan()
                made += kinds(plan)
                statistics += Counter(one.kind for one in plan.statistics)
                expected = world.never(plan)
                for way in (*(BY_EXCLUSION if every_way else BY_EXCLUSION[turn % 3 :][:1]), AT_LOAD):
                    assert world.exact(way, plan) == expected, (seed, turn, way)
                statistics["told"] += world.exact("nobody-left-out", plan) != expected if turn % 5 == 0 else 0
    return made, statistics


def check(made: Counter[str], statistics: Counter[str], asked: int) -> None:
    assert set(n.NODES) - ABOVE <= set(made), set(n.NODES) - ABOVE - set(made)
    assert set(n.STATISTICS) <= set(statistics), set(n.STATISTICS) - set(statistics)
    assert statistics["told"] > asked / 5 / 3, "with these people counted, the answers are others: the comparison sees them"


def test_five_hundred(tmp_path: Path) -> None:
    check(*compare(tmp_path, range(4), A_WORLD, every_way=False), 4 * A_WORLD)


@pytest.mark.audit
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(4))
def test_five_thousand(tmp_path: Path, part: int) -> None:
    """In four parts, which can run side by side; four fifths of the time is the engine's planning of small statements."""
    first = 100 + 10 * part
    check(*compare(tmp_path, range(first, first + 10), A_WORLD, every_way=True), 10 * A_WORLD)
