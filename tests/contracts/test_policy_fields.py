"""Every field that a policy may have is written in the sample policies, so that nobody has to guess how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tre.policy import model

POLICIES = Path(__file__).parents[2] / "policies"


def fields() -> Iterator[str]:
    for kind in vars(model).values():
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__module__ == model.__name__:
            yield from kind.model_fields


@pytest.mark.parametrize("field", sorted(set(fields())))
def test_a_field_is_shown(field: str) -> None:
    shown = "\n".join(path.read_text() for path in sorted(POLICIES.rglob("*.yaml")))
    assert re.search(rf"(?:^|[{{,]) *{field}:", shown, re.MULTILINE)
