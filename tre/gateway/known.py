"""Questions that were answered by an earlier release before: what that release is found by need not be worked out again.

Kept for each project by itself: how fast an answer comes must not tell what others ask. Decides nothing: whoever uses it compares
what it was worked out from with the database, in the transaction that gives the release.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from tre.loss import PrivacyLoss
from tre.terms import Request

MOST = 1_024
LONGEST_TEXT = 4_096  # characters of the question and its own code lists: what is longer is worked out each time


@dataclass(frozen=True, slots=True)
class Sought:
    """What an earlier release is found by: its key, and the scales and the loss it must not exceed. ``purpose``, ``stated``,
    the project's budget, and ``exemptions`` are what this was worked out from."""

    purpose: str
    stated: PrivacyLoss
    repeat_key: str
    scales: Mapping[str, float]
    loss: PrivacyLoss
    exemptions: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "pure" if self.loss.pure else "concentrated"


class Known:
    """The newest of them."""

    def __init__(self) -> None:
        self._sought: OrderedDict[Hashable, Sought] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, request: Request, sought: Sought) -> None:
        size = len(request.sql) + sum(len(code) for codes in request.codelists.values() for code in codes)
        if request.fresh or size > LONGEST_TEXT:
            return
        with self._lock:
            self._sought[_name(request)] = sought
            while len(self._sought) > MOST:
                self._sought.popitem(last=False)

    def find(self, request: Request) -> Sought | None:
        """None for what was not answered so before, and for what asks for a fresh draw."""
        if request.fresh or not self._sought:
            return None
        with self._lock:
            name = _name(request)
            if name in self._sought:
                self._sought.move_to_end(name)
            return self._sought.get(name)

    def forget(self, request: Request) -> None:
        with self._lock:
            self._sought.pop(_name(request), None)


def _name(request: Request) -> Hashable:
    asking = request.asking
    margin = tuple(sorted(asking.margin.items())) if isinstance(asking.margin, Mapping) else asking.margin
    asked = (asking.share, asking.rho, asking.epsilon, margin, asking.margin_at)
    return request.project, request.dataset, request.sql, asked, tuple(sorted(request.codelists.items()))
