"""The text that reaches DuckDB is ours: a closed alphabet, whatever the plan says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault import plain
from tests.vault.building import SCAN, TABLES, asking, column, plan_of
from tests.vault.questions import any_plans, plans
from tre.plan.nodes import (
    NAME,
    Clamp,
    Column,
    Compare,
    Constant,
    Derived,
    Domain,
    Filter,
    Grouped,
    Join,
    Key,
    Named,
    OneOf,
    Plan,
    Prefix,
    Scan,
    SemiJoin,
    Statistic,
    Value,
    arithmetic,
    band,
    clamp,
    computed,
    extreme,
)
from tre.vault.compile import Codes, NotCompiled, compile
from tre.vault.compile.expressions import value
from tre.vault.compile.predicates import truth
from tre.vault.compile.split import apart
from tre.vault.compile.text import Gathered, Reference, Scope

WORDS = re.compile(
    "SELECT|FROM|AS|WHERE|GROUP|BY|UNION|ALL|AND|OR|NOT|IN|IS|NULL|CAST|BIGINT|HUGEINT|INTEGER|TINYINT|DATE|CASE|WHEN|THEN|ELSE|END"
    "|JOIN|LEFT|SEMI|ANTI|ON|DISTINCT|BETWEEN|OVER|PARTITION|ORDER|NULLS|LAST"
    "|sum|count|coalesce|nullif|max|min|abs|least|greatest|unnest|true|false|year|quarter|month|day|isodow|date_trunc|date_sub"
    r"|list_transform|lambda|row_number|dense_rank|bit_xor|len|kept|person|rank|temp|v|[tckamx]\d+|[abgnqrt]"
)
TOKEN = re.compile(
    r"""\s+|[A-Za-z_]+\d*|"[a-z_][a-z0-9_]*"|'\d{4}-\d\d-\d\d'|'(?:day|month|quarter|year)'"""
    r"""|\$\d+|\d+|<>|<=|>=|<<|//|[-+=<>(),.*%&:\[\]]"""
)
COLUMNS = {name for shape in TABLES.values() for name in shape.domains}
KNOWN = {f'"{name}"' for name in COLUMNS} | {f'"{view}_{table}"' for view in ("everybody", "left_out") for table in TABLES}


def tokens(sql: str) -> list[str]:
    """Cuts the text into tokens; fails where something else stands."""
    found, place = [], 0
    while place < len(sql):
        match = TOKEN.match(sql, place)
        assert match, f"not of the alphabet: {sql[place : place + 20]!r}"
        found.append(match.group())
        place = match.end()
    return [token for token in found if not token.isspace()]


@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(any_plans() | plans(), st.sampled_from([None, (0, 99)]))
def test_the_text_is_of_a_closed_alphabet(plan: Plan, persons: tuple[int, int] | None) -> None:
    for statement in compile(plan, persons):
        for token in tokens(statement.sql):
            if token[0] == '"':
                assert token in KNOWN
            elif token[0].isalpha():
                assert WORDS.fullmatch(token), token


@given(st.text(min_size=1, max_size=40), st.from_regex(NAME, fullmatch=True))
def test_what_a_researcher_writes_is_not_in_the_text(words: str, alias: str) -> None:
    def asked(words: str, alias: str, label: str) -> Plan:
        events = Scan("events", 8, 3, 2, label=label)
        below = Filter(events, Compare("=", Column(label, "code", TABLES["events"].domains["code"]), words))
        by = Grouped(below, alias + "_g", (), (computed(alias, "count", None, None, 8),))
        own = Column(alias + "_g", alias, by.values[0].domain)
        named = Derived(by, alias + "_d", (Named(alias, own),))
        one = Column(alias + "_d", alias, own.domain)
        return Plan(
            "gp",
            Join(SCAN, named),
            (Key(alias + "_k", one),),
            (Statistic(alias + "_s", "avg", one),),
            (alias + "_k", alias + "_s"),
        )

    (one,), (other,) = compile(asked(words, alias, alias + "_e")), compile(asked("x", "n", "m"))
    assert one.sql == other.sql
    assert one.codes == (Codes("one", "events", "code", (words,)),)


@pytest.mark.parametrize("name", ['a"b', "A", "", "a b", "1a", "a;--", "é", "a" * 64, "x\n"])
def test_a_name_that_is_no_word_is_not_compiled(name: str) -> None:
    odd = Column("patients", name, Domain("integer", False, low=0, high=1))
    for plan in (
        plan_of(where=Compare("=", odd, 1)),
        Plan("gp", SCAN, (Key("k", odd),), (Statistic("n", "persons"),), ("k", "n")),
        Plan("gp", Scan(name, 1, label="t"), (), (Statistic("n", "persons"),), ("n",)),
    ):
        with pytest.raises(NotCompiled):
            compile(plan)


@pytest.mark.parametrize(
    ("name", "literal", "text"),
    [
        ("year_of_birth", 2**31 - 1, "1946"),
        ("year_of_birth", -(2**31) + 1, "1939"),
        ("year_of_birth", 1943, "1943"),
        ("died_on", 2**31 - 1, "DATE '2024-03-02'"),
        ("died_on", -(2**31) + 1, "DATE '2024-02-26'"),
        ("weight", 7, "7"),
        ("weight", 1000, "7"),
        ("region", "East", "2"),
    ],
)
def test_literals_stay_beside_their_range(name: str, literal: Any, text: str) -> None:
    (statement,) = compile(plan_of(where=Compare("=", column(name), literal)))
    assert f'."{name}" = {text})' in statement.sql


