"""Mutated questions, raw bytes and repeated patterns through the reader: a plan or a refusal, and never a reader killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tests.plan.test_questions import FILES, parts
from tre.errors import Refusal
from tre.plan.nodes import Plan
from tre.plan.reading import Reader
from tre.plan.words import AGGREGATES, CALLS, LANGUAGE, REFUSED, STATEMENTS
from tre.sandbox import landlock_version

pytestmark = pytest.mark.alone

VALID = [
    "SELECT region, COUNT(*) AS n FROM patients GROUP BY region",
    "SELECT COUNT(DISTINCT p.person) FROM patients AS p",
    "SELECT sex, imd_decile, COUNT(*) FROM patients WHERE year_of_birth BETWEEN 1950 AND 1960 GROUP BY 1, 2",
    "SELECT p.board b, COUNT(*) FROM patients p WHERE NOT (p.sex = 'F' OR p.died_on IS NOT NULL) GROUP BY b",
    "SELECT COUNT(*) FROM patients WHERE registered_on >= DATE '2020-01-01' AND '2021-12-31' > left_on",
    "SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabetes') OR practice NOT IN ('A81001', 'B82002')",
    'SELECT "sex", COUNT(1) AS "N" FROM "patients" WHERE ethnicity IN (\'Asian\', \'Not stated\') GROUP BY "sex" -- by sex',
    "SELECT ethnicity, COUNT(person) FROM patients WHERE TRUE AND imd_decile <= 3 AND imd_decile <> 2 GROUP BY ethnicity;",
    *(parts(path)[0].strip() for path in FILES),
]
WORDS = sorted(LANGUAGE) + sorted(REFUSED) + sorted(STATEMENTS) + sorted(AGGREGATES)
NAMES = [*CATALOGUE.names, "x", '"q"', "1", "2.5", "'F'", "NULL", "codelist('copd')", "COUNT(*)", "DATE '2020-01-01'"]

Mutation = Callable[[list[str], random.Random], list[str]]


def pieces(text: str) -> list[str]:
    """Words, texts and signs, with the spaces between them."""
    found, at = [], 0
    while at < len(text):
        end = at + 1
        while end < len(text) and text[at].isalnum() and (text[end].isalnum() or text[end] == "_"):
            end += 1
        found.append(text[at:end])
        at = end
    return found


def delete(parts: list[str], dice: random.Random) -> list[str]:
    at = dice.randrange(len(parts))
    return parts[:at] + parts[at + 1 :]


def duplicate(parts: list[str], dice: random.Random) -> list[str]:
    at, times = dice.randrange(len(parts)), dice.choice([1, 1, 2, 50])
    return parts[:at] + parts[at : at + 1] * times + parts[at:]


def swap(parts: list[str], dice: random.Random) -> list[str]:
    one, other, swapped = dice.randrange(len(parts)), dice.randrange(len(parts)), list(parts)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    return swapped


def insert(parts: list[str], dice: random.Random) -> list[str]:
    at = dice.randrange(len(parts))
    return [*parts[:at], " ", dice.choice(dice.choice([WORDS, NAMES])), " ", *parts[at:]]


def replace(parts: list[str], dice: random.Random) -> list[str]:
    return [dice.choice(dice.choice([WORDS, NAMES])) if dice.random() < 0.1 else part for part in parts]


def flip(parts: list[str], dice: random.Random) -> list[str]:
    raw = bytearray("".join(parts).encode("utf-8", "surrogateescape"))
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    return [bytes(raw).decode("utf-8", "surrogateescape")]


def cut(parts: list[str], dice: random.Random) -> list[str]:
    return parts[: dice.randrange(1, len(parts) + 1)]


def join(parts: list[str], dice: random.Random) -> list[str]:
    return [*parts, dice.choice([" ", ";", " AND ", " UNION ", ", ", "\n--", "/*"]), dice.choice(VALID)]


MUTATIONS: list[Mutation] = [delete, duplicate, swap, insert, replace, flip, cut, join]


def mutated(dice: random.Random) -> str:
    parts = pieces(dice.choice(VALID))
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        parts = pieces("".join(dice.choice(MUTATIONS)(parts, dice))) or ["SELECT"]
    return "".join(parts)


def raw(dice: random.Random) -> str:
    size = dice.choice([1, 10, 100, 1_000, 30_000])
    return dice.randbytes(dice.randrange(size)).decode(dice.choice(["latin-1", "utf-8"]), "surrogateescape")


UNITS = [
    *sorted(LANGUAGE), *NAMES, "= 'F'", "BETWEEN 1 AND", "IS NOT", "GROUP BY", "IN (", "NOT (", "COUNT(", "COUNT(DISTINCT",
    "AND (", "= (", ", (", "- (", "SELECT (", "WHERE (", "BY (", "x =", "x.", "p.", "-", "*", ",", ".", "=", "<", "<>", "(",
    "YEAR", "INT", "TEXT", "LIST", "STRUCT", "JSON", "DECIMAL", "AT", "TIME", "ZONE", "ONLY", "OF", "BY", "NAME", "STRICT",
    "UNKNOWN", "SYMMETRIC", "VALUE", "KEY", "TO",
    *(f"{word} (" for word in sorted(CALLS)), "CASE WHEN", "THEN 1", "END", "EXISTS (SELECT 1 FROM", "(SELECT", "IN (SELECT",
    "JOIN t USING (x)", "JOIN t ON x =", "LEFT JOIN", "INTERVAL 1 DAY", "INTERVAL '1'", "DATE '2020-01-01'", "FILTER (WHERE",
    "WITHIN GROUP (ORDER BY", "ROLLUP (", "GROUPING SETS ((", "LIKE 'a'", "EXTRACT (year FROM", "WITH a AS (", "x => 1", "//",
    "/", "+",
]  # fmt: skip
STARTS = ["SELECT COUNT(*) FROM patients WHERE ", "SELECT ", "SELECT COUNT(*) FROM ", "SELECT COUNT(*) FROM patients GROUP BY ",
          "SELECT COUNT(*) FROM patients ", "WITH a AS (SELECT ", "SELECT COUNT(*) FROM patients HAVING ", "SELECT CASE WHEN ",
          "SELECT COUNT(*) FROM patients JOIN events ON ", "SELECT COUNT(*) FROM patients ORDER BY ",
          "SELECT COUNT(*) FROM patients WHERE x = ", "SELECT x AS "]  # fmt: skip


def pattern(dice: random.Random) -> str:
    """A few units many times, as deep as brackets may go: what takes exponential time shows."""
    unit = " ".join(dice.choice(UNITS) for _ in range(dice.randint(1, 5))) + " "
    depth = max(0, unit.count("(") - unit.count(")"))
    times = 48 // depth if depth else 500 // max(1, len(unit.split()))
    close = dice.choice([") ", ") x ", ") = 1 ", ") , 1 "]) * depth
    return dice.choice(STARTS) + unit * times + dice.choice(["1", "x", "sex = 'F'", ""]) + close * times


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(landlock_version() > 0)
    yield made
    made.close()


def outcomes(reader: Reader, make: Callable[[random.Random], str], seed: int, count: int) -> Counter[str]:
    """What became of so many texts. Anything but a plan or a refusal, or a second without either, fails here."""
    dice, found = random.Random(seed), Counter[str]()
    lost = []
    really = reader._pool.lost
    reader._pool.lost = lambda seat, killed: (lost.append(killed), really(seat, killed))[1]  # type: ignore[method-assign]
    try:
        for _ in range(count):
            text = make(dice)
            began = time.perf_counter()
            try:
                plan = reader.parse(text, CATALOGUE, CODELISTS)
                assert type(plan) is Plan and CATALOGUE.admits(plan)
                found["plan"] += 1
            except Refusal as refusal:
                assert refusal.detail, text
                found[refusal.reason] += 1
            assert time.perf_counter() - began < 1, text
            assert not lost, text
    finally:
        reader._pool.lost = really  # type: ignore[method-assign]
    return found


def test_every_question_that_is_mutated_is_a_plan(reader: Reader) -> None:
    assert all(type(reader.parse(sql, CATALOGUE, CODELISTS)) is Plan for sql in VALID)


def check_mutations(reader: Reader, count: int) -> None:
    found = outcomes(reader, mutated, 1, count * 3 // 4) + outcomes(reader, raw, 2, count // 4)
    assert found["plan"] > count // 100, "some mutations are questions"
    assert len(found) >= 8, found


def test_mutations(reader: Reader) -> None:
    check_mutations(reader, 2_000)


def test_patterns(reader: Reader) -> None:
    outcomes(reader, pattern, 3, 250)


@pytest.mark.audit
def test_mutations_at_length(reader: Reader) -> None:
    check_mutations(reader, 20_000)


@pytest.mark.audit
def test_patterns_at_length(reader: Reader) -> None:
    outcomes(reader, pattern, 4, 20_000)
