"""Sums are the sums of single persons: in any order and on any number of threads, in ranges, and without whoever objected."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from tests.vault.building import DOMAINS, SCAN, TABLES, Row, Rows, asking, build, column, event, stored
from tests.vault.questions import any_plans
from tests.vault.test_engine import EXCLUDED, World, histories, people
from tre.plan.bound import sensitivities
from tre.plan.nodes import Join, Key, Plan, date_trunc
from tre.vault.compile import compile
from tre.vault.engines.duckdb import Limits

EVENTS = TABLES["events"].scan
GRADE, KIND = column("value", "events"), column("kind", "events")
REGION = Key("region", column("region"))
PLANS: list[Plan] = [
    asking(SCAN, [REGION], ("avg", column("weight")), ("sum", column("year_of_birth")), ("stddev", column("weight"))),
    asking(Join(SCAN, EVENTS), [REGION], ("avg", GRADE), ("rows", None)),
    asking(Join(SCAN, EVENTS), [REGION], ("persons", None)),
    asking(EVENTS, [Key("kind", KIND)], ("sum", GRADE), ("var", GRADE)),
    asking(Join(SCAN, EVENTS), [REGION, Key("month", date_trunc("month", column("date", "events")))], ("rows", GRADE)),
    asking(EVENTS, [], ("mean_of_persons", GRADE), ("persons", None)),
]

COMPILED = {plan: compile(plan) for plan in PLANS}


@contextmanager
def an_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The views that compiled text reads, over empty tables in memory; nobody objected."""
    with duckdb.connect() as connection:
        for table, names in NAMES.items():
            kinds = dict(TABLES[table].stored) | {"person": "INTEGER", "rank": "SMALLINT"}
            connection.execute(f"CREATE TABLE {table}({', '.join(f'{name} {kinds[name]}' for name in names)})")
            for view in ("everybody", "left_out"):
                connection.execute(f"CREATE TEMP TABLE {view}_{table} AS SELECT * FROM {table}")
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, persons: list[Row], events: list[Row]) -> None:
    for table, rows in (("patients", persons), ("events", events)):
        names = NAMES[table]
        connection.execute(f"TRUNCATE {table}")
        if rows:
            marks = ", ".join([f"({', '.join('?' * len(names))})"] * len(rows))
            values = [_stored(TABLES[table].domains, row, name) for row in rows for name in names]
            connection.execute(f"INSERT INTO {table} VALUES {marks}", values)


def _stored(domains: Any, row: Row, name: str) -> Any:
    return stored(domains[name], row[name], CODES) if name in domains else row[name]


CODES = ("A1", "B2")
NAMES = {table: ["person", *TABLES[table].stored, *(["rank"] if table == "events" else [])] for table in ("patients", "events")}


def shuffle(connection: duckdb.DuckDBPyConnection, order: int) -> None:
    for table in ("patients", "events"):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE everybody_{table} AS SELECT * FROM {table} ORDER BY hash(rowid, {order})"
        )


