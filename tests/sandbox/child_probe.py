"""A child for the tests, run as a script: confines itself as a worker does, then tries what the test asks, and tells."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tre.sandbox import confine, own_pipes

WIRE = own_pipes()
READ, WRITE, MODE = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if MODE != "free":
    confine([READ], [WRITE])


def attempt(act: Any) -> str:
    try:
        return f"done: {act()!r}"[:200]
    except Exception as error:
        return type(error).__name__


def fork() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1]


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 2).close()


def in_thread(act: Any) -> Any:
    kept: list[str] = []
    thread = threading.Thread(target=lambda: kept.append(attempt(act)))
    thread.start()
    thread.join()
    return kept[0]


def copy(target: str) -> str:
    """DuckDB writes ``target`` from one of its own threads: nothing of its own lock-down is set here."""
    import duckdb

    connection = duckdb.connect(config={"threads": "4", "temp_directory": str(WRITE)})
    connection.execute(f"COPY (SELECT i FROM range(300_000) t(i)) TO '{target}' (FORMAT csv, PER_THREAD_OUTPUT false)")
    return "written"


def read_csv(target: str) -> Any:
    import duckdb

    return duckdb.sql(f"SELECT content FROM read_text('{target}')").fetchall()


ACTS: dict[str, Any] = {
    "read": lambda m: attempt(lambda: Path(m["path"]).read_text()),
    "list": lambda m: attempt(lambda: os.listdir(m["path"])),
    "write": lambda m: attempt(lambda: Path(m["path"]).write_text("x")),
    "truncate": lambda m: attempt(lambda: os.truncate(m["path"], 0)),
    "remove": lambda m: attempt(lambda: os.remove(m["path"])),
    "rename": lambda m: attempt(lambda: os.rename(m["path"], m["to"])),
    "symlink": lambda m: attempt(lambda: os.symlink("/etc", m["path"])),
    "copy": lambda m: attempt(lambda: copy(m["path"])),
    "read_csv": lambda m: attempt(lambda: read_csv(m["path"])),
    "connect": lambda m: attempt(lambda: connect(m["port"])),
    "udp": lambda m: attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "unix": lambda m: attempt(lambda: socket.socket(socket.AF_UNIX)),
    "exec": lambda m: attempt(lambda: os.execv(sys.executable, [sys.executable, "-c", "1"])),
    "spawn": lambda m: attempt(lambda: subprocess.run(["/bin/true"], check=True)),
    "fork": lambda m: attempt(fork),
    "thread": lambda m: in_thread(lambda: "ran"),
    "signal": lambda m: attempt(lambda: os.kill(m["pid"], signal.SIGUSR1)),
    "environ": lambda m: sorted(os.environ),
    "parent": lambda m: attempt(lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()),
    "descriptors": lambda m: attempt(lambda: sorted(int(name) for name in os.listdir("/proc/self/fd"))),
    "print": lambda m: attempt(lambda: (print("stray"), os.write(1, b"stray"), os.write(2, b"stray"), sys.stderr.write("s"))),
    "memory": lambda m: attempt(lambda: len(bytearray(m["bytes"]))),
    "echo": lambda m: m["value"],
    "spin": lambda m: time.sleep(m["seconds"]),
    "busy": lambda m: sum(1 for _ in iter(int, 1)),
    "die": lambda m: os._exit(3),
    "raw": lambda m: (WIRE._sink.write(bytes.fromhex(m["hex"])), WIRE._sink.flush(), time.sleep(60)),
}


def answer(message: Any) -> dict[str, Any]:
    return {"said": ACTS[message["act"]](message)}


WIRE.listen(answer)
