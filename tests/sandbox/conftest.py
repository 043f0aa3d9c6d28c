"""Children that run a script of the tests instead of a module of the package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tre import sandbox

HERE = Path(__file__).parent


class Places:
    """A folder the child may read, one it may write, one that is none of its business."""

    def __init__(self, folder: Path) -> None:
        self.read, self.write, self.outside = (folder / name for name in ("read", "write", "outside"))
        for place in (self.read, self.write, self.outside):
            place.mkdir()
            (place / "file").write_text("content")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.fixture
def start(places: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., sandbox.Child]]:
    children: list[sandbox.Child] = []
    monkeypatch.setattr(sandbox, "_command", lambda module, arguments: [sys.executable, "-I", "-B", module, *arguments])

    def begin(mode: str = "confined") -> sandbox.Child:
        children.append(sandbox.Child(str(HERE / "child_probe.py"), str(places.read), str(places.write), mode))
        return children[-1]

    yield begin
    for child in children:
        child.kill()


@pytest.fixture
def ask(start: Callable[..., sandbox.Child]) -> Callable[..., Any]:
    """One act in a confined child; the same child for one test."""
    child = start()
    return lambda act, **more: child.call({"act": act, **more}, 30)["said"]
