"""One person more or less: no exact number moves further than is declared, and for each kind of number there is a person who
moves it exactly so far. Who objected is as if they had never been there."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from tests.properties.generated import Maker, random_records
from tests.properties.moved import Moved, blocks, moved, within
from tests.vault.building import TABLES, Held, Quiet, Rows, build, column, event, row
from tests.vault.plain import add_up
from tre.plan.measures import WEIGHT as WEIGHT_OF_A_ROW
from tre.plan.measures import measured
from tre.plan.nodes import Column, Join, Key, Plan, Relation, Statistic

PERSONS = 6
A_STORE = 50  # plans asked of one pair of databases


def somebody(dice: random.Random, records: Rows) -> int:
    """One of the two persons with the most rows, mostly; their removal moves most."""
    by_rows = sorted(
        range(PERSONS), key=lambda person: -sum(one["person"] == person for rows in records.values() for one in rows)
    )
    return dice.choice(by_rows[:2] if dice.random() < 0.8 else by_rows)


def neighbours(seeds: Iterable[int]) -> int:
    """Plain Python's numbers with somebody and without; how often anything moved."""
    changed = 0
    for seed in seeds:
        dice = random.Random(seed)
        records, plan = random_records(dice, PERSONS), Maker(dice).plan()
        changed += within(plan, add_up(plan, records), add_up(plan, records, [somebody(dice, records)]))
    return changed


def built(folder: Path, name: str, records: Rows, excluded: Iterable[int] = ()) -> tuple[Quiet, Held]:
    store = folder / name
    store.mkdir()
    more = {table: rows for table, rows in records.items() if table != "patients"}
    return Quiet(store, folder), build(store, records["patients"], excluded, more)


def in_the_engine(folder: Path, seeds: Iterable[int]) -> int:
    """The same in the engine; and that who objected might never have been there."""
    changed = 0
    for seed in seeds:
        dice = random.Random(seed)
        records = random_records(dice, PERSONS)
        gone = somebody(dice, records)
        left = {table: [one for one in rows if one["person"] != gone] for table, rows in records.items()}
        whole, objected, never = (
            built(folder, f"whole{seed}", records),
            built(folder, f"objected{seed}", records, [gone]),
            built(folder, f"never{seed}", left),
        )
        for _ in range(A_STORE):
            plan = Maker(dice).plan()
            with_them, without, as_if = (blocks(vault.exact(plan, held)) for vault, held in (whole, objected, never))
            assert without == as_if, (seed, plan)
            changed += within(plan, with_them, without)
    return changed


@pytest.mark.parametrize("part", range(4))
def test_nobody_moves_a_number_further_than_is_declared(part: int) -> None:
    assert neighbours(range(part * 500, part * 500 + 500)) > 150


@pytest.mark.parametrize("part", range(2))
def test_nor_in_the_engine(tmp_path: Path, part: int) -> None:
    assert in_the_engine(tmp_path, range(part * 4, part * 4 + 4)) > 60


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand_neighbours(part: int) -> None:
    assert neighbours(range(10_000 + part * 2_000, 12_000 + part * 2_000)) > 600


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand_in_the_engine(tmp_path: Path, part: int) -> None:
    assert in_the_engine(tmp_path, range(1_000 + part * 40, 1_040 + part * 40)) > 600


# ------------------------------------------------------------------------------------- the declared bound is what somebody does
WEIGHT, GRADE = column("weight"), column("value", "events")
REGION, KIND = Key("region", column("region")), Key("kind", column("kind", "events"))
PRACTICE = Key("practice", column("practice"), discovered=True)
PATIENTS, EVENTS = TABLES["patients"].scan, TABLES["events"].scan
KINDS = ("a", "b", "c")
SOMEBODY, OTHERS = 3, range(3)
STATISTICS = ("persons", "rows", "sum", "avg", "var", "stddev", "quantile", "mean_of_persons")
Sets = tuple[tuple[int, ...], ...]


