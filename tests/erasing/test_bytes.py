"""No file of a home holds a byte of whoever was erased."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.erasing.homes import PEOPLE, folders, object_to, persons, until
from tests.serving import SAMPLE, Served, office_of
from tre import store
from tre.persons import pseudonym
from tre.store import writing


def canary_of(number: str) -> str:
    return f"CANARY-{number}"


@pytest.fixture
def canaries(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A home whose first people have a practice of their own each, every column uncompressed, and those people."""
    home = Path(shutil.copytree(furnished, tmp_path / "home", ignore=shutil.ignore_patterns("serve.lock")))
    source = Path(shutil.copytree(SAMPLE, tmp_path / "source"))
    with (SAMPLE / "patients.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    marked = set(PEOPLE[:8])
    for row in rows:
        if row["nhs_number"] in marked:
            row["practice"] = canary_of(row["nhs_number"])
    with (source / "patients.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    plainly(monkeypatch)
    with office_of(home) as office:
        office.load(office.host, "gp", source)
    shutil.rmtree(source)
    return home, PEOPLE[:8]


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compressed: a byte string of a person is found where it stands."""

    def attached(connection: Any, *arguments: Any) -> None:
        connection.execute("SET force_compression = 'uncompressed'")
        attach(connection, *arguments)

    attach = writing.attach
    monkeypatch.setattr("tre.store.loading.attach", attached)
    monkeypatch.setattr("tre.store.rewriting.attach", attached)


def test_no_file_of_the_home_holds_a_byte_of_theirs(canaries: tuple[Path, list[str]], tmp_path: Path) -> None:
    """Not under a name that any manifest ever had, nor in a temporary, spilled or work file, while it is served and after."""
    home, marked = canaries
    gone, kept = marked[:6], marked[6:]
    # The registers hold pseudonyms by need, the check service's list among them.
    lists = (home / "registers").glob("*")
    registers = frozenset([*(home / f"database.sqlite{end}" for end in ("", "-wal", "-shm")), *lists])
    with office_of(home) as office:
        names = {number: pseudonym(office.keys.pseudonym, number) for number in marked}
        for number in marked:  # a canary that could not be found would prove nothing
            for needle in (canary_of(number).encode(), names[number]):
                assert {path.name for path in store.holding(home, [needle], registers)} == {"persons.duckdb"}
    with Served(home) as served, served.http() as http:
        body = {"project": "demo", "dataset": "gp", "sql": "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"}
        assert http.post("/v1/queries", json=body).status_code == 200
        with office_of(home) as office:
            object_to(office, "local", *gone)
            told = office.erase(office.host, "gp")
        until(30, lambda: folders(home) == {told["snapshot"]})
        assert http.post("/v1/queries", json=body | {"fresh": True}).status_code == 200
        needles = [needle for number in gone for needle in (canary_of(number).encode(), names[number])]
        assert store.holding(home, needles, registers) == []
    assert store.holding(home, needles, registers) == []
    assert store.holding(home, [canary_of(number).encode() for number in gone]) == []  # in no register either
    with office_of(home) as office:
        assert persons(office, gone, tmp_path / "spill") == 0 and persons(office, kept, tmp_path / "spill") == len(kept)
    assert store.holding(home, [canary_of(kept[0]).encode()]) != []
