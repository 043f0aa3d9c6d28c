"""Records of nobody, made from a policy alone: the loader takes every row, and they are the same every time."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.policy.folders import edit, make_folder
from tests.serving import POLICIES
from tre import store
from tre.persons import valid_nhs_number
from tre.policy import DatasetPolicy, read_policies
from tre.sample.twin import ROWS, identifiers, make_twin

PERSONS = 1_000


def small(tmp_path: Path, check: str) -> DatasetPolicy:
    folder = make_folder(tmp_path / "policies")
    edit(folder, "datasets/small.yaml", "check: nhs-number", f"check: {check}")
    return read_policies(folder).datasets["small"]


@pytest.mark.parametrize("name", ["gp", "nhs-number", "none"])
def test_the_loader_takes_every_row(tmp_path: Path, name: str) -> None:
    policy = read_policies(POLICIES).datasets["gp"] if name == "gp" else small(tmp_path, name)
    make_twin(policy, tmp_path / "source", PERSONS)
    (tmp_path / "store").mkdir()
    loaded = store.load(policy, tmp_path / "source", tmp_path / "store", b"k" * 32)
    assert {table: sum(reasons.values()) for table, reasons in loaded.rejected.items()} == dict.fromkeys(policy.tables, 0)
    assert {table: sum(reasons.values()) for table, reasons in loaded.nulled.items()} == dict.fromkeys(policy.tables, 0)
    for table, found in policy.tables.items():
        rows = 1 if found.one_row_per_person else min(ROWS, found.max_rows)
        assert loaded.accepted[table] == PERSONS * rows


def test_every_value_of_every_key_appears_and_some_are_missing(tmp_path: Path) -> None:
    policy = read_policies(POLICIES).datasets["gp"]
    make_twin(policy, tmp_path, 5_000)
    with duckdb.connect() as connection:
        for name, column in policy.tables["patients"].columns.items():
            asked = f"SELECT count(DISTINCT {name}), count(*) - count({name}) FROM '{tmp_path}/patients.parquet'"
            distinct, missing = connection.execute(asked).fetchone() or (0, 0)
            assert (missing > 0) == column.nullable, name
            if column.values:
                assert distinct == len(column.values), name


def test_the_same_records_every_time(tmp_path: Path) -> None:
    policy = small(tmp_path, "nhs-number")
    rows = []
    for place in ("one", "two"):
        make_twin(policy, tmp_path / place, PERSONS)
        with duckdb.connect() as connection:
            rows.append(connection.execute(f"SELECT * FROM '{tmp_path}/{place}/measurements.parquet' ORDER BY ALL").fetchall())
    assert rows[0] == rows[1]


def test_the_identifiers_are_those_of_the_records(tmp_path: Path) -> None:
    policy = small(tmp_path, "nhs-number")
    make_twin(policy, tmp_path / "out", PERSONS)
    with duckdb.connect() as connection:
        every = {row[0] for row in connection.execute(f"SELECT nhs_number FROM '{tmp_path}/out/patients.parquet'").fetchall()}
    some = list(identifiers(policy, PERSONS, 10))
    assert len(every) == PERSONS and set(some) <= every and all(map(valid_nhs_number, every))
    assert PERSONS / 20 < len(some) == len(set(some)) < PERSONS / 5
