"""England's size, part by part, each alone if need be, with one table at the end.

python -m tests.benchmarks.england --persons 20000000 [--keep FOLDER] [--only load,ask,opt-outs,erase] [--turns 5]

``load``: generate and load, each a process. ``ask``: three shapes beside raw DuckDB. ``opt-outs``: the opt-outs of June 2021 by
POST while questions are answered, and what answers cost after. ``erase``: the records rewritten without these people. With
``--keep`` a part that was done is not done again (naming it in ``--only`` does it again), and the table has what it came to.
The sources are removed after the load unless ``--keep-source`` is given.
"""

from __future__ import annotations

import argparse
import mmap
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import duckdb
import httpx
import uvicorn
from rich.console import Console
from rich.table import Table

from tests.benchmarks.asking import COUNT, DISTINCT, MEAN, Asker, England, ask, opened
from tests.benchmarks.measuring import GIB, Kept, Line, offered, size_of, told, tre
from tests.serving import POLICIES, office_of
from tre.office.demo import make_identities
from tre.sample import people
from tre.store.connection import connected
from tre.web import make_app

SEED = 2026
# Type 1 opt-outs registered in June 2021 (NHS Digital), here of so many persons; fewer of fewer.
OPT_OUTS, OF = 1_275_153, 20_000_000
REGIMES = ("type-1", "national", "local")
MINUTES = 40
FIRST_MINUTE_S = 60.0
CANARIES = 20
PARTS = ("load", "ask", "opt-outs", "erase")
TABLES = ("patients", "events", "measurements", "prescriptions")


class Bench:
    """One folder: the home, the source until it is loaded, and what was measured."""

    def __init__(self, place: Path, persons: int, turns: int, keep_source: bool) -> None:
        self.place, self.persons, self.turns, self.keep_source = place, persons, turns, keep_source
        self.home, self.source = place / "home", place / "source"
        self.objecting = round(persons * OPT_OUTS / OF)
        self.kept = Kept(place / "england.json")
        self.environment = {"TRE_HOME": str(self.home), "TRE_POLICIES": str(POLICIES)}

    def numbers(self, first: int, past: int, condition: str = "true") -> Iterator[str]:
        """NHS numbers of the sample."""
        with duckdb.connect() as connection:
            for statement in people.declarations(SEED):
                connection.execute(statement)
            found = connection.execute(f"SELECT number FROM numbered({first}, {past}) WHERE {condition}")
            while rows := found.fetchmany(65_536):
                yield from (number for (number,) in rows)

    def who_objects(self) -> Iterator[str]:
        """Evenly spread over the persons of the source."""
        step = f"(i * {self.objecting}) // {self.persons}"
        return self.numbers(0, self.persons, f"{step.replace('i *', '(i + 1) *')} > {step}")

    def deliver_nobody(self) -> None:
        """A list of each register, of one number that no record has: it is young, and nobody is left out."""
        file = self.place / "nobody.csv"
        (number,) = self.numbers(self.persons, self.persons + 1)
        file.write_text("regime,nhs_number\n" + "".join(f"{regime},{number}\n" for regime in REGIMES))
        with office_of(self.home) as office:
            office.deliver_opt_outs(office.host, file, None)


# ---------------------------------------------------------------------------------------------------------------------- load


def load(bench: Bench) -> list[Line]:
    """Generate and load, two processes after each other."""
    if not (bench.home / "demo.json").exists():
        bench.home.mkdir(mode=0o700, exist_ok=True)
        with office_of(bench.home) as office:
            make_identities(office, bench.home)
    bench.deliver_nobody()
    sample = ["sample", "--persons", str(bench.persons), "--seed", str(SEED), str(bench.source)]
    with told(f"generating {bench.persons:,} persons"):
        made = tre(sample, bench.place, bench.environment)
    with told("loading them"):
        loaded = tre(["load", "gp", str(bench.source)], bench.place, bench.environment)
    with told("taking the check service's list"):
        listed = tre(["opt-outs", "cleared", str(bench.source / "cleared.txt")], bench.place, bench.environment)
    rows = sum(_rows(bench.source / f"{name}.parquet") for name in TABLES[1:])
    if not bench.keep_source:
        shutil.rmtree(bench.source)
    minutes = (made.wall_s + loaded.wall_s) / 60
    bar = f"≤ {MINUTES} min" if bench.persons == OF else "-"
    return [
        Line(f"generate {bench.persons:,} persons, {rows:,} rows of theirs", str(made)),
        Line("load them", str(loaded), bar="≤ 4 GiB", met=loaded.rss <= 4 * GIB),
        Line("both", f"{minutes:.1f} min", bar=bar, met=minutes <= MINUTES if bench.persons == OF else None),
        Line("the check service's list of the others", str(listed), bar="≤ 4 GiB", met=listed.rss <= 4 * GIB),
        Line("the store", f"{size_of(bench.home / 'store') / 1e9:.2f} GB"),
    ]


def _rows(file: Path) -> int:
    ((rows,),) = duckdb.execute(f"SELECT count(*) FROM '{file}'").fetchall()
    return int(rows)


