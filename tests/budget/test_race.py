"""Four processes of eight threads and one budget: exactly as many questions fit as fit one after another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from tests.budget import books, racer
from tre.state import State

PROCESSES, FITS, REST = 4, 150, 3
ROOT = Path(__file__).parents[2]


def test_processes_and_threads_race_for_one_budget(state: State, tmp_path: Path) -> None:
    books.open_books(state)
    books.set_ceiling(state, "project:demo", rho=FITS * racer.COST.rho + REST)
    url = f"sqlite:///{tmp_path / 'database.sqlite'}"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.budget.racer", url, f"p{number}"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    given = [id for process in running for id in json.loads(process.communicate(timeout=60)[0])]
    assert all(process.returncode == 0 for process in running)
    with state.read() as tx:
        written = set(tx.execute(text("SELECT id FROM reservations")).scalars())
    assert len(given) == FITS and set(given) == written
    assert books.taken(state, "project:demo")["rho"] == FITS * racer.COST.rho
    books.assert_balanced(state)
