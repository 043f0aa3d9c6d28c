"""Reading through children: the same answers, and what happens when texts are bombs and children hang, die or lie."""

from __future__ import annotations

import ast
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS, LISTS, SMALL
from tests.plan.test_questions import FILES, parts
from tre.errors import Reason, Refusal
from tre.plan import reader as reader_module
from tre.plan import reading
from tre.plan.nodes import Plan, to_json
from tre.plan.parse import parse
from tre.plan.reader import Desk
from tre.plan.reading import Reader
from tre.sandbox import ChildFailed, landlock_version

pytestmark = pytest.mark.alone
SANDBOX = landlock_version() > 0
JOINS = "SELECT 1 FROM t " + "JOIN t " * 22


def honest(number: int) -> str:
    return f"SELECT region, COUNT(*) AS n FROM patients WHERE year_of_birth = {number} GROUP BY region"


def ask(reader: Reader, sql: str) -> tuple[Plan | Reason, float]:
    """The outcome and the seconds it took."""
    began = time.perf_counter()
    try:
        outcome: Plan | Reason = reader.parse(sql, CATALOGUE, CODELISTS)
    except Refusal as refusal:
        outcome = refusal.reason
    return outcome, time.perf_counter() - began


def at_once(reader: Reader, texts: list[str]) -> list[tuple[Plan | Reason, float]]:
    gate = threading.Barrier(len(texts))

    def one(text: str) -> tuple[Plan | Reason, float]:
        gate.wait()
        return ask(reader, text)

    with ThreadPoolExecutor(len(texts)) as threads:
        return list(threads.map(one, texts))


def settled(reader: Reader, children: int = 3) -> Reader:
    """The reader once all its children are there; the first question calls for all but one."""
    assert isinstance(ask(reader, honest(1999))[0], Plan)
    until = time.monotonic() + 60
    while len(reader._pool._idle) < children and time.monotonic() < until:
        time.sleep(0.02)
    assert len(reader._pool._idle) == children
    return reader


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = settled(Reader(SANDBOX))
    yield made
    made.close()


@pytest.fixture
def fresh() -> Iterator[Reader]:
    """A reader whose children the test may hurt."""
    made = settled(Reader(SANDBOX))
    yield made
    for seat in list(made._pool._seats):
        os.kill(seat.child.pid, signal.SIGCONT)
    made.close()


@pytest.mark.parametrize(
    "sql",
    [honest(1950), "SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabetes') AND died_on IS NULL", "SELECT 1", JOINS,
     "SELECT regoin, COUNT(*) FROM patients GROUP BY regoin", "SELECT COUNT(*) FROM patients WHERE practice IN codelist('no')",
     *(parts(path)[0] for path in FILES[:6]),
     "SELECT COUNT(*) FROM patients WHERE sex = 'caf\u00e9'", "SELECT COUNT(*) FROM patients WHERE sex = 'F\ud800'"],
)  # fmt: skip
def test_the_same_as_without_children(reader: Reader, sql: str) -> None:
    try:
        expected: Any = parse(sql, CATALOGUE, CODELISTS)
    except Refusal as refusal:
        expected = refusal.args
    for _ in range(2):
        try:
            assert reader.parse(sql, CATALOGUE, CODELISTS) == expected
        except Refusal as refusal:
            assert refusal.args == expected


def test_two_catalogues_and_lists_of_one_name_do_not_mix(reader: Reader) -> None:
    sql = "SELECT COUNT(*) FROM people WHERE place IN codelist('here')"
    first = reader.parse(sql, SMALL, LISTS)
    second = reader.parse(sql, SMALL, {"here": ("Z9",)})
    assert first == parse(sql, SMALL, LISTS) and first != second
    with pytest.raises(Refusal):
        reader.parse(sql, CATALOGUE, CODELISTS)


def test_fifty_brackets_are_read_and_the_nested_rest_is_refused(reader: Reader) -> None:
    sql = "SELECT COUNT(*) FROM patients WHERE " + "(" * 50 + "sex = 'F'" + ")" * 50
    assert reader.parse(sql, CATALOGUE, CODELISTS).cells == 1
    assert ask(reader, sql.replace("(" * 50, "(" * 51).replace(")" * 50, ")" * 51))[0] == Reason.TOO_LARGE
    outcome, _ = ask(reader, "SELECT COUNT(*) FROM patients WHERE " + "NOT " * 1_900 + "sex = 'F'")
    assert isinstance(outcome, Plan) or outcome == Reason.TOO_LARGE


