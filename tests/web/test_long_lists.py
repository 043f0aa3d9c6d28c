"""A list as long as a register once was, over HTTP beside questions: acknowledged in seconds, no question waits for it, and a
receipt of it is given in milliseconds."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, copy_home
from tests.store.test_persons import check_digit

LINES = 1_275_153
ACKNOWLEDGED_S, RECEIPT_S = 20.0, 0.02


def body(lines: int) -> Iterator[bytes]:
    """So many valid numbers, in parts of a thousand."""
    yield b"regime,nhs_number\n"
    made = (f"{nine:09}{check_digit(nine)}" for nine in range(400_000_003, 500_000_000, 7) if check_digit(nine) < 10)
    for _ in range(lines // 1_000):
        yield "".join(f"national,{next(made)}\n" for _ in range(1_000)).encode()
    yield "".join(f"national,{next(made)}\n" for _ in range(lines % 1_000)).encode()


class Questions:
    """One after another, each with how long it took."""

    def __init__(self, served: Served) -> None:
        self.served, self.took, self.over = served, list[float](), threading.Event()
        self.refused: list[str] = []
        self.thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        number = 1_000
        with self.served.http() as http:
            while not self.over.is_set():
                number += 1
                sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile <> {number} GROUP BY sex"
                asked, began = {"project": "demo", "dataset": "gp", "sql": sql, "share": 0.0001, "fresh": True}, time.monotonic()
                answer = http.post("/v1/queries", json=asked)
                self.took.append(time.monotonic() - began)
                self.refused += [answer.text] if answer.status_code != 200 else []

    def __enter__(self) -> Questions:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


@pytest.mark.audit
@pytest.mark.alone
def test_a_million_and_a_quarter(furnished: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"".join(body(LINES)))
    with Served(copy_home(furnished, tmp_path / "home")) as served, served.http("controller") as http:
        with Questions(served) as questions:
            began = time.monotonic()
            with (tmp_path / "list.csv").open("rb") as file:
                parts = iter(lambda: file.read(1 << 16), b"")
                answer = http.post("/v1/opt-outs", content=parts, headers={"Content-Type": "text/csv"})
            took = time.monotonic() - began
        (batch,) = answer.json()["batches"]
        assert (batch["received"], batch["applied"], batch["rejected"]) == (LINES, LINES, {})
        assert questions.refused == [] and len(questions.took) > 3
        lines, last = 0, b""
        with http.stream("GET", answer.headers["Location"]) as told:
            for part in told.iter_bytes():
                lines, last = lines + part.count(b"\n"), (last + part)[-500:]
        receipt = json.loads(last.strip().rpartition(b"\n")[2])["receipt"]
        times = []
        for _ in range(50):
            began = time.monotonic()
            assert http.get(f"/v1/opt-outs/{receipt}").json()["state"] == "entered"
            times.append(time.monotonic() - began)
        held = next(line for line in Path(f"/proc/{served.process.pid}/status").read_text().splitlines() if "VmHWM" in line)  # type: ignore[union-attr]
    print(f"acknowledged in {took:.1f} s; a receipt in {1_000 * statistics.median(times):.1f} ms; {held}")
    median, longest = statistics.median(questions.took), max(questions.took)
    print(f"{len(questions.took)} questions beside it: median {median:.2f} s, longest {longest:.2f} s")
    assert lines == LINES
    assert int(held.split()[1]) < 600_000
    assert took < ACKNOWLEDGED_S and statistics.median(times) < RECEIPT_S
