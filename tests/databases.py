"""A new database of the newest shape, in a few milliseconds: the migrations run once a session, every test gets a copy."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from tre.state import State


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    State.open(f"sqlite:///{folder.name}/database.sqlite").close()
    return folder


def new_database(folder: Path) -> str:
    """The address of a new database in a folder."""
    shutil.copy(Path(_template().name) / "database.sqlite", folder / "database.sqlite")
    return f"sqlite:///{folder / 'database.sqlite'}"
