"""A home of one's own, and the office over it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import office_of
from tre.office import Office


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Path:
    """With files of its own: a lock is of a file, and a hard link is the same file."""
    return Path(shutil.copytree(furnished, tmp_path / "home", ignore=shutil.ignore_patterns("serve.lock")))


@pytest.fixture
def office(home: Path) -> Iterator[Office]:
    with office_of(home) as office:
        yield office
