"""A database of one's own, with a few people and a project in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tre.projects  # noqa: F401 - its tables
from tests.databases import new_database
from tre.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(new_database(tmp_path)) as opened:
        yield opened