class Pair:
    """Four people of one region and practice with every value at one end, and the same without one of them. ``spread``: how many
    events of each kind that one has; the others have one of each."""

    def __init__(self, folder: Path, end: str, spread: Sequence[int] = ()) -> None:
        self.end, grade = end, GRADE.domain.ends[end == "high"]
        people = [row(person, weight=WEIGHT.domain.ends[end == "high"], practice="A1") for person in range(SOMEBODY + 1)]
        mine = [event(SOMEBODY, kind=KINDS[at], value=grade) for at, rows in enumerate(spread) for _ in range(rows)]
        others = [event(person, kind=kind, value=grade) for person, kind in product(OTHERS, KINDS)]
        self._whole = built(folder, "whole", {"patients": people, "events": [*others, *mine]})
        self._without = built(folder, "without", {"patients": people[:SOMEBODY], "events": others})

    def attains(self, relation: Relation, keys: tuple[Key, ...], value: Column, kind: str, sets: Sets = ()) -> None:
        """Each measure of a statistic moves by all that is declared of it."""
        for each in self.moved(relation, keys, value, kind, sets):
            assert (each.l1, each.squared_l2) == (each.bound.l1, each.bound.squared_l2), each
            assert max(each.changes) == each.bound.cell, each

    def moved(self, relation: Relation, keys: tuple[Key, ...], value: Column, kind: str, sets: Sets = ()) -> list[Moved]:
        q = {"high": "0.9", "low": "0.25"}[self.end] if kind == "quantile" else None  # at this end scores move most
        asked = Statistic("s", kind, None if kind in ("persons", "rows") else value, q=q)
        plan = Plan("gp", relation, keys, (asked,), (*(key.alias for key in keys), "s"), sets=sets)
        one, other = (blocks(vault.exact(plan, held)) for vault, held in (self._whole, self._without))
        assert within(plan, one, other)
        found = list(moved(plan, one, other))
        return [found[place] for place in measured(plan).parts["s"]]


@pytest.mark.parametrize("end", ["low", "high"])
def test_one_row_a_person(tmp_path: Path, end: str) -> None:
    """L0 is 1, and with grouping sets that are drawn as many as they are."""
    pair = Pair(tmp_path, end)
    for keys, kind in product([(), (REGION,), (PRACTICE,), (REGION, PRACTICE)], STATISTICS):
        if kind == "sum" and end == "low":
            continue  # 0: nobody moves a sum by that
        named = tuple(replace(key, discovered=PRACTICE in keys) for key in keys)
        pair.attains(PATIENTS, named, WEIGHT, kind)
        pair.attains(PATIENTS, named, WEIGHT, kind, tuple(tuple(range(most)) for most in range(len(keys), -1, -1)))


# max_rows and max_groups, and how many events of each kind fill them: all groups full; one full, and in one what is left of eight
# rows; one group; more rows and groups than count.
SPREADS = [((3, 2), (3, 3)), ((5, 2), (5, 3)), ((2, 3), (2, 2, 2)), ((1, 3), (1, 1, 1)), ((8, 1), (8,)), ((3, 2), (1, 4, 3))]


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize(("bounds", "spread"), SPREADS, ids=str)
def test_many_rows_in_several_groups(tmp_path: Path, end: str, bounds: tuple[int, int], spread: tuple[int, ...]) -> None:
    pair, relation = Pair(tmp_path, end, spread), replace(EVENTS, max_rows=bounds[0], max_groups=bounds[1])
    for kind in STATISTICS:
        if kind == "sum" and end == "low":
            continue  # -4 is nearer to 0 than 10
        if kind == "quantile" and bounds == (5, 2):
            # The bound of scores takes all groups to be full, which eight rows cannot do: it is above what anybody does.
            assert pair.moved(relation, (KIND,), GRADE, kind)[-1].l1 < 2 * 5 * WEIGHT_OF_A_ROW * 9
            continue
        pair.attains(relation, (KIND,), GRADE, kind)


@pytest.mark.parametrize("end", ["low", "high"])
def test_many_rows_in_one_group_and_in_sets(tmp_path: Path, end: str) -> None:
    """By region; by region and kind, by region, in all: of three sets the last two have the person once."""
    pair, relation = Pair(tmp_path, end, (3, 3)), Join(PATIENTS, EVENTS)
    for kind in STATISTICS:
        if kind == "sum" and end == "low":
            continue
        pair.attains(relation, (REGION,), GRADE, kind)
        pair.attains(relation, (REGION, KIND), GRADE, kind, ((0, 1), (0,), ()))
