"""The run-time alarm: silent on true snapshots, and raised by each planted untruth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from tests.vault.building import (
    SCAN,
    TABLES,
    Held,
    Quiet,
    asking,
    build,
    column,
    draws_of,
    event,
    exclude,
    manifest,
    order_of,
    plan_of,
    row,
)
from tests.vault.questions import any_plans
from tre.errors import Fault
from tre.plan.bound import sensitivities
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Join, Key, Plan, Scan
from tre.terms import Snapshot, digest
from tre.vault import Worker, check
from tre.vault.check import Alarm, Counted, Seen, check_sums
from tre.vault.compile import compile
from tre.vault.engines import duckdb as engine
from tre.vault.engines.dictionary import Dictionary
from tre.vault.engines.gather import Gathering
from tre.vault.exact import ExactBlock, ExactTable

PEOPLE = [row(person, region=("North", "South", "East")[person % 3]) for person in range(30)]
EVENTS = TABLES["events"].scan
MORE = {
    "events": [
        event(person, kind=("a", "b", "c")[place % 3], value=place, code=f"C{place % 4}")
        for person in range(0, 30, 2)
        for place in range(person % 9)
    ]
}
FIVE = ("C0", "C1", "C2", "C3", "C0", "C1", "C2", None)
MEAN = asking(Join(SCAN, EVENTS), [Key("region", column("region"))], ("avg", column("value", "events")))
KINDS = asking(EVENTS, [Key("kind", column("kind", "events"))], ("sum", column("value", "events")), ("rows", None))
DATES = asking(EVENTS, [Key("date", column("date", "events"))], ("persons", None))
CODES = asking(EVENTS, [Key("code", column("code", "events"), discovered=True)], ("persons", None))
ROWS = asking(EVENTS, [Key("code", column("code", "events"), discovered=True)], ("rows", None))


def alter(held: Held, sql: str, file: str = "persons") -> Held:
    """A planted bug: the load wrote this, and believed it true."""
    with duckdb.connect(f"{held[0].folder}/{file}.duckdb") as connection:
        connection.execute(sql)
    return rewritten(held, lambda body: None, sworn=True)


UNTRUE = {
    "a person comes twice": "INSERT INTO patients SELECT * FROM patients WHERE person = 7",
    "a row has no person": "UPDATE patients SET person = NULL WHERE person = 7",
    "a category is outside its list": "UPDATE patients SET region = 3 WHERE person = 7",
    "a category is where NULL would be": "UPDATE patients SET sex = 2 WHERE person = 7",
    "a category is missing": "UPDATE patients SET region = NULL WHERE person = 7",
}
UNTRUE_EVENTS = {
    "a person has more rows than the cap": "INSERT INTO events SELECT person, date, code, kind, value, rank + 8 FROM events",
    "a row's number is beyond the cap": "UPDATE events SET rank = 8 WHERE person = 8 AND rank = 7",
    "a value is above its range": "UPDATE events SET value = 11 WHERE person = 4 AND rank = 0",
    "a date is beyond its range": "UPDATE events SET date = DATE '2024-03-03' WHERE person = 4 AND rank = 0",
    "a date is missing": "UPDATE events SET date = NULL WHERE person = 4 AND rank = 0",
    "a value is far below its range": "UPDATE events SET value = -90 WHERE person = 4 AND rank = 0",
    "a code is in no dictionary": "DELETE FROM codes_events_code WHERE code = 'C1'",
    "a dictionary is out of order": "UPDATE codes_events_code SET id = 3 - id",
    "a code has two numbers": "INSERT INTO codes_events_code SELECT 9, code FROM codes_events_code WHERE id = 0",
}


@pytest.mark.parametrize("bug", UNTRUE)
def test_a_planted_bug_raises_the_alarm(store: Path, quiet: Quiet, bug: str) -> None:
    held = build(store, PEOPLE, {1, 2})
    assert sum(quiet.counts(plan_of("region", "sex"), held)) == 28
    other = alter(build(store, PEOPLE, {1, 2}), UNTRUE[bug])
    with pytest.raises(Alarm):
        quiet.counts(plan_of("region", "sex"), other)


@pytest.mark.parametrize("bug", UNTRUE_EVENTS)
def test_a_planted_bug_of_many_rows_raises_the_alarm(store: Path, quiet: Quiet, bug: str) -> None:
    for plan in (MEAN, KINDS, CODES, DATES):
        quiet.exact(plan, build(store, PEOPLE, {1, 2}, MORE))
    other = alter(build(store, PEOPLE, {1, 2}, MORE), UNTRUE_EVENTS[bug], "events")
    raised = 0
    for plan in (MEAN, KINDS, CODES, DATES):
        try:
            quiet.exact(plan, other)
        except Alarm:
            raised += 1
    assert raised > 0


class Forgetful:
    """An engine with a bug: it changes the text before it runs it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
        def changed(plan: Plan, persons: tuple[int, int] | None = None) -> object:
            statements = compile(plan, persons)
            assert any(old in statement.sql for statement in statements)
            return tuple(replace(statement, sql=statement.sql.replace(old, new)) for statement in statements)

        monkeypatch.setattr(engine, "compile", changed)


