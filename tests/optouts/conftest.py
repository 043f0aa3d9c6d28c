"""A database of one's own, and people to object: made-up pseudonyms, and NHS numbers of the range set aside for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tre.optouts  # noqa: F401 - its tables
from tests.databases import new_database
from tre.persons import valid_nhs_number
from tre.state import State

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
NUMBERS = [str(number) for number in range(9_990_000_000, 9_990_002_000) if valid_nhs_number(str(number))]


def people(*numbers: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in numbers]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(new_database(tmp_path)) as opened:
        yield opened
