"""T-NAN, T-NULL, T-JOIN, T-SUM1, T-SUM2, T-MEM: one person's strange rows. Naive: a value that is no number spoils everybody's
answer, a row of nobody is counted without bound, a join multiplies a person, a value too large ends in an error. Ours: whatever
one person's rows are, each exact number stays finite and moves no further than is declared, for which the noise is made
(T-AUDIT).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import product
from operator import add
from pathlib import Path

import duckdb
import pytest

from tests.faults.journey import Vault, asker, opened
from tests.policy.folders import make_folder
from tests.properties.moved import blocks, within
from tests.serving import copy_home
from tests.spec.cases import CATALOGUE
from tests.vault.building import REGIMES, Quiet, Rows, build, event, row, visit
from tre import audit, budget, store
from tre.errors import Fault, Reason, Refusal
from tre.gateway import Faulted
from tre.loss import PrivacyLoss
from tre.plan.bound import sensitivities
from tre.plan.nodes import Plan
from tre.plan.offer import catalogue
from tre.plan.order import Order
from tre.plan.parse import parse
from tre.policy import DatasetPolicy, read_policies
from tre.terms import Exclusion, Release, Request, Snapshot
from tre.vault.exact import ExactTable

KEY = b"k" * 32
NUMBERS = ("4000000020", "4000000039", "4000000047", "4000000055")  # valid ones, of nobody
TARGET = NUMBERS[-1]
STRANGE = ("NaN", "nan", "-nan", "Infinity", "-inf", "1e400", "1e308", "-1e308", "9223372036854775807", "0x10", "")
ASKED = [
    "SELECT COUNT(*) AS n, COUNT(value) AS c, SUM(value) AS s, AVG(value) AS a, STDDEV(value) AS d FROM measurements",
    "SELECT sex, AVG(value) AS a, MEDIAN(value) AS m FROM patients p JOIN measurements m ON m.person = p.person GROUP BY sex",
    "SELECT AVG(latest) AS a FROM (SELECT person, ARG_MAX(value, date) AS latest FROM measurements GROUP BY person) t",
]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> DatasetPolicy:
    return read_policies(make_folder(tmp_path_factory.mktemp("policies") / "folder")).datasets["small"]


def written(folder: Path, measured: str) -> Path:
    """Three people with two measurements each, and whatever is added."""
    folder.mkdir()
    people = "".join(f"{number},F,1950,A1\n" for number in NUMBERS)
    (folder / "patients.csv").write_text("nhs_number,sex,year_of_birth,practice\n" + people)
    rows = "".join(f"{number},2020-01-0{day},{100 + day}\n" for number, day in product(NUMBERS[:3], (1, 2)))
    (folder / "measurements.csv").write_text("nhs_number,date,value\n" + rows + measured)
    return folder


class Loaded:
    """A source as the store takes it, and a vault over it without noise."""

    def __init__(self, folder: Path, policy: DatasetPolicy, measured: str) -> None:
        source = written(folder, measured)
        (folder / "store").mkdir()
        self.taken = store.load(policy, source, folder / "store", KEY)
        snapshot: Snapshot = self.taken.snapshot
        exclusion: Exclusion = store.exclude(snapshot, 1, REGIMES, [], "2026-11-01T00:00:00.000000Z")
        self._held, self._quiet = (snapshot, exclusion), Quiet(folder / "store", folder)

    def exact(self, plan: Plan) -> ExactTable:
        return self._quiet.exact(plan, self._held)


def plans(policy: DatasetPolicy) -> Iterator[Plan]:
    for sql in ASKED:
        yield parse(sql, catalogue(policy), {})


def naive(folder: Path, sql: str) -> object:
    """The same file as an engine reads it that is told it holds numbers."""
    table = f"read_csv('{folder / 'measurements.csv'}', all_varchar = true)"
    with duckdb.connect() as connection:
        return connection.execute(sql.format(table=table)).fetchone()


# -- T-NAN, T-SUM2


def test_t_nan_naive_one_value_spoils_the_mean(tmp_path: Path) -> None:
    """Clamping helps nothing: what is not a number is above all of them, and infinity times no weight is not a number."""
    asked = "SELECT avg(value::DOUBLE), sum(greatest(least(value::DOUBLE, 400), 0)), sum(value::DOUBLE * 0) FROM {table}"
    for place, value in enumerate(("NaN", "Infinity")):
        without = naive(written(tmp_path / f"without{place}", ""), asked)
        there = naive(written(tmp_path / f"with{place}", f"{TARGET},2020-01-01,{value}\n"), asked)
        assert isinstance(without, tuple) and all(map(math.isfinite, without))
        assert isinstance(there, tuple) and not all(map(math.isfinite, there))


def test_t_sum2_naive_one_value_ends_in_an_error(tmp_path: Path) -> None:
    folder = written(tmp_path / "source", f"{TARGET},2020-01-01,9223372036854775807\n")
    with pytest.raises(duckdb.Error, match="Overflow"):
        naive(folder, "SELECT sum((value::BIGINT * 10)) FROM {table}")
    with pytest.raises(duckdb.Error):
        naive(folder, "SELECT (sum(value::BIGINT) + 1)::BIGINT FROM {table}")


@pytest.mark.parametrize("values", [STRANGE[:1], STRANGE], ids=["not-a-number", "all-that-are-strange"])
def test_t_nan_and_t_sum2_ours_is_a_whole_number_within_what_is_declared(
    tmp_path: Path, policy: DatasetPolicy, values: tuple[str, ...]
) -> None:
    """All of them are rows of one person, who is there or not."""
    without = Loaded(tmp_path / "without", policy, "")
    there = Loaded(tmp_path / "with", policy, "".join(f"{TARGET},2020-01-01,{value}\n" for value in values))
    for plan in plans(policy):
        one, other = blocks(there.exact(plan)), blocks(without.exact(plan))
        assert all(type(number) is int for _, vectors in one for vector in vectors for number in _flat(vector))
        within(plan, one, other)


def _flat(vector: tuple[object, ...]) -> Iterator[object]:
    """Of a quantile each candidate's weight."""
    for one in vector:
        yield from one if isinstance(one, tuple) else (one,)


