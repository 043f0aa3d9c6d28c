"""A process of its own that appends to a log and acknowledges each entry on its output: `appender.py HOME WHO COUNT THREADS`.

The first thread signs a checkpoint now and then. When a write is a fault, the process says so, and whether the next one is too.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from tre import audit
from tre.errors import Fault
from tre.keys import Keys
from tre.state import State


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def work(state: State, keys: Keys, who: str, count: int, signs: bool) -> None:
    for number in range(count):
        entry = audit.Entry("asked", datetime.now(UTC), {"who": who, "number": number})
        try:
            position = state.write(lambda tx, entry=entry: audit.append(tx, entry))  # type: ignore[misc]
            say("ack", who, number, position.index)
            if signs and number % 7 == 0:
                now = datetime.now(UTC)
                state.write(lambda tx, now=now: audit.publish(tx, keys.sign, keys.verify_key, "example.org/log", now))  # type: ignore[misc]
        except Fault as fault:
            say("fault", fault.code, state.sound)
            return


def main(home: str, who: str, count: str, threads: str) -> None:
    state = State.open(f"sqlite:///{home}/database.sqlite")
    keys = Keys.open(Path(home) / "keys")
    say("ready")
    workers = [
        threading.Thread(target=work, args=(state, keys, f"{who}.{turn}", int(count), turn == 0)) for turn in range(int(threads))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    say("done")
    state.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
