"""One system call of one thread of a process fails, or the process dies at it: strace is attached to that thread alone, so that
the N-th call is the N-th of that thread. And what must hold of the home afterwards."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.journey import asker, opened
from tests.serving import ROOT, copy_home, office_of
from tre import audit, releases
from tre.audit import verify_database, verify_folder

JOURNEY = Path(__file__).with_name("journey.py")
WRITES = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
    "unlinkat", "rmdir", "ftruncate", "mkdir", "mkdirat", "fchmod", "chmod",
)  # fmt: skip
FULL_DISK = {"write", "pwrite64", "mkdir", "ftruncate", "rename", "link"}  # these say ENOSPC, the others EIO


@dataclass(frozen=True)
class Case:
    """The ``when``-th ``call`` of a thread: fails with an error, or is the process's last (``how`` is KILL)."""

    thread: str
    call: str
    when: int
    how: str

    def __str__(self) -> str:
        return f"{self.how} at {self.call} {self.when} of {self.thread}"

    @property
    def injection(self) -> str:
        what = "signal=KILL" if self.how == "KILL" else f"error={self.how}"
        return f"inject={self.call}:{what}:when={self.when}"


@dataclass(frozen=True)
class Journey:
    """What a process said, and what strace saw of the thread it was attached to."""

    said: list[list[Any]]
    trace: str
    status: int

    def done(self, step: str) -> list[Any] | None:
        return next((line[2:] for line in self.said if line[:2] == ["done", step]), None)

    @property
    def injected(self) -> bool:
        return "(INJECTED" in self.trace or self.status == -signal.SIGKILL

    @property
    def calls(self) -> Counter[str]:
        """How often each call was made; where several threads were followed, by the one that made it most often."""
        each = Counter(re.findall(r"^(?:(\d+) +)?(\w+)\(", self.trace, re.MULTILINE))
        most: Counter[str] = Counter()
        for (_, call), count in each.items():
            most[call] = max(most[call], count)
        return most


def travel(strace: str, home: Path, way: str, thread: str, *options: str) -> Journey:
    """One process with strace attached to one of its threads (or to all it will have, where it names only itself)."""
    trace = home.parent / f"{home.name}.strace"
    command = [sys.executable, str(JOURNEY), str(home), way]
    with (home.parent / f"{home.name}.stderr").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdin is not None and process.stdout is not None
    first = json.loads(process.stdout.readline())
    follow = [] if thread != "process" else ["-f"]
    attached = [
        strace,
        "-qq",
        "-p",
        str(first[1][thread]),
        *follow,
        "-o",
        str(trace),
        "-e",
        f"trace={','.join(WRITES)}",
        *options,
    ]
    tracer = subprocess.Popen(attached)
    _wait_until_traced(process.pid, first[1][thread], tracer)
    out, _ = process.communicate("go\n", timeout=60)
    tracer.wait(30)
    return Journey([json.loads(line) for line in out.splitlines()], trace.read_text(), process.returncode)


def _wait_until_traced(pid: int, thread: int, tracer: subprocess.Popen[bytes]) -> None:
    status, until = Path(f"/proc/{pid}/task/{thread}/status"), time.monotonic() + 20
    while f"TracerPid:\t{tracer.pid}\n" not in status.read_text():
        assert tracer.poll() is None and time.monotonic() < until, "strace did not attach"
        time.sleep(0.002)


def cases(counts: dict[str, Counter[str]]) -> Iterator[Case]:
    """Each call of each thread once as an error and once as the last thing that happened."""
    for thread, calls in sorted(counts.items()):
        for call, count in sorted(calls.items()):
            for when in range(1, count + 1):
                yield Case(thread, call, when, "ENOSPC" if call in FULL_DISK else "EIO")
                yield Case(thread, call, when, "KILL")