# ----------------------------------------------------------------------------------------------------------------------- ask


def questions(bench: Bench) -> list[Line]:
    bench.deliver_nobody()
    with told("opening the records in each worker"):
        began = time.perf_counter()
        with opened(bench.home) as england:
            opening = time.perf_counter() - began
            lines = ask(england, bench.turns)
    return [Line("open the records at start, every table in each worker", f"{opening:.1f} s"), *lines]


# ------------------------------------------------------------------------------------------------------------------ opt-outs


def opt_outs(bench: Bench) -> list[Line]:
    """POST while two clients ask without a pause, one of persons and one of their rows."""
    bench.deliver_nobody()
    body = bench.place / "opt-outs.csv"
    with body.open("w") as lines:
        lines.write("regime,nhs_number\n")
        lines.writelines(f"type-1,{number}\n" for number in bench.who_objects())
    with opened(bench.home) as england, _serving(england) as address, _tended(england):
        whole = england.persons()
        before = {shape: england.seconds(shape, bench.turns) for shape in (COUNT, DISTINCT, MEAN)}
        asker, other = Asker(england, (COUNT,)), Asker(england, (DISTINCT, MEAN))
        with asker.asking(), other.asking(), told(f"registering {bench.objecting:,} opt-outs by POST"):
            posted, answered = _post(bench, address, body)
            fewer = whole - 0.9 * bench.objecting
            while (found := _first_below(asker, fewer)) is None and time.perf_counter() < answered + 600:
                time.sleep(0.02)
        assert found is not None, "no answer left these people out"
        minute = england.seconds(COUNT, bench.turns)
        at_once = {shape: england.seconds(shape, bench.turns) for shape in (DISTINCT, MEAN)}
        time.sleep(max(0.0, found[2] + FIRST_MINUTE_S - time.perf_counter()))
        after = {shape: england.seconds(shape, bench.turns) for shape in (COUNT, DISTINCT, MEAN)}
    failed = asker.failed + other.failed
    waited = max(one[2] - one[1] for one in asker.answered if one[2] > posted)
    bench.kept.keep("before", [], before)
    asked = len(asker.answered) + len(other.answered)
    return [
        Line(f"POST of {bench.objecting:,} opt-outs until 202", f"{answered - posted:.1f} s"),
        Line("from the 202 to the first answer without them", f"{found[2] - answered:.1f} s"),
        Line("the longest wait of a count meanwhile", f"{waited:.1f} s"),
        Line("questions meanwhile that came to anything else", f"{len(failed)} of {asked}", bar="0", met=not failed),
        _ratio(f"{COUNT}, first minute after / before", minute, before[COUNT], 5),
        *(_ratio(f"{shape}, first minute after / before", at_once[shape], before[shape], 1.2) for shape in at_once),
        *(_ratio(f"{shape}, later / before", after[shape], before[shape], 1.2) for shape in after),
    ]


def _ratio(what: str, after: float, before: float, bar: float) -> Line:
    return Line(what, f"{after / before:.2f} ({1e3 * after:.0f} ms)", f"{1e3 * before:.0f} ms", f"≤ {bar}", after <= bar * before)


def _first_below(asker: Asker, persons: float) -> tuple[str, float, float, dict[str, Any]] | None:
    return next((one for one in asker.answered if _total(one[3]) < persons), None)


def _total(body: dict[str, list[dict[str, int]]]) -> int:
    return sum(row["n"] for row in body["rows"])


def _post(bench: Bench, address: str, body: Path) -> tuple[float, float]:
    """When it was sent, and when it was accepted; every line accounted for."""
    with office_of(bench.home) as office:
        token = office.renew_identity("controller", ("controller",))
    head = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    posted = time.perf_counter()
    with body.open("rb") as stream:
        answer = httpx.post(f"{address}/v1/opt-outs", content=stream, headers=head, timeout=900)
    answered = time.perf_counter()
    assert answer.status_code == 202, answer.text[:2_000]
    applied = sum(batch["applied"] for batch in answer.json()["batches"])
    assert applied == bench.objecting, f"{applied:,} new of {bench.objecting:,}: a folder takes this part once"
    return posted, answered


