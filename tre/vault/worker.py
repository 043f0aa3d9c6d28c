"""The worker's main: take the pipes, confine, and only then import the engines; then answer one message after the other.

Promises that nothing of DuckDB's or OpenDP's runs before the sandbox stands, and that the only folders within reach are the
store, to read, and this worker's own, to write. Started by `Worker` and by nothing else.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from tre.sandbox import GIB, confine, own_pipes


def main(store: Path, temporary: Path, sandbox: bool, cores: tuple[int, ...], memory_gb: int) -> None:
    wire = own_pipes()
    if cores:
        os.sched_setaffinity(0, cores)
    confine([store], [temporary], sandbox=sandbox, memory=(2 * memory_gb + 6) * GIB)

    from tre.vault.answer import Vault
    from tre.vault.engines.duckdb import Limits

    gc.collect()
    gc.freeze()  # the engines' own objects are not looked through again for each answer of thousands of rows
    threads = len(os.sched_getaffinity(0))
    wire.listen(Vault(store, Limits(str(temporary), threads, memory_gb)).reply)


if __name__ == "__main__":
    _store, _temporary, _sandbox, _cores, _memory = sys.argv[1:]
    main(Path(_store), Path(_temporary), _sandbox == "on", tuple(int(c) for c in _cores.split(",") if c), int(_memory))
