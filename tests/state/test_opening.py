"""What a database is opened with, what is refused, and that its shape is the one the rooms' tables say."""

from __future__ import annotations

import re
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import tre
from tests.state import reopened
from tre.errors import Unfit
from tre.state import State, metadata, migrate, schema
from tre.state import database as database_module


def test_a_new_database_is_at_head_and_its_owners_alone(path: Path) -> None:
    with State.open(f"sqlite:///{path}") as state:
        state.write(lambda tx: tx.execute(text("CREATE TABLE x (y)")))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert reopened(path, "SELECT version_num FROM alembic_version") == [(schema.revisions()[-1],)]


def test_every_commit_is_synced_and_reads_cannot_write(path: Path) -> None:
    told = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "query_only": 0, "trusted_schema": 0}

    with State.open(f"sqlite:///{path}") as state:

        def pragmas(tx):  # type: ignore[no-untyped-def]
            return {name: tx.execute(text(f"PRAGMA {name}")).scalar() for name in told}

        assert state.write(pragmas) == told
        with state.read() as tx:
            reading = pragmas(tx)
    assert (reading["query_only"], reading["foreign_keys"], reading["journal_mode"]) == (1, 1, "wal")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://someone:secret@host/tre", "PostgreSQL is not offered yet"),
        ("postgresql+psycopg://host/tre", "PostgreSQL is not offered yet"),
        ("mysql://host/tre", "not a SQLite file"),
        ("sqlite://", "not a SQLite file"),
        ("sqlite:///:memory:", "not a SQLite file"),
        ("nonsense", "not an address"),
        ("", "not an address"),
    ],
)
def test_other_databases_are_refused_in_a_sentence(url: str, told: str) -> None:
    with pytest.raises(Unfit, match=told) as refused:
        State.open(url)
    assert "secret" not in str(refused.value)
    assert "TRE_DATABASE" in str(refused.value)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database, but longer than a page header of one hundred bytes " * 20)
    with pytest.raises(Unfit, match="cannot be opened"):
        State.open(f"sqlite:///{path}")
    with pytest.raises(Unfit, match="cannot be opened"):
        State.open(f"sqlite:///{path.parent}/nowhere/database.sqlite")


def test_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    State.open(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999_future'")
        file.commit()
    with pytest.raises(Unfit, match="newer version of tre"):
        State.open(f"sqlite:///{path}")
    assert reopened(path, "SELECT version_num FROM alembic_version") == [("9999_future",)]


def test_a_start_at_head_does_not_load_the_migration_library(path: Path) -> None:
    State.open(f"sqlite:///{path}").close()
    script = f"""
import sys
from tre.state import State
State.open("sqlite:///{path}").close()
sys.exit("alembic" in sys.modules or "mako" in sys.modules)
"""
    subprocess.run([sys.executable, "-I", "-c", script], check=True, timeout=60)


def test_the_head_that_is_read_off_the_files_is_the_librarys(path: Path) -> None:
    assert migrate.head(schema.MIGRATIONS) == schema.revisions()[-1]


def test_each_migration_leads_to_the_next(path: Path) -> None:
    before = None
    for file in sorted((schema.MIGRATIONS / "versions").glob("*.py")):
        source = file.read_text()
        assert re.search(r'^revision = "(.*)"$', source, re.MULTILINE)[1] == file.stem  # type: ignore[index]
        down = re.search(r"^down_revision = (.*)$", source, re.MULTILINE)[1].strip('"')  # type: ignore[index]
        assert down == (before or "None")
        before = file.stem


def test_two_who_open_a_new_database_at_once_both_get_it(path: Path) -> None:
    opened: list[State] = []
    failed: list[BaseException] = []
    together = threading.Barrier(4)

    def start() -> None:
        try:
            together.wait(10)
            opened.append(State.open(f"sqlite:///{path}"))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in opened:
        state.close()
    assert not failed
    assert len(opened) == 4


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(connection):  # type: ignore[no-untyped-def]
        connection.execute(text("CREATE TABLE half (x)"))
        raise Unfit("no")

    with monkeypatch.context() as patch:
        patch.setattr(database_module, "bring_to_head", fails)
        with pytest.raises(Unfit, match="no"):
            State.open(f"sqlite:///{path}")
    assert reopened(path, "SELECT name FROM sqlite_master") == []
    State.open(f"sqlite:///{path}").close()


def test_the_migrated_shape_is_the_one_the_rooms_tables_say(path: Path, tmp_path: Path) -> None:
    for tables in sorted(Path(tre.__file__).parent.glob("*/tables.py")):
        import_module(f"tre.{tables.parent.name}.tables")
    State.open(f"sqlite:///{path}").close()
    said = tmp_path / "said.sqlite"
    engine = create_engine(f"sqlite:///{said}")
    metadata.create_all(engine)
    engine.dispose()
    migrated, told = shape(path), shape(said)
    for of_alembic in (("table", "alembic_version"), ("index", "sqlite_autoindex_alembic_version_1")):
        del migrated[of_alembic]
    assert {("table", "entries"), ("index", "entries_by_at"), ("trigger", "entries_delete")} <= set(told)
    # A room may leave its triggers to its migration; those it states are the ones that stand.
    only_migrated = {("trigger", name) for kind, name in set(migrated) - set(told) if kind == "trigger"}
    assert {key: statement for key, statement in migrated.items() if key not in only_migrated} == told


def shape(path: Path) -> dict[tuple[str, str], str]:
    """Every table, index and trigger, as SQLite keeps its text."""
    rows = reopened(path, "SELECT type, name, sql FROM sqlite_master")
    return {(kind, name): " ".join((sql or "").split()) for kind, name, sql in rows}
