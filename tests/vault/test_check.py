"""The run-time alarm: silent on true snapshots, and raised by each planted untruth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.vault.building import Quiet, build, exclude, manifest, order_of, plan_of, row
from tre.errors import Fault
from tre.terms import Exclusion, Snapshot, digest
from tre.vault import Worker
from tre.vault.check import Alarm, Counted, check_counts
from tre.vault.compile import Statement, compile
from tre.vault.exact import ExactTable

Held = tuple[Snapshot, Exclusion]
PEOPLE = [row(person, region=("North", "South", "East")[person % 3]) for person in range(30)]


def alter(held: Held, sql: str) -> Held:
    """A planted bug: the load wrote this, and believed it true."""
    with duckdb.connect(f"{held[0].folder}/persons.duckdb") as connection:
        connection.execute(sql)
    return rewritten(held, lambda body: None, sworn=True)


UNTRUE = {
    "a person comes twice": "INSERT INTO patients SELECT * FROM patients WHERE person = 7",
    "a row has no person": "UPDATE patients SET person = NULL WHERE person = 7",
    "a category is outside its list": "UPDATE patients SET region = 3 WHERE person = 7",
    "a category is where NULL would be": "UPDATE patients SET sex = 2 WHERE person = 7",
    "a category is missing": "UPDATE patients SET region = NULL WHERE person = 7",
}


@pytest.mark.parametrize("bug", UNTRUE)
def test_a_planted_bug_raises_the_alarm(store: Path, quiet: Quiet, bug: str) -> None:
    held = build(store, PEOPLE, {1, 2})
    assert sum(quiet.counts(plan_of("region", "sex"), held)) == 28
    other = alter(build(store, PEOPLE, {1, 2}), UNTRUE[bug])
    with pytest.raises(Alarm):
        quiet.counts(plan_of("region", "sex"), other)


def test_a_group_that_comes_twice(store: Path, quiet: Quiet) -> None:
    """An engine that forgets to add up what it counted in two parts."""
    held = build(store, PEOPLE, {1})
    plan = plan_of("region")
    whole = compile(plan)
    apart = Statement(whole.sql.removesuffix(" GROUP BY k0").replace("CAST(sum(n) AS BIGINT)", "n"), (), whole.table)
    records = quiet.prepare(*held)
    assert records.count(whole, plan).counts == ((10, 9, 10),)
    with pytest.raises(Alarm):
        records.count(apart, plan)


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


@pytest.mark.parametrize("fact", ["one_row_per_person", "values_in_bounds"])
def test_a_fact_that_was_not_proved(store: Path, quiet: Quiet, fact: str) -> None:
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), build(store, PEOPLE, **{fact: False}))


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


def test_a_file_of_another_size(store: Path, quiet: Quiet) -> None:
    held = build(store, PEOPLE)
    with Path(held[0].folder, "persons.duckdb").open("ab") as file:
        file.write(bytes(4096))
    with pytest.raises(Alarm):
        quiet.counts(plan_of(), held)


def test_more_rows_than_the_public_number_of_persons(store: Path, quiet: Quiet) -> None:
    held = build(store, PEOPLE)
    quiet.answer(order_of(plan_of(), held, max_persons=30))
    with pytest.raises(Alarm):
        quiet.answer(order_of(plan_of(), held, max_persons=29))


@pytest.mark.parametrize(
    ("counts", "alarm"), [((5, 5, 8), False), ((0, 0, 0), False), ((5, 5, 9), True), ((-1, 5, 5), True), ((5, 19, 0), True)]
)
def test_groups_never_hold_more_than_the_people_who_did_not_object(store: Path, counts: tuple[int, ...], alarm: bool) -> None:
    order = order_of(plan_of("region"), build(store, []))
    exact, counted = ExactTable((counts,), 3), Counted(rows=20, persons=20, left_out=2)
    if alarm:
        with pytest.raises(Alarm):
            check_counts(exact, order, counted)
    else:
        check_counts(exact, order, counted)


def test_people_who_objected_twice_are_left_out_once(store: Path, quiet: Quiet) -> None:
    held = build(store, PEOPLE)
    double = exclude(held[0], [3, 3, 3, 4], version=2)
    assert quiet.counts(plan_of(), (held[0], double)) == [28]
