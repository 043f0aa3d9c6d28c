"""Acts of the office, each in a process of its own that is killed at one of its steps: before a file is renamed, linked, removed,
synced or given another mode, before a folder is made or removed, before and after each transaction.

Run as a script it is the parent that has imported everything, has no thread, and forks one process an act.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.serving import POLICIES, SAMPLE, office_of
from tre.office import Office
from tre.office.restoring import restore
from tre.settings import Settings
from tre.state import State

EVENTS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.link", "shutil.rmtree", "shutil.copyfile"}


class Steps:
    """Counts, and kills at the one that is asked for."""

    def __init__(self, at: int) -> None:
        self.at, self.done = at, 0

    def __call__(self) -> None:
        self.done += 1
        if self.done == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        sys.addaudithook(lambda event, _: self() if event in EVENTS else None)
        os.fsync = self._before(os.fsync)
        write = State.write

        def written(state: State, *arguments: Any, **more: Any) -> Any:
            self()
            value = write(state, *arguments, **more)
            self()
            return value

        State.write = written  # type: ignore[method-assign]

    def _before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def after(*arguments: Any) -> Any:
            self()
            return act(*arguments)

        return after


def _with(home: str, do: Callable[[Office], Any]) -> None:
    with office_of(Path(home)) as office:
        do(office)


ACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "apply": lambda o: _with(o["home"], lambda office: office.receive_opt_outs(office.host, "local", o["numbers"])),
    "load": lambda o: _with(o["home"], lambda office: office.load(office.host, "gp", SAMPLE)),
    "erase": lambda o: _with(o["home"], lambda office: office.erase(office.host, "gp")),
    "backup": lambda o: _with(o["home"], lambda office: office.back_up(office.host, Path(o["place"]))),
    "restore": lambda o: restore(Settings(home=Path(o["home"]), policies=POLICIES, _env_file=None), Path(o["place"])),  # type: ignore[call-arg]
}


def act(order: dict[str, Any]) -> int:
    """How many steps it had, in a file; the status."""
    steps = Steps(order["at"])
    steps.watch()
    ACTS[order["act"]](order)
    with contextlib.suppress(OSError):
        Path(order["told"]).write_text(str(steps.done))
    return 0


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                os._exit(act(json.loads(line)))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
