"""A process of its own that exports a log: `exporter.py HOME FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tre import audit
from tre.state import State


def main(home: str, folder: str) -> None:
    with State.open(f"sqlite:///{home}/database.sqlite") as state, state.read() as tx:
        audit.export(tx, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
