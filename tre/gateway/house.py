"""What the road runs through: the open rooms, handed over once at start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tre.errors import Reason, Refusal
from tre.gateway.known import Known
from tre.keys import Keys
from tre.plan.nodes import Plan
from tre.plan.offer import Catalogue
from tre.plan.reading import Reader
from tre.plan.steps import release_time as shipped_steps
from tre.policy import DatasetPolicy, Policies
from tre.state import State


def wall_clock() -> datetime:
    return datetime.now(UTC)


TURNS = 2


@dataclass(frozen=True, slots=True)
class House:
    """Database, policy, keys, reader of questions, store, lists of cleared people, clock, and whether the sandbox is on."""

    state: State
    policies: Policies
    catalogues: dict[str, Catalogue]
    keys: Keys
    reader: Reader
    store: Path
    registers: Path
    digests: dict[str, str]
    schemas: dict[str, str]
    sandbox: bool = True
    # The work of many askers takes turns, so that it does not keep the runners from sealing in time.
    turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(TURNS))
    known: Known = field(default_factory=Known)
    clock: Callable[[], datetime] = wall_clock
    release_time: Callable[[Plan, int, int, float, Mapping[str, int]], float] = shipped_steps

    def policy(self, dataset: str) -> DatasetPolicy:
        """The policy of a dataset, or NOT_FOUND in the words of a foreign one."""
        if dataset not in self.policies.datasets:
            raise Refusal(Reason.NOT_FOUND)
        return self.policies.datasets[dataset]
