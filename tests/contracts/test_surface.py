"""What others rely on is written down in ``surface/``: a name that comes, goes or changes shows in a review of these files.

`python -m tests.contracts.test_surface` writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main

import tre.client
from tre.commands import app as command_line
from tre.errors import Reason
from tre.settings import Settings
from tre.web import make_app
from tre.web.problems import TABLE

SURFACE = Path(__file__).parent / "surface"


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    made: dict[str, Any] = cast(Any, make_app(cast(Any, None), cast(Any, None))).app.openapi()
    return made


def calls() -> Iterator[str]:
    """Method and path, with the names of the parameters."""
    for path, methods in document()["paths"].items():
        for method, call in methods.items():
            wanted = [part["name"] for part in call.get("parameters", []) if part["in"] in ("query", "header")]
            yield " ".join([method.upper(), path, *sorted(wanted)])


def commands() -> Iterator[str]:
    yield from _commands(typer.main.get_command(command_line), "tre")


def _commands(command: Any, name: str) -> Iterator[str]:
    if inner := getattr(command, "commands", None):
        for word, part in inner.items():
            yield from _commands(part, f"{name} {word}")
    else:
        options = sorted(option for part in command.params for option in part.opts if option.startswith("--"))
        arguments = [part.name for part in command.params if not part.opts[0].startswith("-")]
        yield " ".join([name, *arguments, *options])


def client() -> Iterator[str]:
    for kind in tre.client.__all__:
        yield kind
        yield from (f"{kind}.{name}" for name in vars(getattr(tre.client, kind)) if not name.startswith("_"))


def reasons() -> Iterator[str]:
    yield from (f"{reason} {TABLE[reason].status}" for reason in Reason)


def settings() -> Iterator[str]:
    yield from (f"TRE_{name.upper()} {field.default}".rstrip() for name, field in Settings.model_fields.items())


SURFACES = {"calls": calls, "commands": commands, "client": client, "reasons": reasons, "settings": settings}


@pytest.mark.parametrize("name", SURFACES)
def test_the_surface_is_as_written(name: str) -> None:
    assert sorted(SURFACES[name]()) == (SURFACE / f"{name}.txt").read_text().splitlines()


if __name__ == "__main__":
    for name, found in SURFACES.items():
        (SURFACE / f"{name}.txt").write_text("\n".join(sorted(found())) + "\n")
