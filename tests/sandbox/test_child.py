"""The pipe: length-prefixed JSON, a deadline, and a child that is killed rather than believed."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.conftest import HERE, Places
from tre.sandbox import LARGEST_MESSAGE, Child, ChildDied, ChildTimeout

Start = Callable[..., Child]


def gone(pid: int, within_s: float = 20) -> bool:
    """Whether a process has ended (a zombie has)."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_what_is_sent_comes_back(start: Start) -> None:
    child = start()
    value = {"text": "é\u0000", "list": [1, -(2**70), None, True], "long": "x" * 1_000_000}
    for _ in range(3):
        assert child.call({"act": "echo", "value": value}, 10) == {"said": value}


def test_stray_prints_do_not_reach_the_pipe(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    child = start()
    child.call({"act": "print"}, 10)
    assert child.call({"act": "echo", "value": 1}, 10) == {"said": 1}
    assert capfd.readouterr() == ("", "")


def test_a_late_child_is_killed(start: Start) -> None:
    child = start()
    child.call({"act": "echo", "value": 1}, 10)
    began = time.monotonic()
    with pytest.raises(ChildTimeout):
        child.call({"act": "busy"}, 0.3)
    assert time.monotonic() - began < 10
    assert not child.alive and gone(child.pid)


def test_a_dead_child_is_told(start: Start) -> None:
    child = start()
    with pytest.raises(ChildDied):
        child.call({"act": "die"}, 10)
    with pytest.raises(ChildDied):
        child.call({"act": "echo", "value": 1}, 10)


def test_an_exception_in_the_child_ends_it_silently(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildDied) as raised:
        start().call({"act": "no such act"}, 10)
    assert str(raised.value) == "" and raised.value.__cause__ is None
    assert capfd.readouterr() == ("", "")


def test_a_child_that_does_not_read_is_killed(start: Start) -> None:
    child = start()
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildTimeout):
        child.call({"act": "echo", "value": "x" * 8_000_000}, 0.3)
    assert gone(child.pid)


def framed(body: bytes) -> str:
    return (struct.pack(">I", len(body)) + body).hex()


HOSTILE = {
    "too long": struct.pack(">I", LARGEST_MESSAGE + 1).hex(),
    "not JSON": framed(b"\x80\x04\x95"),
    "not UTF-8": framed(b'{"said":"\xff"}'),
    "not an object": framed(b"[1]"),
    "NaN": framed(b'{"said":NaN}'),
    "deep": framed(b"[" * 200_000 + b"]" * 200_000),
    "a number of a million digits": framed(b'{"said":' + b"9" * 1_000_000 + b"}"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_death(start: Start, name: str) -> None:
    child = start()
    with pytest.raises(ChildDied):
        child.call({"act": "raw", "hex": HOSTILE[name]}, 20)
    assert gone(child.pid)


def test_half_a_reply_runs_into_the_deadline(start: Start) -> None:
    with pytest.raises(ChildTimeout):
        start().call({"act": "raw", "hex": framed(b'{"said":1}')[:-4]}, 1)


def test_a_kill_from_another_thread_ends_the_call(start: Start) -> None:
    child = start()
    child.call({"act": "echo", "value": 1}, 10)
    threading.Timer(0.2, child.kill).start()
    with pytest.raises(ChildDied):
        child.call({"act": "spin", "seconds": 30}, 20)


@pytest.mark.parametrize("act", ["busy", "spin"])
def test_a_child_dies_with_its_parent(places: Places, tmp_path: Path, act: str) -> None:
    """The parent is killed with -9 while the child is busy; the thread that made the child ended before, and the parent ignored
    the signal that an asynchronous pipe sends where none is chosen."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import signal, sys, threading\n"
        "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
        "from tre import sandbox\n"
        "sandbox._command = lambda module, arguments: [sys.executable, '-I', '-B', module, *arguments]\n"
        "made = []\n"
        f"arguments = {[str(HERE / 'child_probe.py'), str(places.read), str(places.write), 'confined']!r}\n"
        "maker = threading.Thread(target=lambda: made.append(sandbox.Child(*arguments)))\n"
        "maker.start(); maker.join()\n"
        "made[0].call({'act': 'echo', 'value': 1}, 10)\n"
        "print(made[0].pid, flush=True)\n"
        f"made[0].call({json.dumps({'act': act, 'seconds': 60})}, 60)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        time.sleep(0.2)
        assert not gone(pid, 0.1)
        parent.kill()
        assert gone(pid)


def test_no_descriptor_is_left_behind(start: Start) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        start().kill()
    assert len(os.listdir("/proc/self/fd")) == before
