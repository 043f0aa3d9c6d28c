"""Threads and processes append side by side, are killed, lose their disk: what was acknowledged is there, and the log holds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.audit.logs import START, Log
from tre import audit

APPENDER = Path(__file__).with_name("appender.py")
Ack = tuple[str, int, int]


def appender(home: Path, who: str, count: int, threads: int, *before: str) -> subprocess.Popen[str]:
    command = [*before, sys.executable, "-I", str(APPENDER), str(home), who, str(count), str(threads)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acks(lines: Iterator[str]) -> Iterator[Ack]:
    for line in lines:
        match line.split():
            case ["ack", who, number, index]:
                yield who, int(number), int(index)


def check(log: Log, acknowledged: list[Ack], whole: bool) -> None:
    """Each acknowledged entry is where it was said to be, and the log holds; ``whole``: nothing else is in it."""
    verdict = log.verify()
    assert verdict.ok, verdict
    with log.state.read() as tx:
        for who, number, index in acknowledged:
            kept = audit.entry(tx, index)
            assert kept is not None
            assert (kept.body["who"], kept.body["number"]) == (who, number)
    assert len({index for _, _, index in acknowledged}) == len(acknowledged)
    if whole:
        assert sorted(index for _, _, index in acknowledged) == list(range(verdict.size))


def test_eight_threads_and_two_processes_write_one_log(log: Log) -> None:
    others = [appender(log.home, f"process {number}", 100, 1) for number in range(2)]
    acknowledged: list[Ack] = []

    def work(who: str) -> None:
        for number in range(40):
            entry = audit.Entry("asked", START, {"who": who, "number": number})
            acknowledged.append((who, number, log.state.write(lambda tx, entry=entry: audit.append(tx, entry)).index))

    threads = [threading.Thread(target=work, args=(f"thread{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for other in others:
        out, _ = other.communicate(timeout=60)
        assert other.returncode == 0
        for line in out.splitlines():
            match line.split():
                case ["ack", _, who, number, index]:
                    acknowledged.append((f"process {who}", int(number), int(index)))
    for thread in threads:
        thread.join()
    assert len(acknowledged) == 8 * 40 + 2 * 100
    check(log, acknowledged, whole=True)


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    """Ten kills at ten moments; what was being written may be there or not, and the log holds either way."""
    chance = random.Random(9)
    acknowledged: list[Ack] = []
    for turn in range(10):
        process = appender(tmp_path, f"turn{turn}", 100_000, 4)
        assert process.stdout is not None
        lines = iter(process.stdout)
        assert next(lines) == "ready\n"
        before, stop = len(acknowledged), chance.randint(1, 200)
        for ack in acks(lines):
            acknowledged.append(ack)
            if len(acknowledged) == before + stop:
                process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        process.stdout.close()
        assert len(acknowledged) >= before + stop
        with Log(tmp_path).open() as log:
            check(log, acknowledged, whole=False)
    with Log(tmp_path).open() as log:
        # Between a commit and its acknowledgement there is at most one entry of each thread.
        with log.state.read() as tx:
            assert audit.size(tx) - len(acknowledged) <= 10 * 4
        log.fill(audit_size(log) + 5)
        log.sign()
        check(log, acknowledged, whole=False)


def audit_size(log: Log) -> int:
    with log.state.read() as tx:
        return audit.size(tx)


def test_a_disk_that_fails_to_sync_stops_all_writing(tmp_path: Path, tool: Callable[[str], str]) -> None:
    """Nobody is told that an entry is kept from the first failed sync on, and a second sync is not believed."""
    failing = (tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync")
    inject = ("-e", "inject=fdatasync,fsync:error=EIO:when=25+")
    process = appender(tmp_path, "unlucky", 1000, 2, *failing, *inject)
    out, _ = process.communicate(timeout=60)
    lines = out.splitlines()
    faults = [line for line in lines if line.startswith("fault")]
    assert faults == ["fault state False"] * 2
    acknowledged = list(acks(iter(lines)))
    assert 0 < len(acknowledged) < 200
    assert lines[-1] == "done"
    with Log(tmp_path).open() as log:
        check(log, acknowledged, whole=False)


@pytest.mark.parametrize("when", [40, 160, 201])
def test_killed_inside_a_system_call(tmp_path: Path, tool: Callable[[str], str], when: int) -> None:
    killing = (tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync")
    process = appender(tmp_path, "killed", 1000, 2, *killing, "-e", f"inject=pwrite64,fdatasync:signal=KILL:when={when}")
    out, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    with Log(tmp_path).open() as log:
        log.fill(3)
        check(log, list(acks(iter(out.splitlines()))), whole=False)