@contextmanager
def _serving(england: England) -> Iterator[str]:
    """The application over HTTP, in this process: as `tre serve`, but answers are seen as soon as they are sealed."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(england.gateway, england.office), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _tended(england: England) -> AbstractContextManager[None]:
    """What a served gateway does beside the questions, where it does anything."""
    tended: Callable[[], AbstractContextManager[None]] | None = getattr(england.gateway, "tended", None)
    return tended() if tended else nullcontext()


# --------------------------------------------------------------------------------------------------------------------- erase


def erase(bench: Bench) -> list[Line]:
    """`tre erase`, against copying the live files by the engine, and by the system."""
    if not offered("erase", bench.environment):
        return [Line("erase", "skipped: there is no `tre erase`")]
    bench.deliver_nobody()
    live = _live(bench)
    pseudonyms = bench.place / "objecting.parquet"
    with office_of(bench.home) as office, told("noting whom to look for"):
        _pseudonyms(bench, office.keys.pseudonym, pseudonyms)
        canaries = _canaries(live, pseudonyms)
    found_before = _found(bench, pseudonyms, canaries)
    with told("copying the records by the engine"):
        copying = _copying(bench, live)
    with told("erasing"):
        used = tre(["erase", "gp"], bench.place, bench.environment)
    rows, bytes_ = _found(bench, pseudonyms, canaries)
    assert found_before[0] > 0 and found_before[1] > 0, "the search finds nobody even before"
    bench.deliver_nobody()
    with opened(bench.home) as england:
        after = {shape: england.seconds(shape, bench.turns) for shape in (COUNT, DISTINCT, MEAN)}
    before = bench.kept.numbers("before")
    return [
        Line("erase them", str(used), f"{copying:.0f} s to copy all", bar="-"),
        Line("erasing / copying", f"{used.wall_s / copying:.2f}", bar="≤ 1.2", met=used.wall_s <= 1.2 * copying),
        Line("their rows in any file", f"{rows:,}", f"{found_before[0]:,} before", "0", rows == 0),
        Line(f"of {CANARIES} canaries, bytes found", str(bytes_), f"{found_before[1]} before", "0", bytes_ == 0),
        *(_ratio(f"{shape}, erased / before", after[shape], before[shape], 1.02) for shape in after if shape in before),
    ]


def _live(bench: Bench) -> Path:
    with office_of(bench.home) as office:
        snapshot = office.live_snapshot("gp")
    assert snapshot is not None
    return Path(snapshot.folder)


def _pseudonyms(bench: Bench, key: bytes, file: Path) -> None:
    from tre.persons import pseudonym_parameters, pseudonym_sql

    with duckdb.connect() as connection:
        listed = bench.place / "opt-outs.csv"
        reading = f"read_csv('{listed}', all_varchar = true)"
        connection.execute(
            f"CREATE TABLE t AS SELECT {pseudonym_sql('nhs_number')} AS pseudonym FROM {reading}", pseudonym_parameters(key)
        )
        connection.execute(f"COPY t TO '{file}'")


def _canaries(live: Path, pseudonyms: Path) -> list[bytes]:
    """Of some who have a record."""
    with duckdb.connect(f"{live}/persons.duckdb", read_only=True) as connection:
        query = f"SELECT pseudonym FROM persons SEMI JOIN '{pseudonyms}' USING (pseudonym) USING SAMPLE {CANARIES}"
        return [found for (found,) in connection.execute(query).fetchall()]


def _found(bench: Bench, pseudonyms: Path, canaries: list[bytes]) -> tuple[int, int]:
    """Of every file of persons in the store: rows of these people, and how many canaries are among the bytes of any file."""
    rows, seen = 0, set[bytes]()
    for file in (bench.home / "store").rglob("*"):
        if not file.is_file() or not file.stat().st_size:
            continue
        if file.name == "persons.duckdb":
            with duckdb.connect(str(file), read_only=True) as connection:
                query = f"SELECT count(*) FROM persons SEMI JOIN '{pseudonyms}' USING (pseudonym)"
                rows += connection.execute(query).fetchall()[0][0]
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            seen.update(canary for canary in canaries if content.find(canary) >= 0)
    return rows, len(seen)


def _copying(bench: Bench, live: Path) -> float:
    """Seconds to write the same files anew, leaving nobody out."""
    with tempfile.TemporaryDirectory(dir=bench.place) as folder, connected(None, Path(folder) / "spill") as connection:
        began = time.perf_counter()
        for name in ("persons", "events"):
            connection.execute(f"ATTACH '{live / name}.duckdb' AS from_{name} (READ_ONLY)")
            connection.execute(f"ATTACH '{folder}/{name}.duckdb' AS to_{name}")
            connection.execute(f"COPY FROM DATABASE from_{name} TO to_{name}")
            connection.execute(f"CHECKPOINT to_{name}")
        return time.perf_counter() - began


RUN: dict[str, Callable[[Bench], list[Line]]] = {"load": load, "ask": questions, "opt-outs": opt_outs, "erase": erase}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--only", metavar=",".join(PARTS))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--keep-source", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tre-england-") as folder:
        place = (given.keep or Path(folder)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        bench = Bench(place, given.persons, given.turns, given.keep_source)
        named = given.only.split(",") if given.only else [part for part in PARTS if part not in bench.kept]
        for part in PARTS:
            if part in named:
                bench.kept.keep(part, RUN[part](bench))
        lines = [line for part in PARTS for line in bench.kept.lines(part)]
    sys.exit(show(given.persons, lines))


def show(persons: int, lines: list[Line]) -> int:
    table = Table("what", "measured", "beside it", "bar", "met", title=f"{persons:,} persons")
    for line in lines:
        table.add_row(line.what, line.measured, line.raw, line.bar, {None: "", True: "yes", False: "NO"}[line.met])
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    return 0 if all(line.met is not False for line in lines) else 1


if __name__ == "__main__":
    main()
