"""Enters a list of opt-outs at the terminal of a home, and is killed at a moment: run as a program, with the home, the file, the
name of a step and how many times it has been reached by then. Says what was acknowledged."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.serving import office_of
from tre import optouts

PIECE = 50


def killed_at(step: str, times: int) -> None:
    """From here on the step ends this process, once it has been reached so often: inside its transaction."""
    real: Callable[..., Any] = getattr(optouts, step)
    reached = 0

    def stepped(*given: Any, **named: Any) -> Any:
        nonlocal reached
        done = real(*given, **named)
        reached += 1
        if reached == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(optouts, step, stepped)


if __name__ == "__main__":
    home, file, step, times = sys.argv[1:]
    optouts.PIECE = PIECE
    if step != "acknowledged":
        killed_at(step, int(times))
    with office_of(Path(home)) as office:
        told = office.deliver_opt_outs(office.host, Path(file), "local")
        sys.stdout.write(json.dumps(told))
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
