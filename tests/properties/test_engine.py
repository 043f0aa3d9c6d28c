"""Generated questions on generated records: the engine's numbers are those of plain Python, with people left out and without, in
one pass and in many; and every node kind was asked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.properties.generated import Maker, kinds, random_records
from tests.vault.building import SCAN, Quiet, asking, build, column, exclude, row
from tests.vault.plain import add_up
from tre.plan import nodes as n

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


@pytest.mark.parametrize("part", range(4))
def test_the_engine_says_what_plain_python_says(tmp_path: Path, part: int) -> None:
    made = compare(tmp_path, range(part * 5, part * 5 + 5))
    assert set(n.NODES) - ABOVE <= set(made), set(n.NODES) - ABOVE - set(made)


@pytest.mark.parametrize("values", [[None], [0], [None, 0], [None, 0, 5]])
def test_a_row_never_hangs_on_what_others_have_in_a_column(tmp_path: Path, values: list[int | None]) -> None:
    """A list of values, of an expression over a column that holds next to nothing else; by itself and out of a sub-query."""
    weight = column("weight")
    instead = n.Value(0, n.Domain("decimal", False, low=0, high=0, grid="0.5"))
    computed = n.case([n.Branch(n.Not(n.IsNull(weight)), weight)], instead)
    derived = n.Derived(SCAN, "d", (n.Named("c", computed), n.Named("w", weight)))
    few, many = (0, 5), tuple(range(-3, 20))
    held = build(tmp_path, [row(person, weight=value) for person, value in enumerate(values)])
    quiet = Quiet(tmp_path, tmp_path)
    for of, relation in ((computed, SCAN), (n.Column("d", "c", computed.domain), derived), (n.clamp(computed, 0, 5), SCAN)):
        for among in (few, many):
            (block,) = quiet.exact(asking(n.Filter(relation, n.OneOf(of, among)), [], ("persons", None)), held).blocks
            assert block.numbers == ((len(values),),), (of, among)


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand(tmp_path: Path, part: int) -> None:
    compare(tmp_path, range(1_000 + part * 20, 1_020 + part * 20))