BUGS = {
    "rows are not weighed": (KINDS, "least(a0, 3)", "a0"),
    "a sum is not weighed": (MEAN, "* 3 //", "* 8 //"),
    "groups of a person are not bounded": (KINDS, "WHERE g <= 2", "WHERE g <= 3"),
    "groups of a person are bounded one by one": (ROWS, "PARTITION BY person", "PARTITION BY person, k0"),
    "a list of groups is longer": (CODES, ", 2) AS kept", ", 3) AS kept"),
    "a list of groups is made for each": (CODES, "GROUP BY person)", "GROUP BY person, k0)"),
    "a person of a list is counted twice": (CODES, "1 AS c0", "2 AS c0"),
    "a code is too large for its place": (CODES, "CAST(k0 AS BIGINT)", "(CAST(k0 AS BIGINT) + 4294967296)"),
    "a code is below the first": (CODES, 't0."code" AS k0', '(t0."code" - 9) AS k0'),
    "a code is above the last": (CODES, 't0."code" AS k0', '(t0."code" + 2147483640) AS k0'),
    "a code has a place that is too narrow": (CODES, "& 4294967295", "& 3"),
    "no code has a place that is too narrow": (CODES, "& 4294967295", "& 2147483647"),
    "a place is shifted too little": (CODES, "<< 32", "<< 31"),
    "a date is below the first": (DATES, 't0."date" AS k0', '(t0."date" - 90) AS k0'),
    "a date is above the last": (DATES, 't0."date" AS k0', '(t0."date" + 90) AS k0'),
    "a date is missing where none is": (DATES, 't0."date" AS k0', "CAST(NULL AS DATE) AS k0"),
    "a person is counted by rows": (ROWS, "1 AS c0", "a0 AS c0"),
    "values are added twice": (MEAN, 'sum(t0."value")', 'sum(2 * t0."value")'),
    "the people who objected are added": (asking(SCAN, (), ("persons", None)), "-m0 AS m0", "m0"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_text_raises_the_alarm(store: Path, quiet: Quiet, bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, old, new = BUGS[bug]
    everywhere = {
        "events": [
            event(person, kind="aaaabbbc"[place], value=10 - place % 2, code=FIVE[(place + person) % 8])
            for person in range(30)
            for place in range(8)
        ]
    }
    held = build(store, PEOPLE, {1, 2}, everywhere)
    quiet.exact(plan, held)
    Forgetful(monkeypatch, old, new)
    with pytest.raises(Alarm):
        quiet.exact(plan, held)


def test_a_group_that_comes_twice(store: Path, quiet: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that forgets to add up what it counted in two parts."""
    held = build(store, PEOPLE, {1})
    assert quiet.counts(plan_of("region"), held) == [10, 9, 10]
    Forgetful(monkeypatch, ") GROUP BY k0", ") GROUP BY k0, m0")
    with pytest.raises(Alarm):
        quiet.counts(plan_of("region"), held)


def test_a_snapshot_of_another_store_is_not_read(store: Path, quiet: Quiet, tmp_path: Path) -> None:
    """Where there is no sandbox, the vault looks itself."""
    quiet.counts(plan_of(), build(store, PEOPLE))
    with pytest.raises(FileNotFoundError):
        quiet.counts(plan_of(), build(tmp_path / "elsewhere", PEOPLE))


def test_the_alarm_is_a_fault_outside_and_stays(store: Path, worker: Worker) -> None:
    """A planted bug stops the second question: the first is asked before the bug."""
    held = build(store, PEOPLE)
    worker.answer(order_of(plan_of("region"), held))
    broken = alter(build(store, PEOPLE), UNTRUE["a person comes twice"])
    for _ in range(2):
        with pytest.raises(Fault) as raised:
            worker.answer(order_of(plan_of("region"), broken))
        assert raised.value.code == "alarm"
    worker.answer(order_of(plan_of("region"), held))


@pytest.mark.parametrize("fact", ["one_row_per_person", "values_in_bounds", "rows_within_cap"])
def test_a_fact_that_was_not_proved(store: Path, quiet: Quiet, fact: str) -> None:
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), build(store, PEOPLE, **{fact: False}))


@pytest.mark.parametrize(("cap", "table"), [(7, "events"), (1, "events")])
def test_a_plan_that_was_bounded_by_another_cap_than_was_proved(store: Path, quiet: Quiet, cap: int, table: str) -> None:
    narrow = asking(replace(TABLES[table].scan, row_cap=cap, max_rows=1), (), ("persons", None))
    with pytest.raises(Alarm):
        quiet.exact(narrow, build(store, PEOPLE, (), MORE))


def rewritten(held: Held, change: Callable[[dict[str, object]], None], *, sworn: bool) -> Held:
    """The same snapshot with another manifest; ``sworn``: the snapshot names its digest."""
    snapshot, exclusion = held
    body = manifest(snapshot.id, Path(snapshot.folder))
    change(body)
    raw = json.dumps(body).encode()
    (Path(snapshot.folder) / "manifest.json").write_bytes(raw)
    return Snapshot(
        snapshot.id, snapshot.dataset, snapshot.folder, snapshot.schema, digest(raw) if sworn else snapshot.manifest
    ), exclusion


@pytest.mark.parametrize("name", ["snapshot", "dataset", "schema"])
def test_a_manifest_of_something_else(store: Path, quiet: Quiet, name: str) -> None:
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), rewritten(build(store, PEOPLE), lambda body: body.update({name: "other"}), sworn=True))


def test_a_manifest_that_was_changed(store: Path, quiet: Quiet) -> None:
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), rewritten(build(store, PEOPLE), lambda body: body.update(more=1), sworn=False))


@pytest.mark.parametrize("name", ["persons", "events"])
def test_a_file_of_another_size(store: Path, quiet: Quiet, name: str) -> None:
    held = build(store, PEOPLE)
    with Path(held[0].folder, f"{name}.duckdb").open("ab") as file:
        file.write(bytes(4096))
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), held)


def test_more_rows_than_the_public_number_of_persons(store: Path, quiet: Quiet) -> None:
    held = build(store, PEOPLE)
    quiet.answer(order_of(plan_of(), held, max_persons=30))
    with pytest.raises(Alarm):
        quiet.answer(order_of(plan_of(), held, max_persons=29))


COUNTED = {"patients": Counted(20, 20, 2, 2, 1, 19, {}), "events": Counted(60, 15, 6, 2, 8, 19, {})}


@pytest.mark.parametrize(
    ("counts", "alarm"), [((5, 5, 8), False), ((0, 0, 0), False), ((5, 5, 9), True), ((-1, 5, 5), True), ((5, 19, 0), True)]
)
def test_groups_never_hold_more_than_the_people_who_did_not_object(store: Path, counts: tuple[int, ...], alarm: bool) -> None:
    order = order_of(plan_of("region"), build(store, []))
    check_or_alarm(ExactTable((ExactBlock(None, 3, (counts,)),)), Seen(({},), [0]), order, alarm)


@pytest.mark.parametrize(
    ("sums", "seen", "groups", "alarm"),
    [
        (((9, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {0: 1, 1: 30, 2: 3}, 2, False),
        (((9, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {0: 1, 1: 31, 2: 3}, 2, True),  # one person adds too much
        (((9, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {0: 1, 1: 30, 2: 4}, 2, True),
        (((9, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {0: 1, 1: 30, 2: 3}, 3, True),  # one person is in too many groups
        (((14, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {}, 2, True),  # more people than there are
        (((13, 9, 5, 0), (60, -10, 0, 0), (20, 20, 9, 0)), {}, 2, True),  # more than two groups each
        (((9, 9, 4, 0), (391, -10, 0, 0), (20, 20, 9, 0)), {}, 2, True),  # more than all can add
        (((9, 9, 4, 0), (60, -10, 0, 0), (40, 20, 9, 0)), {}, 2, True),
        (((9, 9, 4, 0), (60, -10, 0, 0), (20, -1, 9, 0)), {}, 2, True),
    ],
)
def test_nothing_beyond_what_persons_can_add(
    store: Path, sums: tuple[tuple[int, ...], ...], seen: dict[int, int], groups: int, alarm: bool
) -> None:
    order = order_of(KINDS, build(store, []))
    assert [measure.kind for measure in measured(KINDS).measures] == ["persons", "sum", "rows"]
    check_or_alarm(ExactTable((ExactBlock(None, 4, sums),)), Seen((seen,), [groups]), order, alarm)


def check_or_alarm(exact: ExactTable, seen: Seen, order: object, alarm: bool) -> None:
    if alarm:
        with pytest.raises(Alarm):
            check_sums(exact, seen, order, COUNTED)  # type: ignore[arg-type]
    else:
        check_sums(exact, seen, order, COUNTED)  # type: ignore[arg-type]


def test_noise_that_was_made_for_less_than_was_seen(store: Path) -> None:
    held = build(store, [])
    exact = ExactTable((ExactBlock(None, 4, ((9, 9, 4, 0), (60, -10, 0, 0), (20, 20, 9, 0))),))
    seen = Seen(({0: 1, 1: 30, 2: 3},), [2])
    check_sums(exact, seen, order_of(KINDS, held), COUNTED)
    draws = list(draws_of(KINDS))
    for change in ({"sensitivity": 59}, {"squared_sensitivity": 1_799}):
        less = [draws[0], replace(draws[1], **change), draws[2]]
        with pytest.raises(Alarm):
            check_sums(exact, seen, order_of(KINDS, held, less), COUNTED)


def test_the_most_that_a_plan_allows_raises_nothing(store: Path) -> None:
    """A square sum whose divisor does not divide: what all rows of a person add at most is not whole, what any person adds is."""
    wide = Scan("events", 7, 3, 5)
    value = Column("events", "value", Domain("integer", False, (), 0, 3_001))
    plan = asking(wide, [Key("kind", Column("events", "kind", Domain("category", False, tuple("abcdefg"))))], ("var", value))
    measures = measured(plan).measures
    assert 7 * 3_001**2 % next(measure.divisor for measure in measures if measure.kind == "square")
    seen = Seen(({place: measure.cell for place, measure in enumerate(measures)},), [5])
    exact = ExactTable((ExactBlock(None, 7, tuple((0,) * 7 for _ in measures)),))
    check_sums(exact, seen, order_of(plan, build(store, [])), COUNTED)


@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(plan=any_plans())
def test_the_second_opinion_on_bounds_is_the_first(plan: Plan) -> None:
    """The alarm's own bounds, which share no code with the plan's, are the plan's."""
    for measure, bound in zip(measured(plan).measures, sensitivities(plan), strict=True):
        assert check._cell(measure, plan) == measure.cell
        assert sum(check._groups(plan, one) for one in check.drawn(plan)) == bound.groups


def test_people_who_objected_twice_are_left_out_once(store: Path, quiet: Quiet) -> None:
    held = build(store, PEOPLE, (), MORE)
    double = exclude(held[0], [4, 4, 4, 6], version=2)
    once = exclude(held[0], [4, 6], version=3)
    assert quiet.counts(plan_of(), (held[0], double)) == [28]
    assert quiet.exact(MEAN, (held[0], double)) == quiet.exact(MEAN, (held[0], once))


def test_a_gathering_takes_no_group_that_a_plan_has_not() -> None:
    plan = plan_of("region")
    (statement,) = compile(plan)
    gathering = Gathering(plan)
    gathering.add(statement, [(0, 4), (3, 1)])
    with pytest.raises(Alarm):
        gathering.table({})
    with pytest.raises(Alarm):
        Gathering(plan).add(statement, [(0, 4), (0, 4)])


def test_a_dictionary_is_in_order() -> None:
    assert Dictionary([(4, "b"), (1, "a")]).texts == {1: "a", 4: "b"}
    for wrong in ([(1, "b"), (4, "a")], [(1, "a"), (2, "a")], [(1, "a"), (1, "b")], [(-1, "a")]):
        with pytest.raises(Alarm):
            Dictionary(wrong)
