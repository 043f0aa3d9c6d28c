"""A store and a work folder; a vault without noise; workers that are ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vault.building import Quiet
from tre.vault import Worker


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def quiet(store: Path, work: Path) -> Quiet:
    return Quiet(store, work)


@pytest.fixture
def worker(store: Path, work: Path) -> Iterator[Worker]:
    begun = Worker(store, work, sandbox=True)
    yield begun
    begun.close()
