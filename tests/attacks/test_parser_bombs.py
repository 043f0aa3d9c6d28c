"""T-PARSE over HTTP: bombs at once beside an honest question and the health check."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

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
    "megabyte": DEEP + " AND ".join(["sex = 'F'"] * 80_000),
    "in-list": DEEP + "year_of_birth IN (" + ",".join(map(str, range(3_000))) + ")",
    "one-string": DEEP + "sex = '" + "x" * 1_000_000 + "'",
}


def ask(served: Served, sql: str) -> tuple[httpx.Response, float]:
    started = time.perf_counter()
    with served.http() as http:
        answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": sql})
    return answer, time.perf_counter() - started


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_a_second(served: Served, bomb: str) -> None:
    answer, seconds = ask(served, BOMBS[bomb])
    assert answer.status_code in (400, 413, 422), answer.text
    assert seconds <= 1.0


def test_fifty_bombs_at_once_disturb_nobody(served: Served) -> None:
    """The health check is asked throughout, from a thread of its own."""
    slowest, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal slowest
        with httpx.Client(base_url=served.address) as http:
            while not over.is_set():
                started = time.perf_counter()
                assert http.get("/livez").status_code == 200
                slowest = max(slowest, time.perf_counter() - started)
                time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    bombs = [BOMBS["joins"], BOMBS["left-joins"], BOMBS["parentheses"], BOMBS["not"], BOMBS["case"]] * 10
    with ThreadPoolExecutor(51) as pool:
        refused = [pool.submit(ask, served, bomb) for bomb in bombs]
        honest = pool.submit(ask, served, "SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile = 3 GROUP BY sex")
        told = [future.result() for future in refused]
        answer, seconds = honest.result()
    over.set()
    watcher.join()
    assert {found.status_code for found, _ in told} <= {400, 413, 422}
    assert max(taken for _, taken in told) <= 1.0
    assert answer.status_code == 200 and seconds <= 3
    assert slowest <= 0.1, f"livez took {slowest * 1e3:.0f} ms"
