"""Every system call that writes, on the way of a question from its first entry to the published checkpoint, fails once and is
once the last thing that happened. Afterwards nothing that was acknowledged is lost, every question has one outcome, the ledger
adds up, and the log is one that begins with what was published before."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.failing import Case, another, begin, cases, check_home, travel

THREADS = ("main", "writer", "runner")
SAMPLED, SHARES, LONG_SHARES = 14, 2, 16


@dataclass
class Ground:
    """A home to copy, what its log was signed as, and how many calls a journey makes that nothing goes wrong on."""

    strace: str
    begun: Path
    folder: Path
    vkey: str
    note: str
    counts: dict[str, Counter[str]]

    def run(self, case: Case, way: str = "ask", begun: Path | None = None) -> bool:
        """One case from beginning to end; whether the call was met at all."""
        home = another(begun or self.begun, self.folder / "home")
        journey = travel(self.strace, home, way, case.thread, "-e", case.injection)
        try:
            if case.how == "KILL" and journey.injected:
                assert journey.status < 0 and journey.done("end") is None
            check_home(home, self.vkey, [self.note], journey)
        except BaseException as error:
            raise AssertionError(f"{case}: {journey.said}") from error
        return journey.injected


@pytest.fixture(scope="module")
def ground(furnished: Path, tmp_path_factory: pytest.TempPathFactory, tool: Callable[[str], str]) -> Ground:
    strace, folder = tool("strace"), tmp_path_factory.mktemp("calls")
    begun = begin(furnished, folder / "begun")
    vkey, note = (begun / "log/vkey").read_text().strip(), (begun / "log/checkpoint").read_text()
    ground, counts = Ground(strace, begun, folder, vkey, note, {}), {}
    for thread in THREADS:
        home = another(begun, folder / "home")
        journey = travel(strace, home, "ask", thread)
        assert journey.status == 0 and journey.done("end") == [], journey
        assert not [line for line in journey.said if line[0] == "failed"]
        check_home(home, vkey, [note], journey)
        counts[thread] = journey.calls
    ground.counts = counts
    return ground


def test_the_journey_writes_what_it_is_to_be_failed_at(ground: Ground) -> None:
    """The database by its one writer alone while it is used, the folder by whoever publishes."""
    assert ground.counts["writer"]["fdatasync"] >= 8 and ground.counts["writer"]["pwrite64"] > 100
    assert ground.counts["main"]["rename"] == 7 and ground.counts["main"]["fsync"] > 7
    assert not ground.counts["runner"]


@pytest.fixture(scope="module")
def sealed(ground: Ground) -> Path:
    """A home whose gateway was killed when the release was sealed, and not published yet."""
    home = another(ground.begun, ground.folder / "sealed")
    assert travel(ground.strace, home, "seal", "process").status == -signal.SIGKILL
    with sqlite3.connect(home / "database.sqlite") as books:
        assert books.execute("SELECT sealed FROM releases").fetchall() == [(1,)]
        assert books.execute("SELECT state FROM questions").fetchall() == [("running",)]
    return home


def recoveries(ground: Ground, sealed: Path) -> list[Case]:
    """What a start writes to the database before its port opens, and what its end does."""
    home = another(sealed, ground.folder / "home")
    journey = travel(ground.strace, home, "recover", "process")
    assert journey.status == 0 and journey.done("recovery") == [], journey
    check_home(home, ground.vkey, [ground.note], journey)
    with sqlite3.connect(home / "database.sqlite") as books:
        assert books.execute("SELECT state FROM questions").fetchall() == [("released",)]
    calls = Counter({call: journey.calls[call] for call in ("pwrite64", "fdatasync", "ftruncate", "unlink")})
    assert calls["fdatasync"] >= 2 and calls["pwrite64"] > 20
    return list(cases({"process": calls}))


def run_all(ground: Ground, chosen: list[Case], way: str = "ask", begun: Path | None = None) -> None:
    """All of them, however many fail: which ones is what helps to find out why."""
    met, failed = 0, []
    for case in chosen:
        try:
            met += ground.run(case, way, begun)
        except AssertionError as error:
            failed.append(f"{error}: {error.__cause__!r}")
    assert not failed, "\n".join(failed)
    assert met >= 0.9 * len(chosen), f"{met} of {len(chosen)} calls were met: the counts are those of another journey"


@pytest.mark.parametrize("share", range(SHARES))
def test_some_calls(ground: Ground, share: int) -> None:
    """Of each kind of call, spread evenly over the way."""
    every = list(cases(ground.counts))
    run_all(ground, every[share * 17 :: len(every) // SAMPLED][: SAMPLED // SHARES])


def test_some_calls_of_a_start_that_finishes_what_was_sealed(ground: Ground, sealed: Path) -> None:
    every = recoveries(ground, sealed)
    run_all(ground, every[5 :: len(every) // 4], "recover", sealed)


@pytest.mark.audit
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(LONG_SHARES))
def test_every_call(ground: Ground, share: int) -> None:
    run_all(ground, list(cases(ground.counts))[share::LONG_SHARES])


@pytest.mark.audit
@pytest.mark.timeout(1800)
def test_every_call_of_a_start_that_finishes_what_was_sealed(ground: Ground, sealed: Path) -> None:
    run_all(ground, recoveries(ground, sealed), "recover", sealed)
