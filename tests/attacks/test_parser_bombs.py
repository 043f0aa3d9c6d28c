"""T-PARSE over HTTP: bombs at once beside an honest question and the health check."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import httpx
import pytest

from tests.serving import Served

pytestmark = pytest.mark.alone
DEEP = "SELECT COUNT(*) FROM patients WHERE "
BOMBS = {
    "joins": "SELECT 1 FROM patients " + " ".join(["JOIN patients"] * 22),
    "left-joins": "SELECT 1 FROM patients " + " ".join(["LEFT JOIN patients"] * 22),
    "parentheses": DEEP + "(" * 3_000 + "1=1" + ")" * 3_000,
    "not": DEEP + "NOT " * 4_000 + "TRUE",
    "case": "SELECT " + "CASE WHEN " * 1_500 + "1" + " THEN 1 END" * 1_500,
    "case-allowed": "SELECT " + "CASE WHEN " * 8 + "1" + " THEN 1 END" * 8,
    "calls": "SELECT " + "coalesce(" * 48 + "x" + ", 1)" * 48,
    "exists": "SELECT 1 FROM patients WHERE " + "EXISTS (SELECT 1 FROM patients WHERE " * 8 + "1=1" + ")" * 8,
    "filters": "SELECT " + "SUM(x) FILTER (WHERE " * 40 + "a = 1" + ")" * 40,
    "extracts": "SELECT " + "EXTRACT(year FROM " * 40 + "d" + ")" * 40,
    "joins-with-using": "SELECT 1 FROM patients " + "JOIN patients USING (person) " * 32,
    "ctes": "WITH a0 AS (SELECT person FROM events), "
    + ", ".join(f"a{k + 1} AS (SELECT x.person FROM a{k} x JOIN a{k} y ON x.person = y.person)" for k in range(12))
    + " SELECT COUNT(*) FROM a12",
    "megabyte": DEEP + " AND ".join(["sex = 'F'"] * 80_000),
    "in-list": DEEP + "year_of_birth IN (" + ",".join(map(str, range(3_000))) + ")",
    "one-string": DEEP + "sex = '" + "x" * 1_000_000 + "'",
}


def ask(served: Served, sql: str) -> tuple[httpx.Response, float]:
    started = time.perf_counter()
    with served.http() as http:
        answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": sql})
    return answer, time.perf_counter() - started


def test_t_parse_naive_a_parser_is_busy_for_seconds() -> None:
    """The library by itself, with 22 joins: still at it after three seconds, of which its start is one at most."""
    program = "import sqlglot, sys; print('begun', flush=True); sqlglot.parse_one(sys.argv[1], read='duckdb')"
    with subprocess.Popen([sys.executable, "-c", program, BOMBS["joins"]], stdout=subprocess.PIPE) as parser:
        try:
            assert parser.stdout is not None and parser.stdout.readline() == b"begun\n"
            with pytest.raises(subprocess.TimeoutExpired):
                parser.wait(2)
        finally:
            parser.kill()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_a_second(served: Served, bomb: str) -> None:
    answer, seconds = ask(served, BOMBS[bomb])
    assert answer.status_code in (400, 413, 422), answer.text
    assert seconds <= 1.0


def watch(address: str, begun: Event, over: Event, told: Queue[float]) -> None:
    """Asks the health check again and again, from a process of its own; tells the slowest answer in seconds."""
    slowest = 0.0
    with httpx.Client(base_url=address) as http:
        while not over.is_set():
            started = time.perf_counter()
            assert http.get("/livez").status_code == 200
            slowest = max(slowest, time.perf_counter() - started)
            begun.set()
            time.sleep(0.005)
    told.put(slowest)


def test_fifty_bombs_at_once_disturb_nobody(served: Served) -> None:
    """The health check is asked throughout."""
    spawn = multiprocessing.get_context("spawn")
    begun, over, told = spawn.Event(), spawn.Event(), spawn.Queue()
    watcher = spawn.Process(target=watch, args=(served.address, begun, over, told))
    watcher.start()
    assert begun.wait(30)
    bombs = [BOMBS["joins"], BOMBS["left-joins"], BOMBS["parentheses"], BOMBS["not"], BOMBS["case"]] * 10
    with ThreadPoolExecutor(51) as pool:
        refused = [pool.submit(ask, served, bomb) for bomb in bombs]
        honest = pool.submit(ask, served, "SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile = 3 GROUP BY sex")
        bombed = [future.result() for future in refused]
        answer, seconds = honest.result()
    over.set()
    slowest = told.get(timeout=30)
    watcher.join()
    assert {found.status_code for found, _ in bombed} <= {400, 413, 422}
    assert max(taken for _, taken in bombed) <= 1.0
    assert answer.status_code == 200 and seconds <= 3
    print(f"slowest bomb {max(taken for _, taken in bombed):.2f} s, livez {slowest * 1e3:.0f} ms, honest {seconds:.2f} s")
    assert 0 < slowest <= 0.1, f"livez took {slowest * 1e3:.0f} ms"