# -- T-SUM1


def test_t_sum1_naive_the_order_of_rows_moves_a_sum() -> None:
    """A thousand ones and one large number, added as floats: in another order a thousand less, and one person is worth one."""
    rows = [1.0] * 1_000 + [2.0**53]
    one, other = (reduce(add, order) for order in (rows, rows[::-1]))
    assert one - other == 1_000


# -- T-NULL


def test_t_null_rows_of_nobody(tmp_path: Path, policy: DatasetPolicy) -> None:
    """A thousand rows without an identifier. Naive: each counts, and one person's bound does not hold. Ours: none is kept."""
    nobody = ",2020-01-01,400\n" * 1_000
    counted = "SELECT count(*) FROM {table}"
    folders = [written(tmp_path / name, rows) for name, rows in (("a", ""), ("b", nobody))]
    assert [naive(folder, counted) for folder in folders] == [(6,), (1_006,)]
    without, there = Loaded(tmp_path / "without", policy, ""), Loaded(tmp_path / "with", policy, nobody)
    assert sum(there.taken.rejected["measurements"].values()) == 1_000
    for plan in plans(policy):
        assert blocks(there.exact(plan)) == blocks(without.exact(plan))


NULLS = [
    "SELECT COUNT(weight) AS c, AVG(weight) AS a FROM patients",
    "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex",
    "SELECT kind, COUNT(*) AS n, AVG(value) AS a FROM events GROUP BY kind",
    "SELECT COUNT(*) AS n FROM patients WHERE sex NOT IN ('F')",
    "SELECT COUNT(*) AS n FROM patients p WHERE p.person NOT IN (SELECT e.person FROM events e WHERE e.code = 'X1')",
]


@pytest.mark.parametrize("sql", NULLS)
def test_t_null_somebody_of_whom_nothing_is_known(tmp_path: Path, sql: str) -> None:
    """NULL is a key like any other, there whether or not somebody has it; it counts in no statistic of a value. Naive, with NOT
    IN: one NULL among the codes and nobody is left."""
    ordinary = {"patients": [row(person, sex="F", weight=1) for person in range(3)], "events": []}
    strange: Rows = {**ordinary, "patients": [*ordinary["patients"], row(3)], "events": [event(3), event(3)]}
    plan = parse(sql, CATALOGUE, {})
    one, other = (Found(tmp_path, name, rows).exact(plan) for name, rows in (("with", strange), ("without", ordinary)))
    within(plan, blocks(one), blocks(other))
    assert [block.groups for block in one.blocks] == [block.groups for block in other.blocks]
    assert sum(block.groups for block in one.blocks) == plan.cells
    with duckdb.connect() as connection:
        asked = "SELECT count(*) FROM range(3) t(i) WHERE i NOT IN (SELECT * FROM (VALUES (7), ({})) v)"
        assert [connection.execute(asked.format(code)).fetchone() for code in ("8", "NULL")] == [(3,), (0,)]


# -- T-JOIN

