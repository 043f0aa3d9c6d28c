"""What the vault costs beside raw DuckDB, side by side in one run: `python -m tests.benchmarks.bench_vault --persons 1000000`.

The sample's own records, loaded by the store; one person in fifty objects. Three tables: whole answers of a vault in this process
(compile, add up, check, noise, suppress) against the same question by raw, unprotected DuckDB on the same files, each pair in
turns; ways to leave out the people who objected; ways to look for codes. CPU beside wall time: it is what a busy machine leaves
true. ``--keep FOLDER`` keeps what was made for the next run.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from tests.vault.building import REGIMES, draws_of, order_of
from tre.plan.offer import catalogue
from tre.plan.parse import parse
from tre.policy import DatasetPolicy, read_policies
from tre.sample import generate
from tre.store import load
from tre.terms import Exclusion, Snapshot, digest
from tre.vault.answer import Vault
from tre.vault.check import Counted
from tre.vault.compile import Statement, compile
from tre.vault.engines.duckdb import Limits, Records

ROOT = Path(__file__).parents[2]
EXCLUDED = 50
CODE = "195967001"  # asthma

# The question, the same by raw SQL, and the bar: vault alone within so many times raw.
SHAPES: dict[str, tuple[str, str, float]] = {
    "count by region": (
        "SELECT region, COUNT(*) AS n FROM patients GROUP BY region",
        "SELECT region, count(*) FROM patients GROUP BY 1",
        2.0,
    ),
    "840 groups": (
        "SELECT board, sex, band(year_of_birth, 25) AS born, COUNT(*) AS n FROM patients GROUP BY board, sex, born",
        "SELECT board, sex, year_of_birth // 25 * 25, count(*) FROM patients GROUP BY 1, 2, 3",
        1.5,
    ),
    "distinct persons through a join": (
        f"SELECT region, sex, COUNT(DISTINCT p.person) AS n FROM patients p JOIN events e USING (person)"
        f" WHERE e.code = '{CODE}' GROUP BY region, sex",
        "SELECT region, sex, count(DISTINCT p.person) FROM patients p JOIN e.events e USING (person)"
        f" WHERE e.code = (SELECT id FROM e.codes_events_code WHERE code = '{CODE}') GROUP BY 1, 2",
        1.5,
    ),
    "distinct persons, every event": (
        "SELECT region, sex, COUNT(DISTINCT p.person) AS n FROM patients p JOIN events e USING (person) GROUP BY region, sex",
        "SELECT region, sex, count(DISTINCT p.person) FROM patients p JOIN e.events e USING (person) GROUP BY 1, 2",
        1.5,
    ),
    "bounded mean by board": (
        "SELECT board, AVG(m.value) AS mean FROM patients p JOIN measurements m USING (person) GROUP BY board",
        "SELECT board, avg(m.value), count(m.value) FROM patients p JOIN e.measurements m USING (person) GROUP BY 1",
        3.0,
    ),
    "bounded mean, one kind": (
        "SELECT board, AVG(m.value) AS mean FROM patients p JOIN measurements m USING (person)"
        " WHERE m.kind = 'bmi' GROUP BY board",
        "SELECT board, avg(m.value), count(m.value) FROM patients p JOIN e.measurements m USING (person)"
        " WHERE m.kind = 0 GROUP BY 1",
        3.0,
    ),
    "6,000 discovered keys": (
        "SELECT practice, COUNT(*) AS n FROM patients GROUP BY practice",
        "SELECT practice, count(*) FROM patients GROUP BY 1",
        3.0,
    ),
    "discovered codes of events": (
        "SELECT code, COUNT(DISTINCT person) AS n FROM events GROUP BY code",
        "SELECT code, count(DISTINCT person) FROM e.events GROUP BY 1",
        3.0,
    ),
    "mean by kind, many groups a person": (
        "SELECT kind, AVG(value) AS mean FROM measurements GROUP BY kind",
        "SELECT kind, avg(value), count(value) FROM e.measurements GROUP BY 1",
        float("inf"),  # no bar: a row for each person and group has to be made, and raw DuckDB makes none
    ),
}


def made(place: Path, persons: int, policy: DatasetPolicy) -> tuple[Snapshot, Exclusion]:
    """The sample, generated and loaded, or found as it was left."""
    store = place / "store"
    if not store.exists():
        generate(place / "source", persons=persons, seed=2026, form="parquet")
        store.mkdir()
        load(policy, place / "source", store, bytes(range(32)))
    (file,) = (store / policy.dataset).glob("*/manifest.json")
    body = json.loads(file.read_bytes())
    snapshot = Snapshot(body["snapshot"], policy.dataset, str(file.parent), body["schema"], digest(file.read_bytes()))
    objecting = file.parent / "exclusions" / "bench.duckdb"
    if not objecting.exists():
        with duckdb.connect(str(objecting)) as connection:
            connection.execute(
                f"CREATE TABLE excluded AS SELECT i::INTEGER AS person FROM range({persons}) t(i)"
                f" WHERE hash(i * 31) % {EXCLUDED} = 0 ORDER BY i"
            )
    return snapshot, Exclusion(snapshot.id, 1, REGIMES, str(objecting), "2026-11-01T00:00:00.000000Z")


def in_turns(ways: Mapping[str, Callable[[], Any]], turns: int) -> dict[str, tuple[float, float]]:
    """The median wall and CPU time of each, in ms, one of each in every turn."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(turns + 2):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            if turn >= 2:
                taken[name].append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    return {
        name: (statistics.median(w for w, _ in times), statistics.median(c for _, c in times)) for name, times in taken.items()
    }


