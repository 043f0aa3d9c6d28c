"""How often somebody may do what is free: a bucket of tokens a person, so that previews cannot be a flood."""

from __future__ import annotations

import threading
import time

from tre.errors import Reason, Refusal

BURST, PER_SECOND = 60.0, 10.0
MOST_PEOPLE = 10_000


class Pace:
    """``burst`` at once, then so many a second."""

    def __init__(self, burst: float = BURST, per_second: float = PER_SECOND) -> None:
        self._burst, self._per_second = burst, per_second
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """One, or TOO_MANY_REQUESTS."""
        now = time.monotonic()
        with self._lock:
            left, then = self._left.get(who, (self._burst, now))
            left = min(self._burst, left + (now - then) * self._per_second)
            if len(self._left) > MOST_PEOPLE:
                self._left.clear()
            self._left[who] = (max(0.0, left - 1), now)
        if left < 1:
            raise Refusal(Reason.TOO_MANY_REQUESTS, "Previews come too fast; nothing was charged.", "Slow down to ten a second.")
