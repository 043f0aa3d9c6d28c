"""What the vault costs beside raw DuckDB, side by side in one run: `python -m tests.benchmarks.bench_vault --persons 1000000`.

Two tables: ways to leave out the people who objected (why `vault.compile` subtracts), and a whole answer of a worker (pipe,
compile, count, check, noise, suppress, statement) against the same count by raw DuckDB, each pair run in turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from tests.vault.building import build, column, exclude, manifest, order_of, plan_of, seal
from tre.plan.nodes import And, Compare
from tre.terms import Exclusion, Snapshot
from tre.vault import Worker

EXCLUDED = 50  # one person in fifty objects


def fill(store: Path, persons: int) -> tuple[Snapshot, Exclusion]:
    """A snapshot of made-up people, in the columns of the tests."""
    empty, _ = build(store, [])
    folder = Path(empty.folder)
    with duckdb.connect(str(folder / "persons.duckdb")) as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE codes_patients_practice AS SELECT i::INTEGER AS id, 'Y' || i AS code FROM range(6000) t(i)"
        )
        connection.execute(
            f"""CREATE OR REPLACE TABLE patients AS SELECT i::INTEGER AS person, (hash(i) % 3)::UTINYINT AS region,
            (hash(i * 3) % 2)::UTINYINT AS sex, (1940 + hash(i * 5) % 6)::SMALLINT AS year_of_birth,
            (hash(i * 7) % 7)::INTEGER AS weight,
            CASE WHEN hash(i * 11) % 20 = 0 THEN DATE '2024-02-27' + (hash(i * 13) % 4)::INTEGER END AS died_on,
            (hash(i * 17) % 6000)::INTEGER AS practice FROM range({persons}) t(i) ORDER BY i"""
        )
    snapshot = seal(folder, manifest(empty.id, folder))
    exclusion = exclude(snapshot, [], version=2)
    with duckdb.connect(exclusion.file) as connection:
        connection.execute(
            f"INSERT INTO excluded SELECT i FROM range({persons}) t(i) WHERE hash(i * 31) % {EXCLUDED} = 0 ORDER BY i"
        )
    return snapshot, exclusion


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def in_turns(ways: Mapping[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """The median time of each, in ms, one of each in every turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 3):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn >= 3:
                taken[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(times) for name, times in taken.items()}