def sums(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[Any, list[int]]:
    """Groups and their sums, as the engine has them."""
    (statement,) = COMPILED[plan]
    keys, count = len(statement.dictionaries), len(statement.measures)
    rows = connection.execute(statement.sql).fetchall()
    return {row[:keys]: [number or 0 for number in row[keys : keys + count]] for row in rows}


def some_table(chance: random.Random) -> tuple[list[Row], list[Row]]:
    """Up to 12 persons with up to eight events, at the ends of every domain and between."""
    persons, events = [], []
    for person in range(chance.randint(1, 12)):
        persons.append({name: some(chance, domain) for name, domain in DOMAINS.items()} | {"person": person})
        for rank in range(chance.choice((0, 1, 3, 8, 8))):
            own = {name: some(chance, domain) for name, domain in TABLES["events"].domains.items()}
            events.append(own | {"person": person, "rank": rank})
    return persons, events


def some(chance: random.Random, domain: Any) -> Any:
    if domain.nullable and chance.random() < 0.15:
        return None
    if domain.kind == "category":
        return chance.choice(domain.values)
    if domain.kind == "code":
        return chance.choice(CODES)
    return chance.choice((domain.low, domain.high, chance.randint(*domain.ends)))


@pytest.mark.parametrize("part", range(6))
def test_one_sum_in_any_order_and_a_neighbour_within_the_declared(part: int) -> None:
    """300 tables over all parts: ten orders, on one, two and four threads in turn; then one person is gone."""
    chance, plan = random.Random(part), PLANS[part]
    with an_engine() as connection:
        for table in range(50):
            persons, events = some_table(chance)
            fill(connection, persons, events)
            connection.execute(f"SET threads = {(1, 2, 4)[table % 3]}")
            found = []
            for order in range(10):
                shuffle(connection, order)
                found.append(sums(connection, plan))
            assert all(one == found[0] for one in found)
            gone = chance.choice(persons)["person"]
            for name in NAMES:
                connection.execute(f"DELETE FROM everybody_{name} WHERE person = {gone}")
            within(plan, found[0], sums(connection, plan))


def within(plan: Plan, one: dict[Any, list[int]], other: dict[Any, list[int]]) -> None:
    for place, bound in enumerate(sensitivities(plan)):
        moved = [one.get(group, _ZERO)[place] - other.get(group, _ZERO)[place] for group in one.keys() | other.keys()]
        assert sum(map(abs, moved)) <= bound.l1 and sum(x * x for x in moved) <= bound.squared_l2


_ZERO = [0] * 10


def test_one_sum_of_many_rows_on_many_threads() -> None:
    """Enough rows that each thread has its own: ten orders on one, two and four threads."""
    with an_engine() as connection:
        connection.execute(
            "INSERT INTO patients SELECT i, i % 3, i % 2, 1940 + i % 6, hash(i) % 7, NULL, i % 2 FROM range(30000) t(i)"
        )
        connection.execute(
            "INSERT INTO events SELECT i // 5, DATE '2024-01-30' + (hash(i) % 33)::INTEGER, i % 2, hash(i * 3) % 3,"
            " (hash(i * 7) % 15)::INTEGER - 4, i % 5 FROM range(150000) t(i)"
        )
        first: list[dict[Any, list[int]]] = []
        for order in range(10):
            shuffle(connection, order)
            for threads in (1, 2, 4):
                connection.execute(f"SET threads = {threads}")
                found = [sums(connection, plan) for plan in PLANS]
                first = first or found
                assert found == first


@pytest.fixture(scope="module")
def in_ranges(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    """The same records at once, and in ranges of fifty persons."""
    folder = tmp_path_factory.mktemp("ranges")
    return World(folder / "whole"), World(folder / "ranges", at_once=60, range=50)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(plan=any_plans())
def test_ranges_of_persons_add_up(in_ranges: tuple[World, World], plan: Plan) -> None:
    whole, ranges = in_ranges
    assert ranges.blocks(plan) == whole.blocks(plan)


def test_there_are_ranges_where_there_are_many_persons(in_ranges: tuple[World, World]) -> None:
    _, world = in_ranges
    records = world.vault.prepare(*world.held)
    found = list(records._ranges(records._last(compile(PLANS[1]))))
    last = max(row["person"] for rows in world.tables.values() for row in rows)
    assert found[0] == (0, 49) and found[-1] == (100, last)
    assert [one[1] + 1 for one in found[:-1] if one] == [one[0] for one in found[1:] if one]
    assert Limits("", 1, 1).range < 2**20 <= Limits("", 1, 1).at_once


def without(rows: Rows, gone: set[int]) -> dict[str, list[Row]]:
    """The records as if these people had never had any: nobody keeps their number."""
    left = sorted({row["person"] for table in rows.values() for row in table} - gone)
    number = {person: place for place, person in enumerate(left)}
    return {
        name: [{**row, "person": number[row["person"]]} for row in table if row["person"] in number]
        for name, table in rows.items()
    }


@pytest.fixture(scope="module")
def never_held(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    """Records of which some people objected, and records that never held them."""
    folder = tmp_path_factory.mktemp("objected")
    objected, never = World(folder / "objected"), World(folder / "never", set())
    kept = without({"patients": people(), **histories()}, EXCLUDED)
    never.held = build(folder / "never" / "store", kept.pop("patients"), (), kept)
    return objected, never


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(plan=any_plans())
def test_who_objected_might_never_have_been_there(never_held: tuple[World, World], plan: Plan) -> None:
    objected, never = never_held
    assert objected.blocks(plan) == never.blocks(plan)


def test_a_code_of_the_people_who_objected_alone_is_no_group(store: Path, quiet: Any) -> None:
    from tests.vault.building import event, row

    codes = asking(EVENTS, [Key("code", column("code", "events"), discovered=True)], ("persons", None))
    more = {"events": [event(0, code="mine"), event(1, code="ours"), event(2, code="ours")]}
    (block,) = quiet.exact(codes, build(store, [row(person) for person in range(3)], {0}, more)).blocks
    assert (block.keys, block.numbers) == ((("ours",),), ((2,),))


@pytest.mark.parametrize("statistic", ["persons", "rows"])
def test_a_group_of_many_rows_is_kept_no_sooner_than_one_of_few(statistic: str) -> None:
    """Of four groups of a person two are kept: one has five rows, three have one each; all as often, within four deviations."""
    chance, kinds, events = random.Random(6), ("a", "a", "a", "a", "a", "b", "c", None), []
    for person in range(400):
        places = chance.sample(range(len(kinds)), len(kinds))
        events += [event(person, kind=kind, rank=place) for kind, place in zip(kinds, places, strict=True)]
    plan = asking(EVENTS, [Key("kind", KIND)], (statistic, None))
    with an_engine() as connection:
        fill(connection, [], events)
        shuffle(connection, 0)
        (statement,) = compile(plan)
        kept = {kind: persons for kind, persons, *_ in connection.execute(statement.sql).fetchall()}
    assert sum(kept.values()) == 800
    assert all(160 < persons < 240 for persons in kept.values()), kept
