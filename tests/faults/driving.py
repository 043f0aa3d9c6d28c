"""The parent of gateways from where the tests stand: it starts one, talks to it, and kills it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.gatehouse import SECONDS, receive, send
from tests.serving import ROOT


class Gatehouse:
    """The parent of all gateways, and the one that lives."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.gatehouse"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.pid, self.wire = 0, socket.socket(socket.AF_UNIX)
        self.seen: Counter[str] = Counter()
        self.mutant: str | None = None

    def start(self, folder: Path) -> None:
        assert self.process.stdin
        place = folder / "wire"
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(place))
            door.listen(1)
            door.settimeout(SECONDS)
            paths = {"home": str(folder / "home"), "clock": str(folder / "clock"), "wire": str(place), "mutant": self.mutant}
            send(self.process.stdin.fileno(), paths)
            self.wire.close()
            self.wire, _ = door.accept()
        self.pid = self.heard()["ready"]

    def tell(self, do: str, **more: Any) -> None:
        send(self.wire.fileno(), {"do": do, **more})

    def heard(self) -> dict[str, Any]:
        told = receive(self.wire.fileno())
        assert told is not None, "the gateway died by itself"
        return told

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        self.tell(do, **more)
        return self.heard()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self._ended() == -signal.SIGKILL

    def close(self) -> None:
        self.tell("close")
        assert self._ended() == 0

    def _ended(self) -> int:
        assert self.process.stdout
        told = receive(self.process.stdout.fileno())
        assert told is not None, "the gateways' parent is gone"
        self.wire.close()
        self.pid = 0
        return int(told["ended"])

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()
        self.wire.close()
