"""The first look at a text: sizes, depth, characters, JOINs, and that it stays quick on the worst of them."""

from __future__ import annotations

import time

import pytest

from tre.errors import Reason, Refusal
from tre.plan.tokens import DEEPEST, MOST, check
from tre.plan.words import AGGREGATED, AGGREGATES, CALLS, LANGUAGE, NOT_AT_THE_TOP, REFUSED, SIGNS, STATEMENTS, WINDOWED

START = "SELECT COUNT(*) FROM patients WHERE "


def reason(text: str) -> Reason:
    with pytest.raises(Refusal) as raised:
        check(text)
    return raised.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_481,
        "x" * 1_000_000,
        "é" * 10_241,
        START + "(" * 51 + "a = 1" + ")" * 51,
        START + "[" * 51 + "1" + "]" * 51,
        START + "a = 1 OR " * 500 + "a = 1",
        START + "a IN (" + "1," * 1_000 + "1)",
    ],
    ids=["20 KB and one", "1 MB", "20 KB in bytes", "51 brackets", "51 square brackets", "2,000 words", "a long list"],
)
def test_too_large(text: str) -> None:
    assert reason(text) == Reason.TOO_LARGE


def test_the_limits_themselves_are_fine() -> None:
    check(START + "(" * 49 + "a = 1" + ")" * 49)
    check(START + "a = 1" + " " * (20_480 - len(START) - 5))
    tokens = check(START + "a = 1 OR " * 497 + "a = 1").tokens
    assert 1_990 < len(tokens) <= 2_000


@pytest.mark.parametrize(
    "kind", ["JOIN t", "LEFT JOIN t", "JOIN t t2", "CROSS JOIN t", "JOIN (t JOIN t ON a = b)", "JOIN (t JOIN t)"]
)
def test_a_join_without_a_condition_is_told(kind: str) -> None:
    for text in (
        f"SELECT 1 FROM t {kind * 22}",
        f"SELECT 1 FROM t {kind} WHERE a = 1",
        f"SELECT 1 FROM (t {kind}) JOIN t USING (a)",
    ):
        with pytest.raises(Refusal) as raised:
            check(text)
        assert "neither ON nor USING" in raised.value.detail


def test_a_join_with_a_condition_goes_on_to_the_parser() -> None:
    check("SELECT 1 FROM t JOIN u ON t.a = u.a LEFT JOIN v USING (a) JOIN (w JOIN x ON 1 = 1) ON 2 = 2 WHERE a = 1")
    check("WITH a AS (SELECT 1 FROM t JOIN u USING (x)) SELECT 1 FROM a JOIN (SELECT 1 FROM b WHERE c = 1) d ON d.x = a.x")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM " + "(SELECT 1 FROM " * 9 + "t" + ")" * 9,
        "SELECT " + "CASE WHEN a = 1 THEN " * 9 + "1" + " END" * 9,
        "SELECT END END END " + "CASE WHEN a = 1 THEN " * 9 + "1" + " END" * 9,
        "SELECT " + "coalesce(" * 13 + "a" + ", 1)" * 13,
        "SELECT " + "(IF(a = 1, " * 13 + "1" + ", 2))" * 13,
        "SELECT " + "SUM(x) FILTER (WHERE " * 13 + "a = 1" + ")" * 13,
        "SELECT 1 FROM t " + "JOIN t USING (a) " * 33,
        "SELECT " + "CASE WHEN a = 1 THEN 1 END, " * 61 + "1",
        "SELECT 1 FROM t WHERE " + "EXISTS (SELECT 1 FROM t) AND " * 17 + "a = 1",
        "SELECT " + "(SELECT 1 FROM t), " * 32 + "1 FROM t",
        "SELECT 1 FROM t WHERE a > b" + " + INTERVAL 1 DAY" * 21,
        "SELECT " + "EXTRACT(year FROM a), " * 41 + "1",
        "SELECT " + "SUM(a) FILTER (WHERE b = 1), " * 41 + "1",
        "SELECT " + "MEDIAN(a) WITHIN GROUP (ORDER BY b), " * 21 + "1",
    ],
    ids=[
        "SELECT deep",
        "CASE deep",
        "CASE deeper",
        "calls deep",
        "IF deep",
        "FILTER deep",
        "JOIN",
        "CASE",
        "EXISTS",
        "SELECT",
        "INTERVAL",
        "EXTRACT",
        "FILTER",
        "WITHIN",
    ],
)
def test_words_that_open_something_are_counted(text: str) -> None:
    assert reason(text) == Reason.TOO_LARGE


@pytest.mark.parametrize(
    "text", ["FROM t", "(FROM t)", "SELECT 1 FROM (FROM t)", "SELECT 1 FROM FROM t", "WITH a AS (FROM t) SELECT 1"]
)
def test_from_needs_its_select(text: str) -> None:
    assert reason(text) == Reason.SQL_NOT_UNDERSTOOD


def test_an_offered_call_is_a_name_where_it_is_not_called() -> None:
    check(START + "year = 1 AND band = 2 AND t.count = 3 AND median < 4")
    assert reason(START + "any = 1") == Reason.STATEMENT_NOT_OFFERED


def test_comments_are_blanked_and_everything_else_stays_in_its_place() -> None:
    text = "SELECT /* é\n */ COUNT(*) -- x\nFROM patients WHERE a = '--' AND b = '/*'"
    plain = check(text).plain
    assert len(plain) == len(text) and plain.count("\n") == 2
    assert plain == text.replace("/* é", "    ").replace(" */", "   ", 1).replace("-- x", "    ")


def test_the_code_lists_that_are_named_are_found() -> None:
    found = check(START + "a IN codelist('x') OR a IN (CODELIST ( 'it''s' ), 'y') OR codelist = 'z'").codelists
    assert found == {"x", "it's"}


def test_a_name_of_the_catalogue_is_a_name_even_if_it_is_a_word() -> None:
    assert reason(START + "first = 1") == Reason.STATEMENT_NOT_OFFERED
    check(START + "first = 1", {"first"})
    assert reason(START + "first(a) = 1") == Reason.STATISTIC_NOT_OFFERED


def test_the_lists_of_words_do_not_contradict_each_other() -> None:
    assert not LANGUAGE & (set(REFUSED) | set(STATEMENTS) | set(AGGREGATES)) and not SIGNS & set(REFUSED)
    assert {word.lower() for word in CALLS} >= AGGREGATED
    assert not CALLS & (set(STATEMENTS) | set(AGGREGATES) | WINDOWED)
    assert set(NOT_AT_THE_TOP) <= {word.upper() for word in AGGREGATED} <= CALLS
    assert set(MOST) | set(DEEPEST) <= LANGUAGE | {"CALL"}
    assert all(
        "{word}" in told.detail or told.suggestion for told in (*REFUSED.values(), *STATEMENTS.values(), *AGGREGATES.values())
    )


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_480, "'" * 20_479, '"a' * 10_000, "/*" * 10_000, "/*" + "*" * 20_000, "--" * 10_000, "a." * 10_000,
        "'a' " * 5_000,
        "-" * 20_000, "SELECT " + "a," * 9_000, "1" * 20_000, "a" * 20_000, "SELECT 1 FROM t " + "JOIN t " * 1_900, "é" * 10_000,
        "\n" * 20_000 + "`",
    ],
    ids=lambda text: f"{text[:8]!r}…",
)  # fmt: skip
def test_quick_on_the_worst(text: str) -> None:
    began = time.perf_counter()
    reason(text)
    assert time.perf_counter() - began < 0.5
