"""What the road runs through: the open rooms, handed over once at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tre.errors import Reason, Refusal
from tre.keys import Keys
from tre.plan.offer import Catalogue
from tre.plan.reading import Reader
from tre.policy import DatasetPolicy, Policies
from tre.state import State


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """The database, the policy, the keys, the reader of questions, the store's folder, the clock and whether the sandbox is on."""

    state: State
    policies: Policies
    catalogues: dict[str, Catalogue]
    keys: Keys
    reader: Reader
    store: Path
    digests: dict[str, str]
    sandbox: bool = True
    clock: Callable[[], datetime] = wall_clock

    def policy(self, dataset: str) -> DatasetPolicy:
        """The policy of a dataset, or NOT_FOUND in the words of a foreign one."""
        if dataset not in self.policies.datasets:
            raise Refusal(Reason.NOT_FOUND)
        return self.policies.datasets[dataset]
