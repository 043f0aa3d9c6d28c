"""T-STATE: a question that leaves something behind, from one row to the next or for the next question. Naive: an engine has many
ways. Ours: no word of an engine is in the language but its own few, and what is sent to the engine has fewer still; the engine
itself, once the records are open, refuses what writes, attaches, sets or reads a file (`tests/vault/test_lockdown.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tests.vault.building import Quiet, build, plan_of, row
from tre.errors import Refusal
from tre.plan.parse import parse
from tre.plan.words import CALLED_NAMES

STATEMENTS = (
    "ALTER TABLE patients ADD COLUMN x INT", "ANALYZE", "ATTACH 'x' AS x", "BEGIN", "CALL pragma_version()", "CHECKPOINT",
    "COMMENT ON TABLE patients IS 'x'", "COMMIT", "COPY patients TO 'x'", "CREATE MACRO f() AS 1", "CREATE SCHEMA s",
    "CREATE SECRET s (TYPE s3)", "CREATE SEQUENCE s", "CREATE TABLE t AS SELECT 1", "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE TYPE t AS INT", "CREATE VIEW v AS SELECT 1", "DEALLOCATE q", "DELETE FROM patients", "DESCRIBE patients", "DETACH x",
    "DROP TABLE patients", "EXECUTE q", "EXPLAIN SELECT 1", "EXPORT DATABASE 'x'", "FORCE CHECKPOINT", "FROM patients",
    "IMPORT DATABASE 'x'", "INSERT INTO patients VALUES (1)", "INSTALL x", "LOAD x", "MERGE INTO patients USING t ON true",
    "PIVOT patients ON sex", "PRAGMA version", "PREPARE q AS SELECT 1", "RESET threads", "ROLLBACK", "SET threads = 1",
    "SET VARIABLE x = 1", "SHOW TABLES", "SUMMARIZE patients", "TABLE patients", "TRUNCATE patients", "UNPIVOT patients ON sex",
    "UPDATE patients SET sex = 'F'", "USE x", "VACUUM", "VALUES (1)", "WITH t AS (INSERT INTO patients VALUES (1)) SELECT 1",
)  # fmt: skip


def calls() -> list[tuple[str, bool]]:
    """Every function that the engine has, by a name that a question could write; and whether it stands for a table."""
    with duckdb.connect() as connection:
        asked = "SELECT DISTINCT function_name, function_type LIKE '%table%' OR function_type = 'pragma' FROM duckdb_functions()"
        rows = connection.execute(f"{asked} ORDER BY ALL").fetchall()
    return [(name, table) for name, table in rows if re.fullmatch(r"[A-Za-z_]\w*", name)]


def refused(sql: str) -> bool:
    try:
        parse(sql, CATALOGUE, CODELISTS)
    except Refusal:
        return True
    return False


def of_a_call(name: str, table: bool) -> Iterator[str]:
    """As a condition, a key and a statistic; or as a table."""
    if table:
        yield f"SELECT COUNT(*) FROM {name}('patients')"
        yield f"SELECT COUNT(*) FROM {name}"
        return
    for arguments in ("", "year_of_birth", "year_of_birth, 1", "practice, 'x', 1"):
        yield f"SELECT COUNT(*) FROM patients WHERE {name}({arguments}) = 1"
        yield f"SELECT {name}({arguments}) AS k, COUNT(*) FROM patients GROUP BY k"
    yield f"SELECT {name}(year_of_birth) FROM patients"


def test_t_state_naive_an_engine_remembers(tmp_path: Path) -> None:
    """One question leaves the secret of a row where another finds it: a sequence, a variable, a table of its own, a file."""
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE people AS SELECT i AS born FROM range(1900, 1990) t(i)")
        engine.execute("CREATE SEQUENCE s")
        engine.execute("SELECT CASE WHEN born = 1900 THEN nextval('s') END FROM people").fetchall()
        assert engine.execute("SELECT currval('s')").fetchone() == (1,)
        engine.execute("SET VARIABLE kept = (SELECT count(*) FROM people WHERE born = 1900)")
        assert engine.execute("SELECT getvariable('kept')").fetchone() == (1,)
        engine.execute("CREATE TEMP TABLE kept AS SELECT * FROM people WHERE born = 1900")
        assert engine.execute("SELECT count(*) FROM kept").fetchone() == (1,)
        engine.execute(f"COPY kept TO '{tmp_path / 'kept.csv'}'")
        assert "1900" in (tmp_path / "kept.csv").read_text()


def test_t_state_no_function_of_the_engine_can_be_written_but_the_languages_own() -> None:
    """Of over 500 none is taken, in any place."""
    others = [(name, table) for name, table in calls() if name.upper() not in CALLED_NAMES]
    assert len(others) >= 500
    assert [sql for name, table in others for sql in of_a_call(name, table) if not refused(sql)] == []
    assert not refused("SELECT COUNT(*) FROM patients WHERE abs(year_of_birth) = 1")


@pytest.mark.parametrize("sql", STATEMENTS)
def test_t_state_no_other_statement_can_be_written(sql: str) -> None:
    honest = "SELECT COUNT(*) AS n FROM patients"
    assert not refused(honest)
    for written in (sql, f"{honest}; {sql}", f"{sql}; {honest}", f"{honest} WHERE ({sql})", f"{honest} -- \n; {sql}"):
        assert refused(written), written


def test_t_state_a_question_leaves_nothing_behind(tmp_path: Path) -> None:
    """On one kept connection: the same tables, views, sequences, variables and settings after a question as before, and the same
    bytes of every file."""
    folder = tmp_path / "store"
    folder.mkdir()
    quiet, held = Quiet(folder, tmp_path), build(folder, [row(person) for person in range(5)])
    quiet.counts(plan_of("region"), held)
    connection = quiet._open[held]._connection

    def state() -> list[object]:
        asked = ("duckdb_tables()", "duckdb_views()", "duckdb_sequences()", "duckdb_variables()", "duckdb_settings()")
        inside = [connection.execute(f"SELECT * FROM {one} ORDER BY ALL").fetchall() for one in asked]
        return [inside, {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}]

    before = state()
    for keys in ((), ("sex",), ("practice",)):
        quiet.exact(plan_of(*keys) if keys != ("practice",) else plan_of("region", "sex"), held)
    assert state() == before
