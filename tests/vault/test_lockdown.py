"""What DuckDB itself refuses once the records are open, and why the rest is out of reach: no such text can be written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.vault.building import Quiet, build, plan_of, row
from tests.vault.test_compile import WORDS, tokens

REFUSED = [
    "INSERT INTO excluded VALUES (1)",
    "INSERT INTO records.patients(person) VALUES (1)",
    "DELETE FROM records.patients",
    "CREATE TABLE records.t(i INTEGER)",
    "DROP TABLE records.patients",
    "ATTACH ':memory:' AS z",
    "ATTACH '{outside}' AS z",
    "COPY (SELECT 1) TO '{outside}.csv'",
    "COPY records.patients TO '{outside}.csv'",
    "EXPORT DATABASE '{outside}'",
    "SELECT * FROM read_csv('{outside}')",
    "SELECT * FROM read_text('{outside}')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM local",
    "SET threads = 4",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET max_execution_time = 0",
    "SET disabled_optimizers = ''",
    "RESET memory_limit",
    "PRAGMA enable_profiling",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT getenv('PATH')",
    "CREATE SECRET s (TYPE s3)",
]

STILL_OPEN = [  # by DuckDB; the sandbox and the closed text stand before them
    "SELECT 1; SELECT person FROM records.patients",
    "SET VARIABLE v = 1",
    "SET schema = 'temp'",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE TEMP MACRO f() AS 1",
    "CHECKPOINT",
    "VACUUM",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM pragma_storage_info('records.patients')",
    "SELECT stats(person) FROM records.patients",
    "SUMMARIZE records.patients",
    "EXPLAIN ANALYZE SELECT count(*) FROM records.patients",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('records.patients')",
    "SELECT json_execute_serialized_sql('{{}}')",
    "SELECT content FROM read_blob('{records}')",
    "SELECT * FROM read_duckdb('{records}', table_name := 'patients')",
    "COPY records.patients TO '{temporary}/out.csv'",
    "SELECT error(code) FROM records.codes_patients_practice",
    "SELECT repeat(code, 1000000000) FROM records.codes_patients_practice",
]


@pytest.fixture
def opened(store: Path, quiet: Quiet, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    (tmp_path / "outside").write_text("a,b\n1,2\n")
    held = build(store, [row(1, practice="A1")])
    quiet.counts(plan_of(), held)
    return quiet._open[held]._connection


@pytest.mark.parametrize("text", REFUSED)
def test_refused_by_duckdb(opened: duckdb.DuckDBPyConnection, tmp_path: Path, text: str) -> None:
    local = [1, 2, 3]  # a replacement scan would find it
    with pytest.raises(duckdb.Error):
        opened.execute(text.format(outside=tmp_path / "outside")).fetchall()
    assert local and not (tmp_path / "outside.csv").exists()


@pytest.mark.parametrize("text", STILL_OPEN)
def test_what_stays_open_cannot_be_written_by_the_compiler(text: str) -> None:
    """Each needs a word or a mark that no compiled text has (`test_compile` shows that none has)."""
    try:
        words = tokens(text)
    except AssertionError:
        return
    assert any(word[0].isalpha() and not WORDS.fullmatch(word) for word in words)


def test_the_settings_that_hold(opened: duckdb.DuckDBPyConnection) -> None:
    names = ("enable_external_access", "lock_configuration", "python_enable_replacements", "disabled_optimizers", "access_mode")
    listed = ", ".join(f"current_setting('{name}')" for name in names)
    assert opened.execute(f"SELECT {listed}").fetchone() == (False, True, False, "partitioned_execution", "read_only")
