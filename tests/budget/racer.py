"""One of several processes that spend one budget: opens the database, waits for the word, asks in eight threads until told no.

Prints the reservations it was given. The ledger's own write path, in a process of its own, as `tre` commands beside a server are.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.budget.books import AT
from tre import budget
from tre.errors import Refusal
from tre.loss import PrivacyLoss
from tre.state import State

THREADS = 8
COST = PrivacyLoss(rho=7)


def main(url: str, name: str) -> None:
    with State.open(url) as state:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()

        def spend(thread: int) -> list[str]:
            given: list[str] = []
            while ask(state, f"{name}-{thread}-{len(given)}"):
                given.append(f"{name}-{thread}-{len(given)}")
            return given

        with ThreadPoolExecutor(THREADS) as threads:
            given = [id for ids in threads.map(spend, range(THREADS)) for id in ids]
        sys.stdout.write(json.dumps(given) + "\n")


def ask(state: State, id: str) -> bool:
    asked = {"id": id, "question": id, "project": "demo", "dataset": "gp", "person": None}
    try:
        state.write(lambda tx: budget.reserve(tx, loss=COST, at=AT, **asked))  # type: ignore[arg-type]
    except Refusal:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
