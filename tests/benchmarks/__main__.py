"""`make bench`: ratios against raw DuckDB on the same files, side by side in one run, a table at the end.

python -m tests.benchmarks [--persons 1000000] [--only records,road,keys,start,repeats]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from tests.benchmarks import shapes
from tests.serving import POLICIES, ROOT, Served, deliver_lists, free_port, office_of
from tre.office.demo import make_identities
from tre.sample import generate

REGIONS = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"
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
        deliver_lists(office, source)
        loaded = timed(lambda: office.load(office.host, "gp", source))
    told = f"{made:.1f} + {loaded:.1f} s"
    bar = "≤ 30 s" if persons == 100_000 else "-"
    return [Line(f"generate + load {persons:,} persons", told, "-", bar, persons != 100_000 or made + loaded <= 30)]


def road(place: Path, persons: int) -> list[Line]:
    """Whole requests through a gateway that publishes as soon as sealed, and raw DuckDB, in turn on the same files. Judged is one
    worker with all cores beside raw DuckDB on all cores; a pool with one core each stands beside raw DuckDB on one."""
    home, cores = shapes.furnish(place, persons), len(os.sched_getaffinity(0))
    with shapes.opened(place, home, 1) as (gateway, office):
        bench = shapes.Bench(gateway, office, cores)
        kept = _kept(bench, persons)
        shapes.object_now(place, persons, office)
        lines = [_shape(bench, shape, persons, cores, judged=True) for shape in shapes.SHAPES]
        error = bench.error()
        lines.append(Line("error of counts over that of the stated noise", f"{error:.3f}", "-", "≤ 1.02", error <= 1.02))
        bench.raw.close()  # one process opens a file in one way at a time
    with shapes.opened(place, home, cores) as (gateway, office):
        bench = shapes.Bench(gateway, office, 1)
        return [*lines, kept, *(_shape(bench, shape, persons, 1, judged=False) for shape in shapes.SHAPES)]


def _shape(bench: shapes.Bench, shape: shapes.Shape, persons: int, cores: int, *, judged: bool) -> Line:
    mine, bare = bench.in_turns(shape)
    bar = shape.times * bare + shape.more_ms
    told = f"≤ {shape.times} × raw{f' + {shape.more_ms:.0f} ms' if shape.more_ms else ''} = {bar:.1f} ms"
    measured = f"{mine:.1f} ms ({mine / bare:.2f} ×)"
    what = f"{shape.what}, {persons:,} persons, whole request on {cores} core{'s' if cores > 1 else ''}"
    return Line(what, measured, f"{bare:.1f} ms", told if judged else "-", not judged or mine <= bar)


KEPT = {100_000: 0.11, 1_000_000: 0.95}


def _kept(bench: shapes.Bench, persons: int) -> Line:
    kept, reference, bar = bench.kept(), bench.kept_by_reference(), KEPT.get(persons)
    told = "-" if bar is None else f"≥ {bar:.0%}"
    what = f"codes kept of 5,000 at (1, 1e-9), {persons:,} persons; beside it the analytic Gaussian"
    return Line(what, f"{kept:.1%}", f"{reference:.1%}", told, bar is None or kept >= bar)


def keys(place: Path) -> list[Line]:
    """The codes kept at the smaller size."""
    home = shapes.furnish(place, 100_000)
    with shapes.opened(place, home, 1) as (gateway, office):
        return [_kept(shapes.Bench(gateway, office, 1), 100_000)]


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
        return int(books.execute("SELECT count(*) FROM entries WHERE id IS NOT NULL").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--only", default="records,road,keys,start,repeats")
    chosen = parser.parse_args()
    wanted, lines = set(chosen.only.split(",")), []
    with tempfile.TemporaryDirectory(prefix="tre-bench-") as folder:
        place = Path(folder)
        if "records" in wanted:
            lines += records(place, 100_000)
        if "repeats" in wanted:
            lines += records(place, chosen.persons)
        if "road" in wanted:
            lines += road(place, chosen.persons)
        if "keys" in wanted:
            lines += keys(place)
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