def test_asked_again_no_child_is_asked(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = reader.parse(honest(1901), CATALOGUE, CODELISTS)
    monkeypatch.setattr(reader._pool, "take", lambda length: pytest.fail("a child was asked"))
    assert reader.parse(honest(1901), CATALOGUE, CODELISTS) is plan


def test_asked_by_many_at_once_one_child_reads(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    takes = []
    real = reader._pool.take
    monkeypatch.setattr(reader._pool, "take", lambda length: takes.append(length) or real(length))
    outcomes = at_once(reader, [honest(1902)] * 20)
    assert len({id(outcome) for outcome, _ in outcomes}) == 1 and len(takes) == 1


# ------------------------------------------------------------------------------------------------------------------- T-PARSE
def asked(number: int, value: str) -> str:
    return f"SELECT {number} * AVG({value}) FROM patients"


BOMBS = {
    "22 joins without ON": lambda n: f"{JOINS}-- {n}",
    "left joins": lambda n: f"SELECT {n} FROM t " + "LEFT JOIN t " * 22,
    "nested DATE": lambda n: f"SELECT {n} WHERE " + "DATE (" * 40 + "1" + ")" * 40,
    "nested DECIMAL": lambda n: f"SELECT x::{'DECIMAL(' * 40}{n}{')' * 40}",
    "nested ARRAY": lambda n: "SELECT " + "ARRAY [" * 40 + str(n) + "]" * 40,
    "nested STRUCT": lambda n: "SELECT " + "STRUCT(" * 40 + str(n) + ")" * 40,
    "IF without brackets": lambda n: "SELECT x::" + "IF + " * 40 + str(n),
    "1 MB": lambda n: f"SELECT {n} " + "x" * 1_000_000,
    "100,000 brackets": lambda n: "SELECT " + "(" * 100_000 + str(n),
    "CASE in CASE": lambda n: f"SELECT {n}, " + "CASE WHEN " * 8 + "1" + " THEN 1 END" * 8,
    "calls in calls": lambda n: f"SELECT {n}, " + "coalesce(" * 48 + "x" + ", 1)" * 48,
    "EXISTS in EXISTS": lambda n: f"SELECT {n} FROM t WHERE " + "EXISTS (SELECT 1 FROM t WHERE " * 8 + "a = 1" + ")" * 8,
    "IF in IF": lambda n: f"SELECT {n}, " + "IF(" * 48 + "x" + ", 1, 2)" * 48,
    "intervals": lambda n: f"SELECT {n} FROM t WHERE a > b" + " + INTERVAL 1 DAY" * 20,
    "FILTER in FILTER": lambda n: f"SELECT {n}, " + "SUM(x) FILTER (WHERE " * 40 + "a = 1" + ")" * 40,
    "EXTRACT in EXTRACT": lambda n: f"SELECT {n}, " + "EXTRACT(year FROM " * 40 + "d" + ")" * 40,
    "sets in sets": lambda n: f"SELECT {n} FROM t GROUP BY " + "GROUPING SETS ((" * 24 + "a" + "))" * 24,
    "32 joins": lambda n: f"SELECT {n} FROM t " + "JOIN t USING (person) " * 32,
    "a CTE of a CTE of a CTE": lambda n: (
        "WITH a0 AS (SELECT person FROM events), "
        + ", ".join(f"a{k + 1} AS (SELECT x.person FROM a{k} x JOIN a{k} y ON x.person = y.person)" for k in range(12))
        + f" SELECT COUNT(*) FROM a12 WHERE {n} = {n}"
    ),
    "patterns": lambda n: "SELECT COUNT(*) FROM patients WHERE region LIKE '" + "%a" * 5_000 + f"{n}'",
    "coalesce doubles": lambda n: asked(n, "coalesce(" * 48 + "imd_decile" + ", imd_decile)" * 48),
    "coalesce at the limit": lambda n: asked(n, "coalesce(" * 11 + "imd_decile" + ", imd_decile)" * 11),
    "IF at the limit": lambda n: asked(n, "IF(" * 11 + "imd_decile" + " BETWEEN 3 AND 5, 4, 6)" * 11),
    "nullif doubles": lambda n: asked(n, "nullif(" * 48 + "imd_decile" + ", 3)" * 48),
    "abs doubles": lambda n: asked(n, "abs(" * 24 + "imd_decile" + " - 5)" * 24),
    "between doubles": lambda n: asked(n, "IF(" * 48 + "imd_decile" + " BETWEEN 3 AND 5, 4, 6)" * 48),
    "between nullif": lambda n: asked(n, "IF(nullif(" * 24 + "imd_decile" + ", 4) BETWEEN 3 AND 5, 4, 6)" * 24),
    "case of case": lambda n: asked(n, "CASE " * 8 + "imd_decile" + (" WHEN 1 THEN 2" * 20 + " ELSE 3 END") * 8),
    "aliases of aliases": lambda n: (
        "WITH a0 AS (SELECT person, imd_decile AS x FROM patients), "
        + ", ".join(f"a{k + 1} AS (SELECT person, x + x AS x FROM a{k})" for k in range(24))
        + f" SELECT {n} * AVG(x) FROM a24"
    ),
    "keys of one value": lambda n: (
        "WITH a0 AS (SELECT person, imd_decile AS x FROM patients), "
        + ", ".join(f"a{k + 1} AS (SELECT person, nullif(x, 3) AS x FROM a{k})" for k in range(9))
        + f" SELECT {n} * "
        + " * ".join(["AVG(x)"] * 300)
        + " FROM a9"
    ),
    "FROM FROM": lambda n: "SELECT " + "FROM " * 1_900 + str(n),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_fifty_bombs_beside_an_honest_question(reader: Reader, bomb: Any) -> None:
    texts = [bomb(number) for number in range(50)]
    *bombs, (plan, took) = at_once(reader, [*texts, honest(1910 + list(BOMBS.values()).index(bomb))])
    assert all(isinstance(outcome, Reason) and seconds <= 1 for outcome, seconds in bombs), max(seconds for _, seconds in bombs)
    assert isinstance(plan, Plan) and took <= 1


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped child stands for one that works on and on."""
    monkeypatch.setattr(reading, "STARVED_S", -1.0)


def test_a_child_that_the_machine_kept_waiting_is_not_the_texts_fault(fresh: Reader) -> None:
    os.kill(fresh._pool._idle[-1].child.pid, signal.SIGSTOP)
    outcome, took = ask(fresh, honest(4))
    assert isinstance(outcome, Plan) and 0.45 <= took <= 1.5
    settled(fresh)


@pytest.mark.usefixtures("at_work")
def test_a_child_that_hangs_is_killed_in_half_a_second_and_replaced(fresh: Reader) -> None:
    for seat in fresh._pool._idle[-1:]:
        os.kill(seat.child.pid, signal.SIGSTOP)
    outcome, took = ask(fresh, honest(1))
    assert outcome == Reason.TOO_LARGE and 0.45 <= took <= 1
    outcome, took = ask(fresh, honest(2))
    assert isinstance(outcome, Plan) and took <= 0.5
    outcome, took = ask(fresh, honest(1))
    assert outcome == Reason.TOO_LARGE and took <= 0.1, "the same text again is refused unread"
    settled(fresh)


@pytest.mark.usefixtures("at_work")
def test_fifty_texts_that_hang_their_readers_beside_an_honest_question(fresh: Reader) -> None:
    """Nobody knows such a text; if there is one, each is answered in a second, and the short honest one gets the first spare."""
    for seat in fresh._pool._idle[-2:]:
        os.kill(seat.child.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(51) as threads:
        first = [threads.submit(ask, fresh, honest(number) + " " * 2_000) for number in range(50)]
        time.sleep(0.1)
        plan, took = threads.submit(ask, fresh, honest(1998)).result()
    outcomes = [future.result() for future in first]
    assert isinstance(plan, Plan) and took <= 1
    assert all(seconds <= 1 for _, seconds in outcomes), max(seconds for _, seconds in outcomes)
    assert [outcome for outcome, _ in outcomes].count(Reason.TOO_LARGE) == 2
    assert isinstance(ask(fresh, honest(3))[0], Plan)


@pytest.mark.usefixtures("at_work")
def test_when_every_reader_hangs_the_answer_is_to_come_back(fresh: Reader) -> None:
    for seat in fresh._pool._idle:
        os.kill(seat.child.pid, signal.SIGSTOP)
    outcomes = at_once(fresh, [honest(number) for number in range(20)])
    assert {outcome for outcome, _ in outcomes} <= {Reason.TOO_LARGE, Reason.TOO_MANY_REQUESTS} and max(
        s for _, s in outcomes
    ) <= 2
    settled(fresh)
    assert isinstance(ask(fresh, honest(30))[0], Plan)


@pytest.mark.parametrize("dead", [1, 3])
def test_children_that_die_by_themselves_cost_nobody_an_answer(fresh: Reader, dead: int) -> None:
    for seat in fresh._pool._idle[-dead:]:
        os.kill(seat.child.pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while any(seat.child.alive for seat in fresh._pool._idle[-dead:]) and time.monotonic() < until:
        time.sleep(0.01)
    assert isinstance(ask(fresh, honest(1))[0], Plan)
    settled(fresh)


QUESTION = parse(honest(1950), CATALOGUE, CODELISTS)


LIES: list[dict[str, Any]] = [
    {}, {"plan": None}, {"plan": {"node": "Plan"}}, {"plan": to_json(QUESTION.relation)},
    {"plan": to_json(QUESTION) | {"dataset": "other"}},
    {"plan": to_json(QUESTION) | {"relation": {"node": "Scan", "table": "events", "row_cap": 1}}},
    {"plan": to_json(QUESTION) | {"relation": to_json(QUESTION)["relation"]["relation"] | {"label": "a b"}}},
    {"plan": to_json(QUESTION) | {"statistics": [{"node": "Statistic", "alias": "n", "kind": "sum"}]}},
    {"refusal": "no"}, {"refusal": ["fault", "", ""]}, {"refusal": ["sql-not-understood", 1, 2]},
    {"refusal": ["sql-not-understood", "x" * 5_000, ""]},
]  # fmt: skip


@pytest.mark.parametrize("reply", LIES)
def test_a_lie_is_not_believed(reply: dict[str, Any]) -> None:
    with pytest.raises(ChildFailed):
        reading._believed(reply, CATALOGUE)
    assert reading._believed({"plan": to_json(QUESTION)}, CATALOGUE) == QUESTION


def test_a_child_that_lies_is_replaced_and_asked_no_more(fresh: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as lying:
        lying.setattr(reading._Seat, "read", lambda *arguments: LIES[4])
        assert ask(fresh, honest(1))[0] == Reason.TOO_LARGE
    assert isinstance(ask(fresh, honest(2))[0], Plan)


def test_a_closed_reader_says_so() -> None:
    closed = Reader(SANDBOX, workers=1, spares=0)
    closed.close()
    with pytest.raises(Refusal) as raised:
        closed.parse(honest(1), CATALOGUE, CODELISTS)
    assert raised.value.reason == Reason.NOT_READY


def test_a_reader_without_a_sandbox_reads_too() -> None:
    plain = Reader(False, workers=1, spares=0)
    try:
        assert plain.parse(honest(1950), CATALOGUE, CODELISTS) == QUESTION
    finally:
        plain.close()


def test_whatever_goes_wrong_with_a_text_is_a_refusal_without_a_word_of_it() -> None:
    def failing(*arguments: Any) -> Plan:
        raise KeyError("a word of the text")

    reply = Desk(failing).answer({"text": "x", "catalogue": "d", "offer": reading.catalogue_to_json(SMALL), "codelists": {}})
    assert reply == {"refusal": ["sql-not-understood", "The text is not understood.", ""]}
    assert Desk(failing).answer({"text": "x", "catalogue": "unheard of", "codelists": {}}) == {"unknown": "unheard of"}


def test_the_parser_is_imported_only_after_the_sandbox_stands() -> None:
    tree = ast.parse(Path(reader_module.__file__).read_text(encoding="utf-8"))
    top = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert not any(str(module).startswith(("tre.plan.parse", "sqlglot")) for module in top)
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    steps = [ast.unparse(step) for step in main.body]
    order = [
        next(at for at, step in enumerate(steps) if step.startswith(start))
        for start in ("wire = own_pipes", "confine", "from tre")
    ]
    assert order == sorted(order)
