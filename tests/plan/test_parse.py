"""Text → plan: what is accepted and what it comes to; that it means what SQL means, with DuckDB as the second opinion."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from tests.plan.offers import CATALOGUE, CODELISTS, LISTS, SMALL
from tests.plan.values import Row, real, truth, value
from tests.plan.worlds import OFFERS, column, kept, random_predicate, random_row, written
from tre.errors import Reason, Refusal
from tre.plan.nodes import (
    And,
    Compare,
    Constant,
    Expression,
    Filter,
    Grouped,
    Not,
    OneOf,
    Or,
    Plan,
    Predicate,
    Scan,
    days,
    first_day,
    from_json,
    period_of,
    to_json,
)
from tre.plan.parse import parse


def small(condition: str) -> Predicate:
    """The predicate of a condition on the small catalogue."""
    relation = parse(f"SELECT COUNT(*) FROM people p WHERE {condition}", SMALL, LISTS).relation
    assert isinstance(relation, Filter)
    return relation.predicate


def test_the_first_question_of_the_contract() -> None:
    plan = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", CATALOGUE, CODELISTS)
    assert plan.relation == Scan("patients", 1)
    assert [(key.alias, key.column.name) for key in plan.keys] == [("region", "region")]
    assert plan.output == ("region", "n") and plan.cells == 7 and plan.dataset == "gp"
    assert from_json(to_json(plan)) == plan and CATALOGUE.admits(plan)


@pytest.mark.parametrize(
    ("sql", "output"),
    [
        ("SELECT COUNT(*) FROM patients", ("count",)),
        ("SELECT COUNT(*), COUNT(*) AS n, COUNT(person) FROM patients", ("count", "n", "count_2")),
        ("SELECT COUNT(*), sex AS count FROM patients GROUP BY sex", ("count_2", "count")),
        ("SELECT COUNT(*) n, REGION FROM PATIENTS GROUP BY Region", ("n", "region")),
        ('select "sex", count(*) as "N" from "patients" group by "SEX"', ("sex", "N")),
        ("SELECT p.sex AS s, COUNT(*) AS n FROM patients AS p GROUP BY s", ("s", "n")),
        ("SELECT p.sex AS s, COUNT(*) AS n FROM patients p GROUP BY p.sex", ("s", "n")),
        ("SELECT patients.sex, COUNT(*) FROM patients GROUP BY 1", ("sex", "count")),
        ("SELECT sex, region, COUNT(*) FROM patients GROUP BY region, 1", ("sex", "region", "count")),
        ("SELECT (sex), COUNT(*) FROM patients GROUP BY (sex);", ("sex", "count")),
        ("SELECT COUNT(DISTINCT person) FROM patients", ("count",)),
        ("SELECT COUNT(DISTINCT p.person) FROM patients p", ("count",)),
        ("SELECT COUNT(DISTINCT (person)) FROM patients", ("count",)),
        ("SELECT COUNT(1) AS n FROM patients;;", ("n",)),
        ("SELECT COUNT(*) AS year FROM patients -- all of them", ("year",)),
        ("/* who? */ SELECT COUNT(*) FROM patients /* é; DROP TABLE patients */", ("count",)),
        ("SELECT\n\tCOUNT(*)\r\nFROM patients", ("count",)),
        ("SELECT sex AS region, region AS sex, COUNT(*) FROM patients GROUP BY region, sex", ("region", "sex", "count")),
    ],
)
def test_accepted(sql: str, output: tuple[str, ...]) -> None:
    plan = parse(sql, CATALOGUE, CODELISTS)
    assert plan.output == output
    assert CATALOGUE.admits(plan)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age = 3", Compare("=", column("age"), 3)),
        ("3 < age", Compare(">", column("age"), 3)),
        ("(age) >= (3)", Compare(">=", column("age"), 3)),
        ("age = -3", Compare("=", column("age"), -3)),
        ("age = 3.0", Compare("=", column("age"), 3)),
        ("age = 2147483647", Compare("=", column("age"), 2**31 - 1)),
        ("height > 1.5", Compare(">", column("height"), 15)),
        ("height = 2", Compare("=", column("height"), 20)),
        ("height = 2.50", Compare("=", column("height"), 25)),
        ("seen_on = '2020-01-03'", Compare("=", column("seen_on"), days("2020-01-03"))),
        ("DATE '1066-10-14' < p.seen_on", Compare(">", column("seen_on"), days("1066-10-14"))),
        ("colour <> 'red'", Compare("<>", column("colour"), "red")),
        ("place = 'it''s'", Compare("=", column("place"), "it's")),
        ("NOT NOT age = 3", Compare("=", column("age"), 3)),
        ("NOT NOT NOT age = 3", Not(Compare("=", column("age"), 3))),
        ("age BETWEEN 1 AND 2", And((Compare(">=", column("age"), 1), Compare("<=", column("age"), 2)))),
        ("age IN (3, 1, 3)", OneOf(column("age"), (1, 3))),
        ("place IN codelist('here')", OneOf(column("place"), ("A1", "B2"))),
        ("place NOT IN (CODELIST('here'), codelist('there'), 'A1')", Not(OneOf(column("place"), ("A1", "B2", "C3")))),
        ("TRUE", Constant(True)),
        (
            "age = 1 OR age = 2 OR age = 3 AND shape = 'flat'",
            Or((
                Compare("=", column("age"), 1), Compare("=", column("age"), 2),
                And((Compare("=", column("age"), 3), Compare("=", column("shape"), "flat"))),
            )),
        ),
    ],
)  # fmt: skip
def test_conditions(condition: str, expected: Predicate) -> None:
    assert small(condition) == expected


def test_off_the_grid_is_told_with_its_neighbours() -> None:
    with pytest.raises(Refusal) as raised:
        small("height = 1.55")
    assert raised.value.reason == Reason.INVALID_REQUEST and "1.5 and 1.6" in raised.value.suggestion


def fill(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    connection.execute(
        "CREATE TABLE people (id INT, colour TEXT, shape TEXT, age INT, height DECIMAL(9, 1), seen_on DATE, place TEXT)"
    )
    for number, row in enumerate(rows):
        height, day = row["height"], row["seen_on"]
        values = [number, row["colour"], row["shape"], row["age"], None if height is None else Decimal(height) / 10]
        values += [None if day is None else date(1970, 1, 1) + timedelta(days=int(day)), row["place"]]
        connection.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def test_a_text_means_what_it_means_to_duckdb() -> None:
    """600 random conditions, each written in a random way, on 60 random rows."""
    dice = random.Random(5)
    rows = [random_row(dice) for _ in range(60)]
    with duckdb.connect() as connection:
        fill(connection, rows)
        kinds = set()
        for _ in range(600):
            condition = written(random_predicate(dice, 3, related=True), dice)
            predicate = small(condition)
            kinds |= kinds_in(predicate)
            found = connection.execute(f"SELECT id FROM people p WHERE {condition} ORDER BY id").fetchall()
            assert [at for (at,) in found] == [at for at, row in enumerate(rows) if truth(predicate, row) is True], condition
        assert kinds == {kind.__name__ for kind in Predicate.__subclasses__()}


VALUES = [
    "age + 1", "age - height", "2 * age", "age * height", "-age", "age // 3", "(age + 5) // 2", "height + 0.05", "1.5 * height",
    "seen_on + 3", "seen_on - INTERVAL 40 DAY", "INTERVAL '2' DAY + seen_on", "seen_on - DATE '2019-12-25'",
    "DATE '2020-01-04' - seen_on", "seen_on + age", "date_diff('day', seen_on, DATE '2020-02-01')",
    "date_sub('day', DATE '2020-01-03', seen_on)", "date_sub('month', DATE '2019-11-05', seen_on)",
    "date_sub('year', seen_on, DATE '2023-01-04')", "year(seen_on)", "quarter(seen_on)", "month(seen_on)", "day(seen_on)",
    "isodow(seen_on)", "EXTRACT(isodow FROM seen_on)", "EXTRACT(DAY FROM seen_on)", "date_part('month', seen_on)",
    "date_trunc('month', seen_on)", "date_trunc('quarter', seen_on - 40)", "date_trunc('year', seen_on)", "least(age, 4)",
    "greatest(age, 4, height)", "least(seen_on, DATE '2020-01-05')", "abs(age - 4)", "abs(-height)", "coalesce(age, 7)",
    "coalesce(height, age, 1)", "coalesce(seen_on, DATE '2020-01-01')", "coalesce(colour, 'none')", "nullif(age, 3)",
    "nullif(colour, 'red')", "IF(age > 3, 1, 2)", "iif(colour = 'red', height, 2)",
    "CASE WHEN age > 6 THEN 'old' WHEN age > 3 THEN 'mid' END",
    "CASE colour WHEN 'red' THEN 1 WHEN 'blue' THEN 2.5 ELSE age END", "CASE WHEN colour IS NULL THEN NULL ELSE shape END",
    "band(age, 4)", "band(age - 5, 3)", "band(height, 0.5)", "clamp(age, 2, 6)", "clamp(height, 1.5, 2)",
    "clamp(seen_on, DATE '2020-01-03', DATE '2020-01-05')", "age > 3", "age > height OR colour = 'red'",
]  # fmt: skip
MACROS = (
    "CREATE MACRO band(x, w) AS floor(x / w) * w",
    "CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NULL THEN NULL ELSE least(greatest(x, lo), hi) END",
    "CREATE MACRO iif(a, b, c) AS CASE WHEN a THEN b ELSE c END",
)


def test_a_value_means_what_it_means_to_duckdb() -> None:
    """Every function, on 60 random rows; those of the language's own as they are defined."""
    dice = random.Random(7)
    rows = [random_row(dice) for _ in range(60)]
    with duckdb.connect() as connection:
        fill(connection, rows)
        for macro in MACROS:
            connection.execute(macro)
        for text in VALUES:
            relation = parse(f"SELECT COUNT(*) FROM (SELECT DISTINCT person, {text} AS k FROM people p) t", SMALL, LISTS).relation
            assert isinstance(relation, Grouped)
            key = relation.by[0].value
            found = connection.execute(f"SELECT {text} FROM people p ORDER BY id").fetchall()
            meant = [stored(one) for (one,) in found]
            assert [real(key, row) for row in rows] == meant, text
            assert all(inside(key, row) for row in rows), f"{text} leaves its domain"


