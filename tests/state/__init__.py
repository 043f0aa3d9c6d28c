from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def reopened(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """What another process would read."""
    with closing(sqlite3.connect(path)) as file:
        return file.execute(statement).fetchall()
