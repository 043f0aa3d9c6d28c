"""A database with one table of no meaning."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tre.state import State


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "database.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    with State.open(f"sqlite:///{path}") as state:
        with closing(sqlite3.connect(path)) as file:
            file.execute("CREATE TABLE kept (who TEXT NOT NULL UNIQUE)")
        yield state