def raw_connection(snapshot: Snapshot, threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(f"{snapshot.folder}/persons.duckdb", read_only=True, config={"threads": str(threads)})
    connection.execute(f"ATTACH '{snapshot.folder}/events.duckdb' AS e (READ_ONLY)")
    return connection


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def answers(held: tuple[Snapshot, Exclusion], policy: DatasetPolicy, place: Path, threads: int, turns: int) -> bool:
    vault = Vault((place / "store").resolve(), Limits(str(place), threads, 2))
    began = time.perf_counter()
    vault.prepare(*held)
    print(f"\nrecords open in {time.perf_counter() - began:.2f} s; {threads} thread(s), median of {turns}, ms: wall (CPU)")
    met = True
    with raw_connection(held[0], threads) as raw:
        for name, (question, sql, bar) in SHAPES.items():
            plan = parse(question, catalogue(policy), {})
            order = order_of(plan, held, draws_of(plan, 50.0), max_persons=policy.max_persons)
            found = in_turns({"raw": partial(_rows, raw, sql), "ours": partial(vault.answer, order)}, turns)
            (theirs, theirs_cpu), (ours, ours_cpu) = found["raw"], found["ours"]
            good = ours_cpu <= bar * theirs_cpu + (15 if name == "count by region" else 0)
            met &= good
            print(
                f"  {name:36s} raw {theirs:7.1f} ({theirs_cpu:7.1f})   vault {ours:7.1f} ({ours_cpu:7.1f})"
                f"   {ours / theirs:5.2f} x ({ours_cpu / theirs_cpu:5.2f} x)   bar {bar:.1f}   {'' if good else 'NOT MET'}"
            )
    return met


def ways_to_leave_out(statement: Statement) -> dict[str, str]:
    """The same sums, the people who objected left out in another way."""
    everybody = statement.sql.split("FROM (", 1)[1].split(" UNION ALL ")[0]
    apart = r"(SELECT s.* FROM \1 AS s ANTI JOIN excluded AS x ON (s.person = x.person))"
    return {
        "nobody left out": everybody,
        "everybody - objecting (ours)": statement.sql,
        "anti-join at every scan": re.sub(r'(temp\."everybody_\w+")', apart, everybody),
        "a rewritten copy": everybody.replace("everybody_", "kept_"),
    }


def exclusions(records: Records, policy: DatasetPolicy, turns: int) -> None:
    print(f"\nleaving out one person in {EXCLUDED}, median of {turns}, CPU ms")
    for name in ("count by region", "distinct persons through a join", "bounded mean by board", "6,000 discovered keys"):
        (statement,) = compile(parse(SHAPES[name][0], catalogue(policy), {}))
        numbers = [records._number(codes) for codes in statement.codes]
        ways = {way: partial(records._rows, sql, numbers) for way, sql in ways_to_leave_out(statement).items()}
        print(f"  {name}: " + ", ".join(f"{way} {cpu:.1f}" for way, (_, cpu) in in_turns(ways, turns).items()))


def codes(records: Records, turns: int) -> None:
    some = [number for (number,) in records._rows("SELECT id FROM events.codes_events_code ORDER BY id LIMIT 40")]
    scan = 'SELECT count(*) FROM temp."everybody_events" WHERE code '
    ways: dict[str, tuple[str, list[Any]]] = {
        "= parameter": ("= $1", [some[0]]),
        "IN one parameter each, 40": (f"IN ({', '.join(f'${place}' for place in range(1, 41))})", list(some)),
        "IN an unnested list, 1": ("IN (SELECT unnest(CAST($1 AS INTEGER[])))", [[some[0], -1]]),
        "IN an unnested list, 40": ("IN (SELECT unnest(CAST($1 AS INTEGER[])))", [[*some, -1]]),
        "BETWEEN two": ("BETWEEN $1 AND $2", [some[0], some[-1]]),
    }
    found = in_turns({way: partial(records._rows, scan + text, given) for way, (text, given) in ways.items()}, turns)
    print(f"\nlooking for codes of events, median of {turns}, CPU ms")
    for way, (_, cpu) in found.items():
        print(f"  {way:36s} {cpu:7.1f}")


class Unlocked(Records):
    """To measure other ways a copy is made beside, which a locked connection has no text for."""

    def ready(self, tables: Iterable[str]) -> Mapping[str, Counted]:
        found = super().ready(tables)
        for table in found:
            self._connection.execute(
                f"CREATE TEMP TABLE kept_{table} AS SELECT t.* FROM temp.everybody_{table} t ANTI JOIN excluded e USING (person)"
            )
        return found

    def _lock(self) -> None:
        pass


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--persons", type=int, default=1_000_000)
    asked.add_argument("--turns", type=int, default=7)
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--keep", type=Path)
    given = asked.parse_args()
    policy = read_policies(ROOT / "policies").datasets["gp"]
    with tempfile.TemporaryDirectory() as folder:
        place = given.keep or Path(folder)
        held = made(place, given.persons, policy)
        print(f"{given.persons:,} persons, one in {EXCLUDED} objecting, DuckDB {duckdb.__version__}")
        met = answers(held, policy, place, given.threads, given.turns)
        manifest = json.loads((Path(held[0].folder) / "manifest.json").read_bytes())
        records = Unlocked(*held, manifest, Limits(folder, given.threads, 4))
        records.ready(manifest["tables"])
        exclusions(records, policy, given.turns)
        codes(records, given.turns)
        records.close()
    if not met:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