def test_five_thousand_codes_are_one_parameter_and_a_few_are_one_each() -> None:
    codes = tuple(sorted(f"{place}" for place in range(5_000)))
    (statement,) = compile(plan_of("region", where=OneOf(column("practice"), codes)))
    assert statement.codes == (Codes("list", "patients", "practice", codes),)
    assert len(statement.sql) < 1_000
    (statement,) = compile(plan_of("region", where=OneOf(column("practice"), codes[:3])))
    assert statement.codes == tuple(Codes("one", "patients", "practice", (code,)) for code in codes[:3])
    (statement,) = compile(plan_of("region", where=Prefix(column("practice"), "A")))
    assert statement.codes == tuple(Codes(form, "patients", "practice", ("A",)) for form in ("first", "last"))


def test_codes_of_two_dictionaries_are_not_compared() -> None:
    from tre.plan.nodes import Relate

    joined = Join(SCAN, TABLES["events"].scan)
    with pytest.raises(NotCompiled):
        compile(asking(Filter(joined, Relate("=", column("practice"), column("code", "events"))), (), ("persons", None)))


def test_a_constant_is_a_word() -> None:
    (statement,) = compile(plan_of(where=Constant(False)))
    assert "WHERE false" in statement.sql


def nested(depth: int) -> Any:
    """A clamp in a sum in a clamp …: of two clamps on one another one is left, so that something stands between."""
    made: Any = column("weight")
    for _ in range(depth):
        made = clamp(arithmetic("+", made, Value(1, Domain("decimal", False, low=1, high=1, grid="0.5"))), 0, 9)
    return made


def test_a_text_grows_with_its_question_and_not_faster() -> None:
    lengths = [len(compile(asking(SCAN, (), ("sum", nested(depth))))[0].sql) for depth in (10, 20, 40)]
    assert lengths[2] < 5 * lengths[0] < 50_000


def test_two_clamps_are_one() -> None:
    twice = clamp(clamp(column("weight"), -3, 2), 1, 5)
    assert isinstance(twice.value, Clamp)
    assert "least(" in (sql := compile(asking(SCAN, (), ("sum", twice)))[0].sql)
    assert sql.count("least(") == compile(asking(SCAN, (), ("sum", clamp(column("weight"), 1, 2))))[0].sql.count("least(")


def test_what_is_read_apart() -> None:
    """Conditions of one side each are; one that reads both is not."""
    from tre.plan.nodes import And, Relate

    joined = Join(SCAN, TABLES["events"].scan)
    mine, theirs = Compare("=", column("sex"), "F"), Compare("=", column("kind", "events"), "a")
    assert apart(Filter(joined, And((mine, theirs)))) == (Filter(SCAN, mine), Filter(TABLES["events"].scan, theirs))
    assert apart(Filter(joined, Relate(">", column("died_on"), column("date", "events")))) is None
    assert apart(Join(SCAN, TABLES["events"].scan, outer=True)) is None
    assert apart(SemiJoin(joined, Scan("visits", 4, 2, 3))) is None


# Values by the text itself, against plain Python.

NUMBER = Domain("integer", True, low=-(2**53), high=2**53)
DATE = Domain("date", True, low=-200_000, high=200_000)
LOCAL = Scope({"t": lambda name: Reference(name)}, Gathered("", None, []), truth)


def said(texts: list[str], **columns: Any) -> list[Any]:
    """What DuckDB makes of some texts over one row."""
    row = ", ".join(
        f"CAST(${name} AS {'DATE' if isinstance(given, date) else 'BIGINT'}) AS {name}" for name, given in columns.items()
    )
    with duckdb.connect() as connection:
        return list(connection.execute(f"SELECT {', '.join(texts)} FROM (SELECT {row})", columns).fetchone() or ())


@settings(max_examples=60, deadline=None)
@given(st.none() | st.integers(-(2**53), 2**53), st.integers(1, 2**31 - 1), st.integers(-(2**30), 2**30))
def test_floors_bands_and_clamps_at_the_ends(x: int | None, width: int, low: int) -> None:
    of = Column("t", "x", NUMBER)
    by = Value(width, Domain("integer", False, low=width, high=width))
    nodes: list[Any] = [arithmetic("//", of, by), clamp(of, low, low + 5), clamp(of, -(2**53), low)]
    nodes += [extreme("least", [of, by]), extreme("greatest", [of, by])]
    if width < 2**20:
        nodes.append(band(Column("t", "x", replace(NUMBER, low=-(2**52), high=2**52)), width))
        x = x and max(-(2**52), min(x, 2**52))
    assert said([value(node, LOCAL) for node in nodes], x=x) == [plain.value_of(node, {("t", "x"): x}) for node in nodes]


MONTH_ENDS = [date(2023, 1, 28) + timedelta(days=place) for place in range(6)]
MONTH_ENDS += [date(year, 2, 26) + timedelta(days=place) for year in (2023, 2024, 2000, 1900) for place in range(6)]
MONTH_ENDS += [date(2024, 4, 29), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 31), date(2024, 12, 31), date(2025, 1, 1)]


def test_completed_months_and_years_at_the_ends_of_months() -> None:
    """Every pair, forwards and backwards: DuckDB's counting is that of adding months and stopping at a month's last day."""
    pairs = [(one, other) for one in MONTH_ENDS for other in MONTH_ENDS]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE p (place INTEGER, a DATE, b DATE)")
        connection.executemany("INSERT INTO p VALUES (?, ?, ?)", [(place, *pair) for place, pair in enumerate(pairs)])
        found = connection.execute(
            "SELECT date_sub('day', a, b), date_sub('month', a, b), date_sub('year', a, b) FROM p ORDER BY place"
        ).fetchall()
    assert found == [tuple(plain.completed(unit, *pair) for unit in ("day", "month", "year")) for pair in pairs]
