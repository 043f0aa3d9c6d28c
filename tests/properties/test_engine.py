"""Generated questions on generated records: the engine's numbers are those of plain Python, with people left out and without, in
one pass and in many; and every node kind was asked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.properties.generated import Maker, kinds, random_records
from tests.vault.building import Quiet, build, exclude
from tests.vault.plain import add_up

PERSONS = 10
A_STORE = 100  # plans asked of one database: writing one takes as long as several questions
# What stands above the groups, and is computed from what is shown, has tests of its own.
ABOVE = {
    "Combined", "Expression", "Figure", "Having", "HavingAll", "HavingAny", "HavingCompare", "HavingNot", "Literal", "Measure",
    "Number", "Predicate", "Relation", "OfStatistic", "Sort",
}  # fmt: skip


def compare(folder: Path, seeds: Iterable[int]) -> Counter[str]:
    made: Counter[str] = Counter()
    for seed in seeds:
        dice = random.Random(seed)
        records = random_records(dice, PERSONS)
        left_out = [person for person in range(PERSONS) if dice.random() < 0.2]
        store = folder / f"store{seed}"
        store.mkdir()
        held = build(store, records["patients"], left_out, {name: rows for name, rows in records.items() if name != "patients"})
        again = held[0], exclude(held[0], left_out, 2)  # one file is opened in one way
        whole, parts = Quiet(store, folder), Quiet(store, folder, at_once=1, range=3)
        for turn in range(A_STORE):
            plan = Maker(dice).plan()
            made += kinds(plan)
            expected = add_up(plan, records, left_out)
            for vault, records_ in ((whole, held), (parts, again))[: 1 + (turn % 8 == 0)]:
                found = [(block.keys, list(block.numbers)) for block in vault.exact(plan, records_).blocks]
                assert found == expected, (seed, turn)
    return made


def test_the_engine_says_what_plain_python_says(tmp_path: Path) -> None:
    made = compare(tmp_path, range(20))
    from tre.plan.nodes import NODES

    assert set(NODES) - ABOVE <= set(made), set(NODES) - ABOVE - set(made)


@pytest.mark.audit
def test_twenty_thousand(tmp_path: Path) -> None:
    compare(tmp_path, range(1_000, 1_200))