def connection_to(snapshot: Snapshot, exclusion: Exclusion, threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": str(threads), "memory_limit": "2GB"})
    connection.execute(f"ATTACH '{snapshot.folder}/persons.duckdb' AS records (READ_ONLY)")
    connection.execute(f"ATTACH '{exclusion.file}' AS x (READ_ONLY)")
    connection.execute("SET preserve_insertion_order=false; SET disabled_optimizers='partitioned_execution'")
    connection.execute("CREATE TEMP TABLE objecting AS SELECT t.* FROM records.patients t SEMI JOIN x.excluded e USING (person)")
    (last,) = connection.execute("SELECT max(person) FROM records.patients").fetchone() or (0,)
    connection.execute(f"CREATE TEMP TABLE bits AS SELECT bitstring_agg(person, 0, {last}) AS b FROM x.excluded")
    connection.execute("CREATE TEMP TABLE kept AS SELECT t.* FROM records.patients t ANTI JOIN x.excluded e USING (person)")
    return connection


WAYS = {
    "raw, nobody left out": "SELECT region, count(*) FROM records.patients GROUP BY 1",
    "everybody - objecting (ours)": "SELECT region, sum(n) FROM (SELECT region, count(*) AS n FROM records.patients GROUP BY 1"
    " UNION ALL SELECT region, -count(*) FROM objecting GROUP BY 1) GROUP BY 1",
    "everybody - semi-join": "SELECT region, sum(n) FROM (SELECT region, count(*) AS n FROM records.patients GROUP BY 1"
    " UNION ALL SELECT region, -count(*) FROM records.patients SEMI JOIN x.excluded USING (person) GROUP BY 1) GROUP BY 1",
    "anti-join": "SELECT region, count(*) FROM records.patients ANTI JOIN x.excluded USING (person) GROUP BY 1",
    "NOT IN": "SELECT region, count(*) FROM records.patients WHERE person NOT IN (SELECT person FROM x.excluded) GROUP BY 1",
    "bit of a bit string": "SELECT region, count(*) FROM records.patients"
    " WHERE get_bit((SELECT b FROM bits), person) = 0 GROUP BY 1",
    "a rewritten copy": "SELECT region, count(*) FROM kept GROUP BY 1",
}


def exclusions(held: tuple[Snapshot, Exclusion], threads: int, turns: int) -> None:
    with connection_to(*held, threads) as connection:
        answers = {name: sorted(connection.execute(sql).fetchall()) for name, sql in WAYS.items()}
        del answers["raw, nobody left out"]
        assert len({str(answer) for answer in answers.values()}) == 1, "the ways disagree"
        medians = in_turns({name: partial(_rows, connection, sql) for name, sql in WAYS.items()}, turns)
    raw = medians["raw, nobody left out"]
    print(f"\ncount by region, {threads} thread(s), median of {turns}, ms")
    for name, median in medians.items():
        print(f"  {name:30s} {median:7.2f}   {median / raw:5.2f} x")


QUESTIONS = {
    "count": (plan_of(), "SELECT count(*) FROM records.patients"),
    "by region": (plan_of("region"), "SELECT region, count(*) FROM records.patients GROUP BY 1"),
    "by region, filtered": (
        plan_of("region", where=And((Compare("=", column("sex"), "F"), Compare(">=", column("year_of_birth"), 1942)))),
        "SELECT region, count(*) FROM records.patients WHERE sex = 0 AND year_of_birth >= 1942 GROUP BY 1",
    ),
    "by sex, year, weight": (
        plan_of("sex", "year_of_birth", "weight"),
        "SELECT sex, year_of_birth, weight, count(*) FROM records.patients GROUP BY 1, 2, 3",
    ),
    "of one practice": (
        plan_of("region", where=Compare("=", column("practice"), "Y17")),
        "SELECT region, count(*) FROM records.patients WHERE practice = 17 GROUP BY 1",
    ),
}


def answers(held: tuple[Snapshot, Exclusion], store: Path, work: Path, cores: tuple[int, ...], turns: int) -> None:
    began = time.perf_counter()
    worker = Worker(store, work, sandbox=True, cores=cores)
    worker.prepare(*held)
    opened = time.perf_counter() - began
    print(f"\na worker on {len(cores)} core(s): started and records open in {opened:.2f} s; ms, median of {turns}")
    with duckdb.connect(config={"threads": str(len(cores))}) as connection:
        connection.execute(f"ATTACH '{held[0].folder}/persons.duckdb' AS records (READ_ONLY)")
        for name, (plan, sql) in QUESTIONS.items():
            order = order_of(plan, held, max_persons=70_000_000)
            ways = {"raw": partial(_rows, connection, sql), "ours": partial(worker.answer, order)}
            medians = in_turns(ways, turns)
            raw, ours = medians["raw"], medians["ours"]
            print(
                f"  {name:24s} raw {raw:7.2f}   answer {ours:7.2f}   {ours / raw:5.2f} x   beside 2 x raw {ours - 2 * raw:+6.2f}"
            )
    worker.close()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--persons", type=int, default=1_000_000)
    asked.add_argument("--turns", type=int, default=40)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, work = Path(folder, "store"), Path(folder, "work")
        store.mkdir()
        work.mkdir()
        held = fill(store, given.persons)
        print(f"{given.persons:,} persons, one in {EXCLUDED} objecting, DuckDB {duckdb.__version__}")
        for threads in (1, 2):
            exclusions(held, threads, given.turns)
        for cores in ((0,), (0, 1)):
            answers(held, store, work, cores, given.turns)


if __name__ == "__main__":
    main()