@contextmanager
def books(home: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(f"file:{home}/database.sqlite?mode=ro", uri=True) as connection:
        yield connection


def check_home(home: Path, vkey: str, notes: list[str], journey: Journey) -> None:
    """Everything that must hold after a process ended in any way: first of the published folder as it was left, then of the home
    opened anew. ``notes``: the checkpoints that are known from before; those met here are added."""
    told = journey.done("sign")
    published = (home / "log/checkpoint").read_text()
    _check_folder(home, vkey, [*notes, published])
    if exported := journey.done("export"):
        assert _size(published) == exported[0]
    notes = [*notes, published, *([told[0]] if told else [])]
    with opened(home) as (gateway, office):
        _check_acknowledged(gateway, office, journey)
        office.publication.publish()
        assert not office.publication.standing()["failing"]
    last = (home / "log/checkpoint").read_text()
    sizes = [_size(note) for note in (*notes[:2], last)]
    assert sizes == sorted(sizes), "the published checkpoint shrank"
    _check_folder(home, vkey, [*notes, last])
    verdict = verify_database(home / "database.sqlite", [vkey], [*notes, last])
    assert verdict.ok, verdict
    check_books(home)


def _size(note: str) -> int:
    return int(note.split("\n")[1])


def _check_folder(home: Path, vkey: str, known: list[str]) -> None:
    verdict = verify_folder(home / "log", [vkey], [note for note in known if _size(note) <= _size(known[-1])])
    assert verdict.ok, verdict


def _check_acknowledged(gateway: Any, office: Any, journey: Journey) -> None:
    person = asker(office)
    for step in ("release", "refusal", "repeat"):
        if told := journey.done(step):
            question, kind, body = told
            found = gateway.standing(person, question)
            assert type(found).__name__ == kind
            assert body is None or hashlib.sha256(found.envelope).hexdigest() == body
    if acted := journey.done("act"):
        with office.state.read() as tx:
            kept = audit.entry(tx, acted[0])
            assert kept is not None and kept.body == {"of": "journey"}
    with office.state.read() as tx:
        assert releases.unfinished(tx) == []


ENDS = ("released", "refused", "fault", "cancelled")
OPENED = 'SELECT id FROM entries JOIN openings ON openings."index" = entries."index"'


def check_books(home: Path) -> None:
    """Every question has one outcome in the log and in its row; every reservation is closed, logged once, and within the cap."""
    with books(home) as found:
        asked = Counter(row[0] for row in found.execute("SELECT id FROM entries WHERE kind = 'asked'"))
        ends = Counter(row[0] for row in found.execute("SELECT id FROM entries WHERE kind = 'closed'"))
        opened = [row[0] for row in found.execute(f"{OPENED} WHERE openings.kind IN {ENDS}")]
        assert ends == Counter(opened)
        assert asked == ends and set(asked.values()) <= {1}
        rows = dict(found.execute("SELECT id, state FROM questions"))
        assert set(rows) == set(asked) and set(rows.values()) <= set(ENDS)
        taken = dict(found.execute("SELECT id, state FROM reservations"))
        logged = [json.loads(row[0])["reservation"] for row in found.execute("SELECT leaf FROM entries WHERE kind = 'reserved'")]
        assert sorted(logged) == sorted(taken) and "open" not in taken.values()
        paid = found.execute("SELECT count(*) FROM openings WHERE kind = 'released' AND outcome = 'released'").fetchone()[0]
        given = found.execute("SELECT count(*) FROM releases WHERE sealed = 0").fetchone()[0]
        assert paid == list(taken.values()).count("released") == given
        assert found.execute("SELECT count(*) FROM releases WHERE sealed = 1").fetchone()[0] == 0
        for scope, spent, held, ceiling in found.execute("SELECT scope, spent_rho, reserved_rho, ceiling_rho FROM accounts"):
            if scope in ("project:demo", "dataset:gp"):
                total = found.execute("SELECT coalesce(sum(rho), 0) FROM reservations").fetchone()[0]
                assert (spent, held) == (total, 0) and spent <= ceiling


def begin(furnished: Path, home: Path) -> Path:
    """A home whose next publication fills a tile: 252 entries, published."""
    copy_home(furnished, home)
    with office_of(home) as office:

        def fill(tx: Any) -> None:
            for number in range(audit.size(tx), 252):
                audit.append(tx, audit.Entry("read", datetime.now(UTC), {"number": number}))

        office.state.write(fill)
    with opened(home) as (_, office):
        office.publication.publish()
    return home


def another(begun: Path, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return copy_home(begun, home)
