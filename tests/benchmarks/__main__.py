"""`make bench`: ratios against raw DuckDB on the same files, side by side in one run, a table at the end.

python -m tests.benchmarks [--persons 1000000] [--only records,road,start,repeats]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import httpx
from rich.console import Console
from rich.table import Table

from tests.serving import POLICIES, ROOT, Served, free_port, office_of
from tre.gateway import Gateway, Released
from tre.office import Office
from tre.office.demo import make_identities
from tre.sample import generate
from tre.settings import Settings
from tre.terms import Asking, Person, Request

REGIONS = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"
ROUNDS = 60
CLIENTS, REPEATS = 8, 4_000
console = Console()


@dataclass(frozen=True, slots=True)
class Line:
    """One bar: what was measured, the raw number beside it, the bar, and whether it is met."""

    what: str
    measured: str
    raw: str
    bar: str
    met: bool


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def records(place: Path, persons: int) -> list[Line]:
    """Generate and load, as `make run` does."""
    source = place / f"source-{persons}"
    made = timed(lambda: generate(source, persons=persons, seed=2026, form="parquet"))
    with office_of(place / f"home-{persons}") as office:
        make_identities(office, place / f"home-{persons}")
        office.deliver_opt_outs(office.host, source / "opt_outs.csv", None)
        loaded = timed(lambda: office.load(office.host, "gp", source))
    told = f"{made:.1f} + {loaded:.1f} s"
    bar = "≤ 30 s" if persons == 100_000 else "-"
    return [Line(f"generate + load {persons:,} persons", told, "-", bar, persons != 100_000 or made + loaded <= 30)]


@contextmanager
def opened(home: Path) -> Iterator[tuple[Gateway, Office]]:
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with (
        office_of(home) as office,
        Gateway.open(settings, office.state, office.policies, office.keys, release_time=None) as gateway,
    ):
        yield gateway, office


def road(place: Path, persons: int) -> list[Line]:
    """The whole request through a gateway that publishes as soon as sealed, and raw DuckDB, in turn on the same files."""
    home = place / f"home-{persons}"
    with opened(home) as (gateway, office):
        snapshot = office.live_snapshot("gp")
        assert snapshot is not None
        raw = duckdb.connect(
            str(Path(snapshot.folder) / "persons.duckdb"), read_only=True, config={"threads": os.cpu_count() or 1}
        )
        person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
        request = Request(project="demo", dataset="gp", sql=REGIONS, asking=Asking(rho=10**6), fresh=True)

        def whole() -> None:
            outcome = gateway.ask(person, request).coming.result()
            assert isinstance(outcome, Released), outcome

        def plain() -> None:
            raw.execute("SELECT region, count(*) FROM patients GROUP BY region").fetchall()

        for _ in range(10):
            whole(), plain()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(timed(whole) * 1e3)
            theirs.append(timed(plain) * 1e3)
    mine, bare = statistics.median(ours), statistics.median(theirs)
    bar = 2 * bare + 15
    return [
        Line(
            f"count by region, {persons:,} persons, whole request",
            f"{mine:.1f} ms (p90 {sorted(ours)[int(0.9 * ROUNDS)]:.1f})",
            f"{bare:.1f} ms",
            f"≤ 2.0 × raw + 15 ms = {bar:.1f} ms",
            mine <= bar,
        )
    ]


def start(place: Path) -> list[Line]:
    """`tre serve` under TRE_DEMO: the first start until the first release over HTTP, and the second until it answers."""
    home = place / "demo"
    home.mkdir(mode=0o700)
    lines = []
    for what, bar in (("first start (without installing) to first release", 180.0), ("second start to first release", 5.0)):
        port = free_port()
        environment = os.environ | {"TRE_HOME": str(home), "TRE_DEMO": "1", "TRE_PORT": str(port), "TRE_POLICIES": str(POLICIES)}
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "tre", "serve"], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            seconds = _until_release(port, home, began)
        finally:
            process.terminate()
            process.wait(30)
        lines.append(Line(what, f"{seconds:.1f} s", "-", f"≤ {bar:.0f} s", seconds <= bar))
    return lines


def _until_release(port: int, home: Path, began: float) -> float:
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            httpx.get(f"{address}/livez")
            break
        except httpx.TransportError:
            time.sleep(0.02)
    token = json.loads((home / "demo.json").read_text())["researcher"]
    body = {"project": "demo", "dataset": "gp", "sql": REGIONS}
    answer = httpx.post(f"{address}/v1/queries", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - began


def repeats(place: Path, persons: int) -> list[Line]:
    """Repeats over HTTP, eight connections kept alive, the client on the same cores: it writes the same bytes and reads to the
    end of the answer, so that the server is what is measured. Each repeat is looked at once more, in the log."""
    with Served(place / f"home-{persons}") as served:
        asyncio.run(_send(served, 50))  # the first is drawn, and the rest warm what a running service has warm
        before = _logged(served)
        seconds = timed(lambda: asyncio.run(_send(served, REPEATS // CLIENTS)))
        written = _logged(served) - before
    assert written == 2 * REPEATS, f"{written} entries of {REPEATS} repeats"
    rate = REPEATS / seconds
    what = f"repeats over HTTP, {CLIENTS} clients on the same cores"
    return [Line(what, f"{rate:.0f} /s", "-", "≥ 500 /s", rate >= 500)]


async def _send(served: Served, count: int) -> None:
    body = json.dumps({"project": "demo", "dataset": "gp", "sql": REGIONS}).encode()
    head = f"POST /v1/queries HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {served.tokens['researcher']}\r\n"
    message = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    await asyncio.gather(*(_connection(served.port, message, count) for _ in range(CLIENTS)))


async def _connection(port: int, message: bytes, count: int) -> None:
    reading, writing = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writing.write(message)
        head = await reading.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        answer = await reading.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))  # type: ignore[index]
        assert b'"repeat":' in answer
    writing.close()
    await writing.wait_closed()


def _logged(served: Served) -> int:
    """How many entries of questions there are."""
    with closing(sqlite3.connect(served.home / "database.sqlite")) as books:
        return int(books.execute("SELECT count(*) FROM entries WHERE kind IN ('asked', 'released')").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--only", default="records,road,start,repeats")
    chosen = parser.parse_args()
    wanted, lines = set(chosen.only.split(",")), []
    with tempfile.TemporaryDirectory(prefix="tre-bench-") as folder:
        place = Path(folder)
        if "records" in wanted:
            lines += records(place, 100_000)
        if wanted & {"road", "repeats"}:
            lines += records(place, chosen.persons)
        if "road" in wanted:
            lines += road(place, chosen.persons)
        if "start" in wanted:
            lines += start(place)
        if "repeats" in wanted:
            lines += repeats(place, chosen.persons)
    table = Table("what", "measured", "raw DuckDB", "bar", "met")
    for line in lines:
        table.add_row(line.what, line.measured, line.raw, line.bar, "yes" if line.met else "NO")
    console.print(table)
    sys.exit(0 if all(line.met for line in lines) else 1)


if __name__ == "__main__":
    main()
