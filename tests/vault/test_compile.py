"""The text that reaches DuckDB is ours: a closed alphabet, whatever the plan says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.building import SCAN, column, plan_of
from tests.vault.questions import plans
from tre.plan.nodes import NAME, Column, Compare, Constant, Domain, Filter, Key, OneOf, Plan, Scan, Statistic
from tre.vault.compile import NotCompiled, compile

WORDS = re.compile(
    "SELECT|FROM|AS|WHERE|GROUP|BY|UNION|ALL|AND|OR|NOT|IN|IS|NULL|CAST|BIGINT|VARCHAR|DATE"
    r"|sum|count|coalesce|max|unnest|true|false|n|t|c|id|code|records|temp|k\d"
)
TOKEN = re.compile(r"""\s+|[A-Za-z]+\d*|"[a-z_][a-z0-9_]*"|'\d{4}-\d\d-\d\d'|\$\d+|\d+|<>|<=|>=|[-=<>(),.*\[\]]""")


def tokens(sql: str) -> list[str]:
    """Cuts the text into tokens; fails where something else stands."""
    found, place = [], 0
    while place < len(sql):
        match = TOKEN.match(sql, place)
        assert match, f"not of the alphabet: {sql[place : place + 20]!r}"
        found.append(match.group())
        place = match.end()
    return [token for token in found if not token.isspace()]


@given(plans())
def test_the_text_is_of_a_closed_alphabet(plan: Plan) -> None:
    known = {f'"{name}"' for name in (*COLUMNS, "patients", "left_out_patients", "codes_patients_practice")}
    for token in tokens(compile(plan).sql):
        if token[0] == '"':
            assert token in known
        elif token[0].isalpha():
            assert WORDS.fullmatch(token)


COLUMNS = ("region", "sex", "year_of_birth", "weight", "died_on", "practice")


@given(st.text(min_size=1, max_size=40), st.from_regex(NAME, fullmatch=True))
def test_what_a_researcher_writes_is_not_in_the_text(words: str, alias: str) -> None:
    asked = Plan("gp", Filter(SCAN, Compare("=", column("practice"), words)), (), (Statistic(alias, "count"),), (alias,))
    plain = Plan("gp", Filter(SCAN, Compare("=", column("practice"), "x")), (), (Statistic("n", "count"),), ("n",))
    assert compile(asked).sql == compile(plain).sql
    assert compile(asked).parameters == ((words,),)


@pytest.mark.parametrize("name", ['a"b', "A", "", "a b", "1a", "a;--", "é", "a" * 64, "x\n"])
def test_a_name_that_is_no_word_is_not_compiled(name: str) -> None:
    odd = Column("patients", name, Domain("integer", False, low=0, high=1))
    for plan in (
        plan_of(where=Compare("=", odd, 1)),
        Plan("gp", SCAN, (Key("k", odd),), (Statistic("n", "count"),), ("k", "n")),
        Plan("gp", Scan(name, 1), (), (Statistic("n", "count"),), ("n",)),
    ):
        with pytest.raises(NotCompiled):
            compile(plan)


def refused(plan: Any) -> bool:
    try:
        compile(plan)
    except NotCompiled:
        return True
    return False


def test_only_one_row_per_person_is_compiled() -> None:
    assert refused(Plan("gp", Scan("patients", 2), (), (Statistic("n", "count"),), ("n",)))
    assert not refused(plan_of())


def test_a_column_of_another_table_is_not_compiled() -> None:
    other = Column("events", "kind", Domain("category", False, ("a",)))
    assert refused(Plan("gp", SCAN, (Key("kind", other),), (Statistic("n", "count"),), ("kind", "n")))
    assert refused(plan_of(where=Compare("=", other, "a")))


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
    assert f't."{name}" = {text})' in compile(plan_of(where=Compare("=", column(name), literal))).sql


def test_five_thousand_codes_are_one_parameter() -> None:
    codes = tuple(sorted(f"{place}" for place in range(5_000)))
    statement = compile(plan_of("region", where=OneOf(column("practice"), codes)))
    assert statement.parameters == (codes,)
    assert len(statement.sql) < 1_000


def test_a_constant_is_a_word() -> None:
    assert "WHERE false" in compile(plan_of(where=Constant(False))).sql
