"""The ward's sources: files written for a test, and the rows of a snapshot as they are stored."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from tre.store import Loaded


def write(folder: Path, **tables: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


PATIENTS = "nhs_number,sex,group,year_of_birth,decile,practice,died_on\n"
VISITS = "nhs_number,date,code,value\n"
ALICE, BOB = "9000000017", "9000000033"


def a_patient(number: str) -> str:
    return f"{number},F,a,1950,1,A1,\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def with_check_digit(nine: int) -> str:
    remainder = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), str(nine), strict=True)) % 11
    return "" if remainder == 1 else f"{nine}{(11 - remainder) % 11}"


def facts(loaded: Loaded, relation: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for path in Path(loaded.snapshot.folder).glob("*.duckdb"):
            connection.execute(f"ATTACH '{path}' AS {path.stem} (READ_ONLY)")
        return connection.execute(f"SELECT * FROM {relation}").fetchall()
