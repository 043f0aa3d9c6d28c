"""The facts of a snapshot: proved over the finished files, and a load that broke one is undone."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import KEY
from tests.store.ward import ALICE, PATIENTS, VISITS, a_patient, write
from tre.errors import Fault, Unfit
from tre.policy import DatasetPolicy
from tre.store import Loaded, load, loading
from tre.store.connection import Connection
from tre.terms import digest

MANY = {"row_cap": 1_000_000, "max_rows": 1_000_000}
EVERY = {"rows_within_cap", "clustered_by_person", "persons_known", "values_in_bounds"}

# What a wrong load could leave behind → the fact that must be missed. `a` is a row like any other.
PLANTED = {
    "a person twice": ("INSERT INTO persons.patients SELECT * FROM persons.patients LIMIT 1", "patients: rows within cap"),
    "rows over the cap": (
        "INSERT INTO events.visits SELECT max(person), date, code, value, 3 FROM events.visits, range(4) GROUP BY ALL",
        "visits: rows within cap",
    ),
    "a person out of place": ("UPDATE persons.patients SET person = 0 WHERE person = 3", "patients: rows within cap"),
    "persons out of order": (
        "UPDATE persons.patients SET person = CASE person WHEN 2 THEN 3 ELSE 2 END WHERE person IN (2, 3)",
        "patients: clustered by person",
    ),
    "a rank twice": ("UPDATE events.visits SET rank = 0", "visits: clustered by person"),
    "a rank at the cap": ("UPDATE events.visits SET rank = 3 WHERE rank = 2", "visits: clustered by person"),
    "a rank below 0": ("UPDATE events.visits SET rank = -1 WHERE rank = 0", "visits: clustered by person"),
    "rows of nobody": (
        "INSERT INTO events.visits SELECT 10000, date, code, value, 0 FROM events.visits LIMIT 1",
        "persons known",
    ),
    "a row without a person": (
        "INSERT INTO events.visits SELECT NULL, date, code, value, 0 FROM events.visits LIMIT 1",
        "visits: ",
    ),
    "a category beyond the list": ("UPDATE persons.patients SET sex = 2 WHERE person = 1", "patients: values in bounds"),
    "a category beyond a list with NULL": (
        'UPDATE persons.patients SET "group" = 3 WHERE person = 1',
        "patients: values in bounds",
    ),
    "NULL where none may be": ("UPDATE persons.patients SET sex = NULL WHERE person = 1", "patients: values in bounds"),
    "a year out of range": ("UPDATE persons.patients SET year_of_birth = 2027 WHERE person = 1", "patients: values in bounds"),
    "a number below its range": ("UPDATE persons.patients SET decile = -6 WHERE person = 1", "patients: values in bounds"),
    "a value beyond its steps": ("UPDATE events.visits SET value = 401 WHERE rank = 0", "visits: values in bounds"),
    "a day out of range": ("UPDATE events.visits SET date = DATE '1999-12-31'", "visits: values in bounds"),
    "a code not in the dictionary": ("UPDATE events.visits SET code = 77", "visits: values in bounds"),
    "a code below 0": ("UPDATE persons.patients SET practice = -1 WHERE person = 1", "patients: values in bounds"),
    "a code of nobody": ("INSERT INTO events.codes_visits_code VALUES (77, 'c77')", "visits: values in bounds"),
    "a code twice": ("UPDATE events.codes_visits_code SET code = 'c1'", "visits: values in bounds"),
    "a number of a code twice": ("UPDATE events.codes_visits_code SET id = 1", "visits: values in bounds"),
    "pseudonyms out of order": (
        "UPDATE persons.persons SET pseudonym = repeat('\\xFF'::BLOB, 16) WHERE person = 1",
        "persons numbered in the order",
    ),
    "a pseudonym cut short": (
        "UPDATE persons.persons SET pseudonym = unhex(substr(hex(pseudonym), 1, 30)) WHERE person = 1",
        "persons numbered in the order",
    ),
    "a pseudonym twice": (
        "UPDATE persons.persons SET pseudonym = (SELECT pseudonym FROM persons.persons WHERE person = 0) WHERE person = 1",
        "persons numbered in the order",
    ),
    "a gap in the numbers": ("UPDATE persons.persons SET person = 5000 WHERE person = 4", "persons numbered in the order"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_load_that_breaks_a_fact_is_undone(
    case: str, ward: DatasetPolicy, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement, fact = PLANTED[case]
    detach = loading.detach

    def break_and_detach(connection: Connection, policy: DatasetPolicy) -> None:
        before = connection.execute("SELECT count(*) FROM persons.patients").fetchone()
        assert before is not None and before[0] > 5
        changed = connection.execute(statement).fetchone()
        assert changed is not None and changed[0] > 0
        detach(connection, policy)

    monkeypatch.setattr(loading, "detach", break_and_detach)
    with pytest.raises(Unfit, match="the load was undone: ") as undone:
        load(ward, planted, tmp_path, KEY)
    assert fact in str(undone.value) and "could not be proved" in str(undone.value)
    assert [path.name for path in (tmp_path / "ward").iterdir()] == [".lock"]


def test_the_proof_reads_the_values_and_not_what_the_engine_noted_of_them(
    ward: DatasetPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of values that did not reach the disk as it was written: nothing of the order of rows tells it."""
    days = [date(2000, 1, 1) + timedelta(number) for number in range(9_001)]
    visits = "".join(f"{ALICE},{days[number % 9_001]},c{number % 7},{number % 400 / 2}\n" for number in range(400_000))
    source = write(tmp_path / "source", patients=PATIENTS + a_patient(ALICE), visits=VISITS + visits)
    policy = ward.model_copy(update={"tables": {**ward.tables, "visits": ward.tables["visits"].model_copy(update=MANY)}})
    detach = loading.detach

    def damage_and_detach(connection: Connection, policy: DatasetPolicy) -> None:
        connection.execute("CHECKPOINT events")
        found = connection.execute(
            "SELECT block_id FROM pragma_storage_info('events.visits') GROUP BY block_id"
            " HAVING bool_and(column_name IN ('date', 'value')) AND block_id >= 0"
        ).fetchone()
        assert found is not None
        detach(connection, policy)
        (file,) = tmp_path.glob("ward/.begun-*/made/events.duckdb")
        raw = bytearray(file.read_bytes())
        raw[3 * 4_096 + found[0] * 2**18 + 1_000] ^= 1
        file.write_bytes(raw)

    load(policy, source, tmp_path / "sound", KEY)
    monkeypatch.setattr(loading, "detach", damage_and_detach)
    with pytest.raises(Fault):
        load(policy, source, tmp_path, KEY)


