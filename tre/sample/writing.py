"""A number of people and a seed → a folder of files, streamed: what is held in memory does not grow with the number of people."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import duckdb

from tre.errors import Unfit
from tre.sample import people, records

LARGEST = 70_000_000
Progress = Callable[[str, float], None]
Form = Literal["parquet", "csv"]
OPTIONS = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER",
    "txt": "FORMAT csv, HEADER false, QUOTE '', DELIMITER '\t'",
}
# One thread to a file: the order of rows, and so the bytes, depend on the seed alone. Two files at a time, the longest first.
WEIGHTS = {"measurements": 4, "prescriptions": 3, "events": 2, "patients": 1, "opt_outs": 1, "cleared": 1}

LISTS = {"opt_outs": records.opt_outs, "cleared": records.cleared}
SUFFIXES = {"opt_outs": "csv", "cleared": "txt"}


def generate(out: Path, persons: int, seed: int, progress: Progress | None = None, form: Form = "parquet") -> None:
    """Write `<table>.parquet` or `.csv` for each table, `opt_outs.csv`, and `cleared.txt` as the check service replies.
    ``progress`` is told what is being done and the fraction of the whole that is done."""
    if not 1 <= persons <= LARGEST:
        raise Unfit(f"a sample has 1 to {LARGEST:,} persons")
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        connections = {name: _connection(seed) for name in WEIGHTS}
        jobs = {name: pool.submit(_write, connections[name], name, out, persons, form) for name in WEIGHTS}
        _watch(jobs, connections, progress or (lambda *_: None))
    for job in jobs.values():
        job.result()


def _connection(seed: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": "1", "memory_limit": "1GB", "autoinstall_known_extensions": "false"})
    # The people are always the side that streams, so that neither memory nor the order of rows depends on how many there are.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'; SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    for statement in (*people.declarations(seed), *records.declarations()):
        connection.execute(statement)
    return connection


def _write(connection: duckdb.DuckDBPyConnection, name: str, out: Path, persons: int, form: Form) -> None:
    suffix = SUFFIXES.get(name, form)
    query = LISTS[name](persons) if name in LISTS else records.WRITTEN[name](0, persons)
    part, whole = out / f".{name}.part", out / f"{name}.{suffix}"
    try:
        with connection:
            connection.execute(f"COPY ({query}) TO '{_quoted(part)}' ({OPTIONS[suffix]})")
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _watch(jobs: dict[str, Future[None]], connections: dict[str, duckdb.DuckDBPyConnection], progress: Progress) -> None:
    """Tell the progress until every file is written."""
    fraction = 0.0
    while fraction < 1:
        time.sleep(0.05)
        done = {name: 1.0 if job.done() else _done(connections[name]) for name, job in jobs.items()}
        fraction = sum(done[name] * weight for name, weight in WEIGHTS.items()) / sum(WEIGHTS.values())
        progress("writing the sample", fraction)


def _done(connection: duckdb.DuckDBPyConnection) -> float:
    try:
        return max(0.0, connection.query_progress() / 100)
    except duckdb.Error:  # it has just closed
        return 1.0
