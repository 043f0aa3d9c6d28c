"""Every reason has its place in the one table that tells it."""

from __future__ import annotations

from tre.errors import Reason
from tre.web.problems import FAULT, TABLE


def test_every_reason_is_told() -> None:
    assert set(TABLE) == {*(reason.value for reason in Reason), FAULT}


def test_a_telling_is_whole() -> None:
    assert [reason for reason, told in TABLE.items() if not (told.title and told.suggestion and 400 <= told.status <= 599)] == []
