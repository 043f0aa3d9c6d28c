"""Every line `SQL ; reason` of the files beside this one is refused for that reason, says why and how to mend it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tre.errors import Reason, Refusal
from tre.plan.parse import parse

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.sql"))


def cases(path: Path) -> list[tuple[str, str]]:
    """The cases of a file; the first line is its title."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.rpartition(" ; ") for line in lines if line.strip())
    return [(re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), sql), reason) for sql, _, reason in pairs]


ALL = [(path.stem, sql, reason) for path in FILES for sql, reason in cases(path)]


def refusal(sql: str) -> Refusal:
    with pytest.raises(Refusal) as raised:
        parse(sql, CATALOGUE, CODELISTS)
    return raised.value


@pytest.mark.parametrize(("file", "sql", "reason"), ALL, ids=[f"{file}-{sql[:60]!a}" for file, sql, _ in ALL])
def test_refused(file: str, sql: str, reason: str) -> None:
    told = refusal(sql)
    assert told.reason == reason, told
    assert told.detail and told.suggestion
    assert len(told.detail) + len(told.suggestion) < 600


def test_there_are_enough_and_every_reason_of_a_text_is_among_them() -> None:
    assert len(ALL) >= 500
    assert len({sql for _, sql, _ in ALL}) == len(ALL)
    assert {reason for _, _, reason in ALL} == {
        Reason.SQL_NOT_UNDERSTOOD, Reason.STATEMENT_NOT_OFFERED, Reason.TABLE_NOT_IN_POLICY, Reason.COLUMN_NOT_IN_POLICY,
        Reason.STATISTIC_NOT_OFFERED, Reason.FUNCTION_NOT_OFFERED, Reason.KEYS_TOO_MANY, Reason.INVALID_REQUEST, Reason.TOO_LARGE,
        Reason.BOUNDS_MISSING, Reason.NOT_PERSON_SEPARABLE,
    }  # fmt: skip


def test_what_is_quoted_is_short_plain_and_never_the_parsers_own_words() -> None:
    for _, sql, _ in ALL:
        told = refusal(sql)
        said = told.detail + " " + told.suggestion
        assert not re.search(r"sqlglot|Token|Line \d|Col:|Error|Traceback|\x1b", said), said
        assert all(len(quoted) <= 60 for quoted in re.findall(r"`([^`]*)`", said)), said
        assert said.isprintable(), said


@pytest.mark.parametrize(
    ("sql", "suggestion"),
    [
        ("SELECT regoin, COUNT(*) FROM patients GROUP BY regoin", "Did you mean `region`?"),
        ("SELECT COUNT(*) FROM patient", "Did you mean `patients`?"),
        ("SELECT COUNT(*) FROM patients WHERE sex = 'Femal'", "Its values are F, M, I, U."),
        ("SELECT COUNT(*) FROM patients WHERE region = 'london'", "Did you mean 'London'?"),
        ("SELECT COUNT(*) FROM patients WHERE died_on = NULL", "Write died_on IS NULL."),
        ("SELECT COUNT(*) FROM patients WHERE died_on <> NULL", "Write died_on IS NOT NULL."),
        ("SELECT COUNT(*) FROM patients WHERE year_of_birth > 1950.5", "The nearest are 1950 and 1951."),
        ("SELECT COUNT(*) FROM patients WHERE year_of_birth = 99999999999", "numbers from 1900 to 2026"),
        ("SELECT COUNT(*) FROM patients WHERE registered_on = '1/2/2020'", "days from DATE '1920-01-01' to DATE '2026-12-31'"),
        ("SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabets')", "Did you mean `diabetes`?"),
        ("SELECT died_on, COUNT(*) FROM patients GROUP BY died_on", "Keys of `patients` are `board`, `region`"),
        ("SELECT died_on, COUNT(*) FROM patients GROUP BY died_on", "year(died_on)"),
        ("SELECT value, COUNT(*) FROM measurements GROUP BY value", "band(value, 10)"),
        (
            "SELECT COUNT(*) FROM patients p WHERE EXISTS (SELECT 1 FROM events e)",
            "Add `AND e.person = p.person` inside the sub-query",
        ),
        ("SELECT COUNT(*) FROM patients p JOIN events e ON e.date = p.died_on", "Write ON e.person = p.person"),
        ("SELECT COUNT(*) FROM patients p RIGHT JOIN events e ON e.person = p.person", "b LEFT JOIN a"),
        ("SELECT COUNT(*) FROM (SELECT code FROM events) t", "Add person to its SELECT"),
        ("SELECT MAX(value) FROM measurements", "quantile(x, 0.95)"),
        ("SELECT STDDEV_SAMP(value) FROM measurements", "VAR_POP, STDDEV_POP"),
        ("SELECT HISTOGRAM(value) FROM measurements", "band(x, 10)"),
        ("SELECT COUNT(*) FROM events WHERE age_at(date) > 30", "JOIN patients USING (person)"),
        ("SELECT COUNT(*) FROM patients WHERE yaer(died_on) = 2020", "Did you mean `year`?"),
        (
            "SELECT COUNT(*) FROM patients p WHERE sex = 'F' OR EXISTS (SELECT 1 FROM events e WHERE e.person = p.person)",
            "LEFT JOIN",
        ),
        ("SELECT region, COUNT(*) FROM patients", "Add GROUP BY region."),
        ("SELECT region, COUNT(*) FROM patients GROUP BY region, sex", "Add sex to SELECT."),
        ("SELECT COUTN(*) FROM patients", "Did you mean `COUNT`?"),
        ("SELCT COUNT(*) FROM patients", "Did you mean `SELECT`?"),
        ("SELECT COUNT(*) FROM patients WHERE code = 'x'", "It is a column of `events`"),
        ("SELECT COUNT(*) FROM patients WHERE value_ = 1", "Its columns are"),
        ("SELECT COUNT(*) FROM patients WHERE sex = F", "A text has single quotes: 'F'."),
        ("SELECT COUNT(*) FROM patients WHERE 1900 < year_of_birth < 2000", "BETWEEN"),
        ("SELECT person FROM patients", "COUNT(DISTINCT person)"),
    ],
)
def test_the_suggestion_mends(sql: str, suggestion: str) -> None:
    assert suggestion in refusal(sql).suggestion


def test_the_numbers_of_too_many_keys_are_told() -> None:
    told = refusal("SELECT board, sex, year_of_birth, COUNT(*) FROM patients GROUP BY 1, 2, 3")
    assert (
        "21,336 groups" in told.detail and "`board` 42 × `sex` 4 × `year_of_birth` 127" in told.detail and "10,000" in told.detail
    )


def test_the_place_of_what_is_not_understood_is_told() -> None:
    assert "line 2, column 6: `BY`" in refusal("SELECT region, COUNT(*) FROM patients\nGRUP BY region").detail
    assert "U+0430 (cyrillic small letter a)" in refusal("SELECT COUNT(*)\nFROM p\u0430tients").detail
