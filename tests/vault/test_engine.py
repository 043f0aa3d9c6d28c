"""The engine against plain Python: generated plans on a table that has every value, NULLs, and people who object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.vault import plain
from tests.vault.building import Quiet, Row, build, column, exclude, plan_of, row
from tests.vault.questions import plans
from tre.plan.nodes import Compare, Filter, Plan, Predicate
from tre.terms import Exclusion, Snapshot

EXCLUDED = {0, 7, 8, 9, 31, 77, 119}


def people() -> list[Row]:
    """120 persons: every value of every column, NULL where it may be, in mixtures that no two columns share."""
    return [
        row(
            person,
            region=("North", "South", "East")[person % 3],
            sex=(None, "F", "M")[person // 2 % 3],
            year_of_birth=1940 + person * 5 % 6,
            weight=(None, *range(7))[person * 3 % 8],
            died_on=(None, None, *range(19780, 19784))[person // 5 % 6],
            practice=(None, "A1", "B2", "c'3")[person * 7 % 11 % 4],
        )
        for person in range(120)
    ]


class Held:
    def __init__(self, folder: Path) -> None:
        store, work = folder / "store", folder / "work"
        store.mkdir()
        work.mkdir()
        self.rows = people()
        self.held: tuple[Snapshot, Exclusion] = build(store, self.rows, EXCLUDED)
        self.vault = Quiet(store, work)


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Held:
    return Held(tmp_path_factory.mktemp("engine"))


SEEN: Counter[str] = Counter()


def kinds(node: Predicate) -> Iterator[str]:
    yield type(node).__name__
    for part in (*getattr(node, "parts", ()), *([node.part] if hasattr(node, "part") else [])):
        yield from kinds(part)


@settings(max_examples=300)
@given(plan=plans())
def test_the_engine_agrees_with_plain_python(everyone: Held, plan: Plan) -> None:
    if isinstance(plan.relation, Filter):
        SEEN.update(kinds(plan.relation.predicate))
    assert everyone.vault.counts(plan, everyone.held) == plain.count(plan, everyone.rows, EXCLUDED)


def test_every_kind_of_predicate_was_generated() -> None:
    assert set(SEEN) == {kind.__name__ for kind in Predicate.__subclasses__()}


def test_a_plan_of_two_filters_is_their_conjunction(everyone: Held) -> None:
    once = plan_of("region", where=Compare("=", column("sex"), "F"))
    outer = Filter(once.relation, Compare("<>", column("year_of_birth"), 1941))
    twice = Plan("gp", outer, once.keys, once.statistics, once.output)
    assert everyone.vault.counts(twice, everyone.held) == plain.count(twice, everyone.rows, EXCLUDED)


def test_every_group_is_there_on_no_records(store: Path, quiet: Quiet) -> None:
    held = build(store, [])
    assert quiet.counts(plan_of("sex", "died_on"), held) == [0] * 15
    assert quiet.counts(plan_of(), held) == [0]


def test_everybody_may_object(store: Path, quiet: Quiet) -> None:
    rows = people()
    assert quiet.counts(plan_of("region"), build(store, rows, range(120))) == [0, 0, 0]
    assert quiet.counts(plan_of("region"), build(store, rows, [])) == [40, 40, 40]
    assert quiet.counts(plan_of("region"), build(store, rows, range(500, 600))) == [40, 40, 40]  # of whom there is no record


def test_two_statistics_are_the_same_persons(store: Path, quiet: Quiet) -> None:
    quiet.counts(plan_of("region", statistics=("a", "b")), build(store, people()))
    assert quiet.last.counts == ((40, 40, 40), (40, 40, 40))


def test_a_new_exclusion_is_opened_and_the_old_one_closed(store: Path, quiet: Quiet) -> None:
    snapshot, first = build(store, people())
    assert quiet.counts(plan_of(), (snapshot, first)) == [120]
    second = exclude(snapshot, range(20), version=2)
    assert quiet.counts(plan_of(), (snapshot, second)) == [100]
    assert [pair[1].version for pair in quiet._open] == [2]
    assert quiet.counts(plan_of(), build(store, people()[:7])) == [7]
    assert len(quiet._open) == 1


def test_an_exact_table_prints_its_shape_alone(store: Path, quiet: Quiet) -> None:
    quiet.counts(plan_of("region"), build(store, people()))
    assert repr(quiet.last) == "ExactTable(1 statistics, 3 cells)"
