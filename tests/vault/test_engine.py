"""The engine against plain Python: generated plans on tables that have every value, NULLs, and people who object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.spec.cases import CATALOGUE
from tests.vault import plain
from tests.vault.building import Held as Pair
from tests.vault.building import Quiet, Row, Rows, build, column, event, exclude, plan_of, ranked, row, visit
from tests.vault.questions import any_plans, plans
from tre.errors import Refusal
from tre.plan.canonical import canonical_form
from tre.plan.nodes import Compare, Expression, Filter, Node, Plan, Predicate, Relation
from tre.plan.parse import parse
from tre.vault.exact import ExactTable

EXCLUDED = {0, 7, 8, 9, 31, 77, 119}
SOME = 40  # persons of whom there are events and visits too


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


def histories() -> Rows:
    """None to eight events and none to four visits of some persons; some of them have no row among the patients."""
    events, visits = [], []
    for person in range(0, 3 * SOME, 3):
        for place in range((person * 7 + 3) % 9):
            mix = person * 31 + place * place * 17 + place * 5
            events.append(
                event(
                    person + 5,
                    date=19752 + mix * 3 % 33,
                    code=(None, "A1", "A12", "B2", "c'3", "Z")[mix % 6],
                    kind=(None, "a", "b", "c", "a")[mix // 3 % 5],
                    value=(None, *range(-4, 11))[mix // 2 % 16],
                )
            )
        for place in range((person * 5 + 1) % 5):
            mix = person * 13 + place * 7
            visits.append(
                visit(person + 2, day=(None, *range(19721, 19725))[mix % 5], cost=mix % 9 - 3, code=(None, "A1", "B2")[mix % 3])
            )
    return {"events": events, "visits": visits}


class World:
    def __init__(self, folder: Path, excluded: set[int] = EXCLUDED, **more: int) -> None:
        store, work = folder / "store", folder / "work"
        store.mkdir(parents=True)
        work.mkdir()
        self.rows, self.more = people(), histories()
        self.tables: Rows = {"patients": self.rows, **{name: ranked(rows) for name, rows in self.more.items()}}
        self.held: Pair = build(store, self.rows, excluded, self.more)
        self.vault = Quiet(store, work, **more)

    def blocks(self, plan: Plan) -> list[plain.Block]:
        return as_plain(self.vault.exact(plan, self.held))


def as_plain(exact: ExactTable) -> list[plain.Block]:
    return [(block.keys, list(block.numbers)) for block in exact.blocks]


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("engine"))


def kinds(node: object) -> Iterator[str]:
    """The kinds of node that a plan has."""
    if isinstance(node, tuple):
        for part in node:
            yield from kinds(part)
    elif isinstance(node, Node):
        yield type(node).__name__
        for name in type(node).__slots__:  # type: ignore[attr-defined]
            yield from kinds(getattr(node, name))


@settings(max_examples=300)
@given(plan=plans())
def test_counts_of_persons_agree_with_plain_python(everyone: World, plan: Plan) -> None:
    assert everyone.vault.counts(plan, everyone.held) == plain.count(plan, everyone.rows, EXCLUDED)


def test_the_engine_agrees_with_plain_python(everyone: World) -> None:
    """On plans of every kind of node."""
    seen: Counter[str] = Counter()

    @settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
    @given(plan=any_plans())
    def agrees(plan: Plan) -> None:
        seen.update(set(kinds(plan)))
        assert everyone.blocks(plan) == plain.add_up(plan, everyone.tables, EXCLUDED)

    agrees()
    assert {kind.__name__ for root in (Predicate, Relation, Expression) for kind in root.__subclasses__()} <= set(seen)


def test_a_plan_of_two_filters_is_their_conjunction(everyone: World) -> None:
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


def test_two_statistics_of_the_same_persons_are_one_measure(store: Path, quiet: Quiet) -> None:
    exact = quiet.exact(plan_of("region", statistics=("a", "b")), build(store, people()))
    assert exact.blocks[0].numbers == ((40, 40, 40),)


def test_a_new_exclusion_is_opened_and_the_old_one_closed(store: Path, quiet: Quiet) -> None:
    snapshot, first = build(store, people())
    assert quiet.counts(plan_of(), (snapshot, first)) == [120]
    second = exclude(snapshot, range(20), version=2)
    assert quiet.counts(plan_of(), (snapshot, second)) == [100]
    assert [pair[1].version for pair in quiet._open] == [2]
    assert quiet.counts(plan_of(), build(store, people()[:7])) == [7]
    assert len(quiet._open) == 1


def test_an_exact_table_prints_its_shape_alone(store: Path, quiet: Quiet) -> None:
    exact = quiet.exact(plan_of("region"), build(store, people()))
    assert repr(exact) == "ExactTable(1 blocks)" and repr(exact.blocks[0]) == "ExactBlock(1 measures, 3 groups)"


STEPS = ("x + 1 + 1 + 1 + 1", "band(x + 1, 2)", "clamp(x + 1, 0, 60)", "coalesce(x, 1) + 1", "least(x + 1, 30)", "x * 1 - 1")
STEPS += ("CASE WHEN sex = 'F' THEN 1 ELSE x END", "nullif(clamp(x, -5, 60), 7)", "clamp(abs(clamp(x, -9, 9) - 1), 1, 8)")


@pytest.mark.parametrize("step", STEPS)
def test_the_deepest_question_that_is_read_is_answered(everyone: World, step: str) -> None:
    """What the reader lets through is not too deep for the engine, nor for the canonical form."""
    deepest = None
    for steps in range(1, 30):
        ctes = [f"c{n} AS (SELECT person, sex, {step} AS x FROM c{n - 1})" for n in range(1, steps + 1)]
        text = f"WITH c0 AS (SELECT person, sex, weight AS x FROM patients), {', '.join(ctes)} SELECT SUM(x) AS s FROM c{steps}"
        try:
            deepest = parse(text, CATALOGUE, {})
        except Refusal:
            break
    assert deepest is not None
    canonical_form(deepest)
    assert everyone.blocks(deepest) == plain.add_up(deepest, everyone.tables, EXCLUDED)
