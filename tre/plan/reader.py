"""The reader's main: take the pipes, confine, and only then import the parser; then read one question after the other.

Promises that the parser reaches no file of ours and no socket, and that what goes back is a plan or a refusal. Started by
`Reader` and by nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from tre.errors import Reason, Refusal
from tre.plan.nodes import Plan, to_json
from tre.plan.offer import Catalogue, catalogue_from_json
from tre.sandbox import GIB, confine, own_pipes

CATALOGUES = 16
FRAMES = 10_000  # sqlglot takes twenty for a bracket; 50 brackets are promised

Parse = Callable[[str, Catalogue, Mapping[str, tuple[str, ...]]], Plan]


class Desk:
    """One child's answers. A catalogue comes once and is known by its digest from then on."""

    def __init__(self, parse: Parse) -> None:
        self._parse = parse
        self._catalogues: dict[str, Catalogue] = {}

    def answer(self, message: Any) -> dict[str, Any]:
        """``{"plan": …}`` or ``{"refusal": …}``; ``{}`` for the first message, which asks only whether the child is there."""
        if "text" not in message:
            return {}
        if "offer" in message:
            if len(self._catalogues) >= CATALOGUES:
                self._catalogues.clear()
            self._catalogues[message["catalogue"]] = catalogue_from_json(message["offer"])
        offer = self._catalogues.get(message["catalogue"])
        if offer is None:
            return {"unknown": message["catalogue"]}
        try:
            lists = {name: tuple(codes) for name, codes in message["codelists"].items()}
            return {"plan": to_json(self._parse(message["text"], offer, lists))}
        except Refusal as refusal:
            return told(refusal)
        except Exception:  # noqa: BLE001 - whatever else goes wrong with a text, the text is refused and nothing is told of it
            return told(Refusal(Reason.SQL_NOT_UNDERSTOOD, "The text is not understood."))


def told(refusal: Refusal) -> dict[str, Any]:
    return {"refusal": [refusal.reason, refusal.detail, refusal.suggestion]}


def main(sandbox: bool) -> None:
    wire = own_pipes()
    sys.setrecursionlimit(FRAMES)
    confine([], [], sandbox=sandbox, memory=GIB)

    from tre.plan.parse import parse

    wire.listen(Desk(parse).answer)


if __name__ == "__main__":
    main(sys.argv[1] == "on")
