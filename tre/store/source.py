"""A folder of `<table>.csv` or `<table>.parquet` → relations of the engine, with the columns that the policy names."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tre.errors import Unfit
from tre.policy import DatasetPolicy
from tre.store.connection import Connection, EngineError, text

FIRST_LINE = 1_000_000


@dataclass(frozen=True)
class Source:
    """One table's file, as SQL, the type of each of its columns, and the table where the engine keeps lines it could not read."""

    path: Path
    relation: str
    types: Mapping[str, str]
    malformed: str | None = None


def find_sources(connection: Connection, policy: DatasetPolicy, folder: Path) -> dict[str, Source]:
    """The file of each table; `Unfit` names what is missing."""
    sources = {}
    for name, table in policy.tables.items():
        path = _find(folder, name)
        source = _csv(path, f"malformed_{name}") if path.suffix == ".csv" else _parquet(connection, path)
        missing = sorted({policy.person_source.column, *table.columns} - set(source.types))
        if missing:
            raise Unfit(f"{path} has no column {missing[0]}; the policy of {policy.dataset} names it")
        sources[name] = source
    return sources


def _find(folder: Path, table: str) -> Path:
    found = [path for path in (folder / f"{table}.csv", folder / f"{table}.parquet") if path.is_file()]
    if len(found) != 1:
        have = "both" if found else "neither"
        raise Unfit(f"{folder} has {have} {table}.csv {'and' if found else 'nor'} {table}.parquet; give one of them")
    if set("*?[") & set(str(found[0])):
        raise Unfit(f"{found[0]}: a path with *, ? or [ names several files; rename the folder")
    return found[0]


def _csv(path: Path, malformed: str) -> Source:
    """Nothing is guessed: comma, double quotes, UTF-8, names in the first line, all lines ending as that one, every value text. A
    line that is not so is kept aside and counted. (Left to guess at mixed ends, DuckDB 2.0.0 loses rows and says nothing.)"""
    try:
        with path.open("rb") as stream:
            first = stream.readline(FIRST_LINE).decode("utf-8-sig")
        names = next(csv.reader([first]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Unfit(f"{path} cannot be read; give it as UTF-8 text with commas") from None
    if not names or len(set(names)) != len(names):
        raise Unfit(f"{path}: its first line does not name its columns, each once")
    end = "\\r\\n" if first.endswith("\r\n") else "\\n"
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name in names)
    relation = (
        f"read_csv({text(path)}, auto_detect = false, header = true, columns = {{{columns}}}, delim = ',', quote = '\"',"
        f" escape = '\"', new_line = '{end}', ignore_errors = true, store_rejects = true, rejects_table = '{malformed}',"
        f" rejects_scan = '{malformed}_scans', rejects_limit = 0)"
    )
    return Source(path, relation, dict.fromkeys(names, "VARCHAR"), malformed)


def _parquet(connection: Connection, path: Path) -> Source:
    relation = f"read_parquet({text(path)})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except EngineError:
        raise Unfit(f"{path} cannot be read as Parquet") from None
    return Source(path, relation, {name: kind for name, kind, *_ in described})