def stored(found: Any) -> Fraction | str | None:
    """What the engine says, as the store holds it."""
    if isinstance(found, datetime):
        found = found.date()
    if isinstance(found, date):
        return Fraction((found - date(1970, 1, 1)).days)
    return found if found is None or isinstance(found, str) else Fraction(str(int(found) if isinstance(found, bool) else found))


def inside(key: Expression, row: Row) -> bool:
    """Whether a value is one that its domain says it can be."""
    found, domain = value(key, row), key.domain
    if found is None:
        return domain.nullable
    if isinstance(found, str):
        return found in domain.values
    low, high = domain.ends
    periods = domain.period == "day" or found == first_day(domain.period, period_of(domain.period, found))
    return low <= found <= high and (found - low) % domain.stride == 0 and periods


def kinds_in(node: Predicate) -> set[str]:
    parts = node.parts if isinstance(node, And | Or) else (node.part,) if isinstance(node, Not) else ()
    return {type(node).__name__}.union(*map(kinds_in, parts))


def test_what_was_written_is_what_was_meant() -> None:
    """A condition, its text and the plan of its text are true of the same rows."""
    dice = random.Random(6)
    rows = [random_row(dice) for _ in range(40)]
    for _ in range(400):
        meant = random_predicate(dice, 3, related=True)
        plan = parse(f"SELECT COUNT(*) FROM people p WHERE {written(meant, dice)}", SMALL, LISTS)
        assert all(kept(plan.relation, row) == (truth(meant, row) is True) for row in rows)


def test_long_flat_conditions_are_read() -> None:
    condition = " OR ".join(f"age = {number}" for number in range(490))
    predicate = small(condition)
    assert isinstance(predicate, Or) and len(predicate.parts) == 490
    values = small(f"age IN ({', '.join(map(str, range(980)))})")
    assert isinstance(values, OneOf) and len(values.literals) == 980


def test_too_many_codes_are_too_large() -> None:
    lists = {"many": tuple(f"c{number}" for number in range(5_000))}
    with pytest.raises(Refusal) as raised:
        parse("SELECT COUNT(*) FROM people WHERE " + " OR ".join(["place IN codelist('many')"] * 11), SMALL, lists)
    assert raised.value.reason == Reason.TOO_LARGE


def test_every_kind_of_column_was_compared() -> None:
    assert {offer.domain.kind for offer in OFFERS.values()} == {"category", "integer", "decimal", "date", "code"}


def test_an_answers_own_names_cannot_be_taken() -> None:
    plan = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", CATALOGUE, CODELISTS)
    with pytest.raises(ValueError, match="cannot carry"):
        Plan(plan.dataset, plan.relation, (), (plan.statistics[0].__class__("suppressed", "persons"),), ("suppressed",))