JOINS = [
    "SELECT COUNT(*) AS n FROM events a JOIN events b ON a.person = b.person JOIN visits v ON v.person = a.person",
    "SELECT a.kind, COUNT(*) AS n FROM events a JOIN events b ON a.person = b.person GROUP BY a.kind",
    "SELECT SUM(v.cost) AS s FROM events a JOIN visits v ON v.person = a.person",
    "SELECT COUNT(DISTINCT a.person) AS n FROM events a JOIN visits v ON v.person = a.person",
]


class Found:
    """Records of these tests, in a vault without noise."""

    def __init__(self, folder: Path, name: str, records: Rows) -> None:
        place = folder / name
        place.mkdir()
        more = {table: rows for table, rows in records.items() if table != "patients"}
        self._quiet, self._held = Quiet(place, folder), build(place, records["patients"], (), more)

    def exact(self, plan: Plan) -> ExactTable:
        return self._quiet.exact(plan, self._held)


@pytest.mark.parametrize("sql", JOINS)
def test_t_join_a_person_is_multiplied_as_far_as_is_declared(tmp_path: Path, sql: str) -> None:
    """Somebody with all the rows that are kept: 256 in a naive star of three tables, which a bound of one row does not foresee.
    Ours is bounded by the plan: what is declared does not hang on the largest fan-out that there is."""
    people = [row(person) for person in range(4)]
    others: dict[str, list[Mapping[str, object]]] = {
        "events": [event(person, kind="a") for person in range(3)],
        "visits": [visit(person, cost=5) for person in range(3)],
    }
    fan = {
        "events": [*others["events"], *(event(3, kind="abc"[place % 3]) for place in range(8))],
        "visits": [*others["visits"], *[visit(3, cost=5)] * 4],
    }
    with duckdb.connect() as connection:
        star = "SELECT count(*) FROM range({0}) a, range({0}) b, range({1}) v"
        assert connection.execute(star.format(8, 4)).fetchone() == (256,)
    plan = parse(sql, CATALOGUE, {})
    pairs = ({"patients": people, **fan}, {"patients": people[:3], **others})
    one, other = (Found(tmp_path, f"r{place}", records).exact(plan) for place, records in enumerate(pairs))
    assert within(plan, blocks(one), blocks(other))
    assert max(bound.k for bound in sensitivities(plan)) < 64


# -- T-MEM


def test_t_mem_naive_a_function_fails_for_one_person_alone() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE people AS SELECT 'somebody' AS name FROM range(10)")
        asked = (
            "SELECT count(*) FROM people WHERE length(CASE WHEN name = 'target' THEN repeat(name, 2000000000) ELSE '' END) = 0"
        )
        assert connection.execute(asked).fetchone() == (10,)
        connection.execute("INSERT INTO people VALUES ('target')")
        with pytest.raises(duckdb.Error):
            connection.execute(asked)


def test_t_mem_ours_has_no_such_function() -> None:
    for call in ("repeat(practice, 2000000000)", "lpad(practice, 2000000000, 'x')", "range(2000000000)"):
        with pytest.raises(Refusal) as raised:
            parse(f"SELECT COUNT(*) FROM patients WHERE {call} = 'x'", CATALOGUE, {})
        assert raised.value.reason is Reason.FUNCTION_NOT_OFFERED


class Ending(Vault):
    """A worker that ends as it is told, whatever is asked."""

    code = "memory"

    def answer(self, order: Order) -> Release:
        raise Fault(self.code)


def test_t_mem_a_limit_that_is_met_says_nothing_and_is_charged(furnished: Path, tmp_path: Path) -> None:
    """Memory, deadline, engine, a worker that died: one outward form, byte for byte, and the charge stays."""
    told, charged = set(), set()
    for code in ("memory", "deadline", "engine", "died"):
        Ending.code = code
        with opened(copy_home(furnished, tmp_path / code), Ending) as (gateway, office):
            sql = "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"
            outcome = gateway.ask(asker(office), Request("demo", "gp", sql)).coming.result(30)
            assert isinstance(outcome, Faulted)
            standing = gateway.standing(asker(office), outcome.question)
            with office.state.read() as tx:
                entries = [(one.kind, one.body) for one in audit.page(tx, question=outcome.question)]
                charged.add(budget.balance(tx, "project:demo").spent)
            assert [kind for kind, _ in entries] == ["asked", "reserved", "fault"]
            told.add(re.sub(r"[0-9a-f]{32,64}|\d{4}-[\d:.T-]+Z", "#", repr((outcome, standing, entries))))
    assert len(told) == len(charged) == 1 and charged != {PrivacyLoss()}
