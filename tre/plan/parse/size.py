"""How large a plan is when it is written out, and how deep its values are.

Promises a count in time proportional to what was made, however often a part is used again: COALESCE and BETWEEN use their
argument twice, and twice in each other doubles with every step. A sum of many parts is as deep as it is long, for each stands
beside the sum of those before it; an engine takes 250 expressions inside each other, and a value's node is up to four of them.
"""

from __future__ import annotations

from typing import Any

from tre.plan.hints import too_large
from tre.plan.nodes import Node, Relation

LARGEST_VALUE = 4_000  # nodes of one value of a row
LARGEST_PLAN = 10_000
DEEPEST = 64  # nodes inside each other; relations do not count


class Sizes:
    """The sizes of what was counted so far, by identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, int, int]] = {}

    def of(self, part: Any) -> tuple[int, int]:
        """How many nodes a node or a tuple of nodes has, itself included, and how many are inside each other."""
        if isinstance(part, tuple):
            return self._all(part)
        if not isinstance(part, Node):
            return 0, 0
        if id(part) not in self._known:
            names: tuple[str, ...] = part.__slots__  # type: ignore[attr-defined]
            size, depth = self._all(tuple(getattr(part, name) for name in names))
            # The part is kept, so that no other node gets its identity.
            self._known[id(part)] = part, 1 + size, depth + (not isinstance(part, Relation))
        return self._known[id(part)][1:]

    def _all(self, parts: tuple[Any, ...]) -> tuple[int, int]:
        found = [self.of(part) for part in parts]
        return sum(size for size, _ in found), max((depth for _, depth in found), default=0)

    def check(self, part: Node, most: int = LARGEST_VALUE) -> None:
        size, depth = self.of(part)
        if size > most:
            raise too_large("The question computes too much of one row.", "Write it with fewer functions inside functions.")
        if depth > DEEPEST:
            raise too_large(
                f"The question computes in more than {DEEPEST} steps, each of the one before.",
                "Add or compare fewer values at once.",
            )
