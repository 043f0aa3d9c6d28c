"""A policy may call its columns what it likes: every word of SQL that is a column's name is asked for like any other name."""

from __future__ import annotations

import re

import pytest
from sqlglot.dialects.duckdb import DuckDB

from tre.errors import Refusal
from tre.plan.nodes import Column, Domain, columns
from tre.plan.offer import Catalogue, ColumnOffer, TableOffer
from tre.plan.parse import parse
from tre.plan.words import AGGREGATES, CALLS, LANGUAGE, REFUSED, STATEMENTS, WINDOWED

NAME = re.compile(r"[A-Z][A-Z0-9_]*")
MORE = {"LAMBDA", "VALUE", "KEY", "NAME", "REGION", "TYPE", "LENGTH", "MEASURES", "SYSTEM", "TOTALS", "PER", "SHARE", "HIDDEN"}
RESERVED = {"PERSON", "NHS_NUMBER", "PSEUDONYM", "RANK", "ID"}  # no column of a policy has these
WORDS = sorted(
    word
    for word in {*MORE, *REFUSED, *STATEMENTS, *AGGREGATES, *WINDOWED, *CALLS, *DuckDB.Tokenizer.KEYWORDS}
    if NAME.fullmatch(word) and word not in LANGUAGE | RESERVED
)


def offering(name: str) -> Catalogue:
    held = {name: ColumnOffer(Domain("integer", True, (), 0, 9), "public")}
    return Catalogue("small", "person", 1_000, {"people": TableOffer(True, 1, held)})


@pytest.mark.parametrize("word", WORDS)
def test_a_column_named_as_a_word(word: str) -> None:
    name = word.lower()
    of = f"FROM people p WHERE p.{name} > 1 AND {name} < 8 GROUP BY {name}"
    sql = f"SELECT {name} AS own, COUNT({name}) AS n, AVG(p.{name}) AS m {of}"
    plan = parse(sql, offering(name), {})
    assert plan.keys[0].column == Column("people", name, Domain("integer", True, (), 0, 9))
    assert {column.name for column in columns(plan.relation)} == {name}  # type: ignore[arg-type]


@pytest.mark.parametrize("word", sorted(word for word in LANGUAGE if word not in ("DATE", "CODELIST")))
def test_a_column_named_as_a_word_of_the_language_is_quoted(word: str) -> None:
    name = word.lower()
    sql = f'SELECT "{name}" AS own, COUNT("{name}") AS n FROM people p WHERE p."{name}" > 1 GROUP BY "{name}"'
    assert parse(sql, offering(name), {}).keys[0].column == Column("people", name, Domain("integer", True, (), 0, 9))


def test_the_place_of_what_is_not_understood_is_that_of_the_text_as_it_was_written() -> None:
    with pytest.raises(Refusal) as raised:
        parse("SELECT lambda, COUNT(lambda) AS n FROM people lambda lambda GROUP BY lambda", offering("lambda"), {})
    assert "line 1, column 54: `lambda`" in raised.value.detail
