"""How large a plan is when it is written out.

Promises a count in time proportional to what was made, however often a part is used again: COALESCE and BETWEEN use their
argument twice, and twice in each other doubles with every step.
"""

from __future__ import annotations

from typing import Any

from tre.plan.hints import too_large
from tre.plan.nodes import Node

LARGEST_VALUE = 4_000  # nodes of one value of a row
LARGEST_PLAN = 10_000


class Sizes:
    """The sizes of what was counted so far, by identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, int]] = {}

    def of(self, part: Any) -> int:
        """How many nodes a node or a tuple of nodes has, itself included."""
        if isinstance(part, tuple):
            return sum(map(self.of, part))
        if not isinstance(part, Node):
            return 0
        if id(part) not in self._known:
            names: tuple[str, ...] = part.__slots__  # type: ignore[attr-defined]
            size = 1 + sum(self.of(getattr(part, name)) for name in names)
            self._known[id(part)] = part, size  # kept, so that no other node gets its identity
        return self._known[id(part)][1]

    def check(self, part: Node, most: int = LARGEST_VALUE) -> None:
        if self.of(part) > most:
            raise too_large("The question computes too much of one row.", "Write it with fewer functions inside functions.")
