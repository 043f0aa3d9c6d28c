"""The migrations bring about the very tables that the rooms read and write."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from sqlalchemy import Table, create_engine

from tre.budget import tables as budget
from tre.optouts import tables as optouts
from tre.projects import tables as projects
from tre.releases import tables as releases
from tre.state import State, metadata

OURS = [table for room in (budget, optouts, projects, releases) for table in vars(room).values() if isinstance(table, Table)]


def schema(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as raw:
        made = raw.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'").fetchall()
    names = {table.name for table in OURS}
    return {name: re.sub(r"\s+", " ", sql) for name, table, sql in made if table in names}


def test_the_migrated_tables_are_the_tables_of_the_rooms(state: State, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
    metadata.create_all(engine)
    engine.dispose()
    migrated = schema(tmp_path / "database.sqlite")
    assert len(OURS) == 29 and len(migrated) > 12
    assert migrated == schema(tmp_path / "made.sqlite")