def manifest(loaded: Loaded) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((Path(loaded.snapshot.folder) / "manifest.json").read_bytes())
    return body


def test_the_manifest_names_files_and_facts(ward: DatasetPolicy, loaded: Loaded) -> None:
    body, folder = manifest(loaded), Path(loaded.snapshot.folder)
    assert (body["format"], body["snapshot"], body["dataset"], body["schema"]) == (
        1,
        loaded.snapshot.id,
        "ward",
        ward.schema_digest,
    )
    for file in body["files"]:
        raw = (folder / file["name"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(raw), "sha256:" + hashlib.sha256(raw).hexdigest())
    assert {file["name"] for file in body["files"]} == {path.name for path in folder.glob("*.duckdb")}
    assert body["tables"]["patients"]["facts"] == dict.fromkeys(EVERY | {"one_row_per_person"}, True)
    assert body["tables"]["visits"]["facts"] == dict.fromkeys(EVERY, True)
    assert digest((folder / "manifest.json").read_bytes()) == loaded.snapshot.manifest


def test_the_manifest_counts_nobody(loaded: Loaded) -> None:
    """Its numbers are the format, caps and the sizes of files; two loads of the same rows have different ones."""
    numbers = [value for value in walk(manifest(loaded)) if type(value) is int]
    sizes = [path.stat().st_size for path in Path(loaded.snapshot.folder).glob("*.duckdb")]
    assert sorted(numbers) == sorted([1, 1, 3, *sizes])


def walk(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in walk(part)]
    return [leaf for part in value for leaf in walk(part)] if isinstance(value, list) else [value]


def test_what_is_stored_is_as_small_as_the_manifest_says(loaded: Loaded) -> None:
    columns = {name: table["columns"] for name, table in manifest(loaded)["tables"].items()}
    assert {name: column["stored"] for name, column in columns["patients"].items()} == {
        "sex": "UTINYINT",
        "group": "UTINYINT",
        "year_of_birth": "SMALLINT",
        "decile": "TINYINT",
        "practice": "INTEGER",
        "died_on": "DATE",
    }
    assert columns["visits"]["value"] == {"encoding": "decimal", "stored": "INTEGER", "nullable": True}
