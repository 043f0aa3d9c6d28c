"""kill -9 of the gateway or of a worker at moments under load. Afterwards every answer ever sent is charged and logged, a sealed
answer is published, no key is stuck, and the log verifies."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.serving import Served, copy_home
from tre.audit.verify import verify_database

CLIENTS = 6


class Load:
    """Clients that ask different questions, each under a key of its own, and remember what they were told."""

    def __init__(self, served: Served, first_year: int) -> None:
        self.served, self.next = served, first_year
        self.sent: dict[str, dict[str, str]] = {}
        self.answered: dict[str, bytes] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def _body(self) -> tuple[str, dict[str, object]]:
        with self._lock:
            self.next += 1
            number = self.next
        sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile <> {number} GROUP BY sex"
        return f"key-{number}", {"project": "demo", "dataset": "gp", "sql": sql, "share": 0.0001, "fresh": True}

    def _ask(self) -> None:
        with self.served.http() as http:
            while not self._over.is_set():
                key, body = self._body()
                self.sent[key] = body  # type: ignore[assignment]
                try:
                    answer = http.post("/v1/queries", json=body, headers={"Idempotency-Key": key})
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    self.answered[key] = answer.content

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def worker_pids(parent: int) -> list[int]:
    """The vault's workers among the children of the gateway."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) == parent and b"tre.vault.worker" in command:
                found.append(int(entry.name))
    return found


def check_books(database: Path) -> None:
    """Ledger and log agree on every reservation; nothing is open."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as books:
        by_state = dict(books.execute("SELECT state, count(*) FROM reservations GROUP BY state"))
        assert by_state.get("open", 0) == 0
        entries = dict(books.execute("SELECT kind, count(*) FROM entries GROUP BY kind"))
        assert entries.get("reserved", 0) == sum(by_state.values())
        assert entries.get("asked", 0) == books.execute("SELECT count(*) FROM questions").fetchone()[0]
        assert entries.get("closed", 0) == entries.get("asked", 0)
        paid = books.execute("SELECT count(*) FROM openings WHERE kind = 'released' AND outcome = 'released'").fetchone()[0]
        assert paid == by_state.get("released", 0)
        assert books.execute("SELECT count(*) FROM questions WHERE closed_at IS NULL").fetchone()[0] == 0
        total = books.execute("SELECT sum(rho) FROM reservations WHERE project = 'demo'").fetchone()[0] or 0
        spent, held, ceiling = books.execute(
            "SELECT spent_rho, reserved_rho, ceiling_rho FROM accounts WHERE scope = 'project:demo'"
        ).fetchone()
        assert (spent, held) == (total, 0) and spent <= ceiling
    verdict = verify_database(database)
    assert verdict.ok, verdict.detail


def check_answers(served: Served, load: Load) -> int:
    """What was answered is given again, byte for byte; what was not has an outcome. How many came only after the restart."""
    late = 0
    with served.http() as http:
        for key, body in load.sent.items():
            again = http.post("/v1/queries", json=body, headers={"Idempotency-Key": key})
            if key in load.answered:
                assert again.status_code == 200 and again.content == load.answered[key]
                assert Decimal(again.json()["charge"]["rho"]) > 0
            else:
                assert again.status_code in (200, 500), again.text
                late += again.status_code == 200
    return late


def run(home: Path, moments: int, seed: int) -> int:
    draw, late, load = random.Random(seed), 0, None
    for moment in range(moments):
        with Served(home) as served:
            if load is not None:
                late += check_answers(served, load)
                check_books(home / "database.sqlite")
            assert served.process is not None
            with Load(served, 1_000 * (moment + 1)) as load:
                time.sleep(draw.uniform(0.05, 1.2))
                if moment % 3 == 2:
                    os.kill(draw.choice(worker_pids(served.process.pid)), signal.SIGKILL)
                    time.sleep(0.4)
                served.kill()
    with Served(home) as served:
        assert load is not None
        late += check_answers(served, load)
        check_books(home / "database.sqlite")
    return late


def test_twenty_moments(furnished: Path, tmp_path: Path) -> None:
    late = run(copy_home(furnished, tmp_path / "home"), 20, seed=1)
    assert late > 0, "no sealed answer was ever left by a kill: the moments missed what they are for"


@pytest.mark.audit
def test_two_hundred_moments(furnished: Path, tmp_path: Path) -> None:
    assert run(copy_home(furnished, tmp_path / "home"), 200, seed=2) > 0
