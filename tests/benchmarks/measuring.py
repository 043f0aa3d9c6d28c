"""What a process used: time, memory, disk; and the lines of a benchmark, kept so that the next run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: what was measured, the raw number beside it, the bar, and whether it is met (None: there is none)."""

    what: str
    measured: str
    raw: str = "-"
    bar: str = "-"
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """Of one process: seconds on the clock and of its cores, the most memory it held, the most bytes below a folder meanwhile."""

    wall_s: float
    cpu_s: float
    rss: int
    disk: int

    def __str__(self) -> str:
        return f"{self.wall_s:.0f} s, {self.cpu_s:.0f} CPU s, {self.rss / GIB:.2f} GiB, {self.disk / 1e9:.1f} GB on disk"


def tre(command: Sequence[str], watched: Path, environment: Mapping[str, str]) -> Used:
    """Run `tre` to its end; AssertionError with its last words where it fails."""
    began, peak, ended = time.perf_counter(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(1.0):
            peak[0] = max(peak[0], size_of(watched))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    told = watched / "tre.stderr"
    with told.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tre", *command], env=os.environ | dict(environment), stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
    ended.set()
    watching.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"tre {' '.join(command)}: {told.read_text()[-2_000:]}"
    cpu = used.ru_utime + used.ru_stime
    return Used(time.perf_counter() - began, cpu, 1024 * used.ru_maxrss, max(peak[0], size_of(watched)))


def offered(command: str, environment: Mapping[str, str]) -> bool:
    """Whether `tre` has a command."""
    asked = [sys.executable, "-m", "tre", command, "--help"]
    return subprocess.run(asked, env=os.environ | dict(environment), capture_output=True, check=False).returncode == 0


def size_of(folder: Path) -> int:
    """Bytes of the blocks of the files below a folder, one with two names once."""
    blocks: dict[int, int] = {}
    for path in folder.rglob("*"):
        try:
            told = path.lstat()
        except OSError:  # it has just gone
            continue
        blocks[told.st_ino] = told.st_blocks * 512
    return sum(blocks.values())


class Memory:
    """The most memory that a living process holds from here on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        with suppress(OSError):  # from its beginning on, then: never less
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        status = Path(f"/proc/{self._pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


class Kept:
    """What earlier runs measured, in a file: by part, lines and numbers."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._parts: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def lines(self, part: str) -> list[Line]:
        return [Line(**line) for line in self._parts.get(part, {}).get("lines", [])]

    def numbers(self, part: str) -> dict[str, float]:
        return dict(self._parts.get(part, {}).get("numbers", {}))

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def keep(self, part: str, lines: Sequence[Line], numbers: Mapping[str, float] | None = None) -> None:
        self._parts[part] = {"lines": [asdict(line) for line in lines], "numbers": dict(numbers or {})}
        self._file.write_text(json.dumps(self._parts, indent=1))


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say on stderr what is done, and how long it took."""
    began = time.perf_counter()
    sys.stderr.write(f"{what} … ")
    sys.stderr.flush()
    yield
    sys.stderr.write(f"{time.perf_counter() - began:.1f} s\n")
