"""The migrations make the tables that the rooms speak of: no table, column or index in one and not in the other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import tre.audit
import tre.budget
import tre.optouts
import tre.projects
import tre.releases
import tre.store
from tre.state import State, metadata

ROOMS = (tre.audit, tre.budget, tre.optouts, tre.projects, tre.releases, tre.store)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('made') / 'database.sqlite'}"
    State.open(url).close()
    return url


def test_what_the_migrations_make_is_what_the_rooms_say(made: str) -> None:
    engine = sqlalchemy.create_engine(made, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert found == []


def test_every_room_with_tables_is_asked() -> None:
    with_tables = {path.parent.name for path in Path(tre.audit.__file__).parents[1].glob("*/tables.py")}
    assert with_tables == {room.__name__.rpartition(".")[2] for room in ROOMS}
    assert all(f"tre.{room}.tables" in sys.modules for room in with_tables)
