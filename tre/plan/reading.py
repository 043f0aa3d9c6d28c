"""Text → `Plan`, through children that can be killed: what the gateway calls.

Promises an answer, plan or refusal, within a second of a free reader; that a text which keeps a reader busy for half a second is
refused and costs the next asker nothing but a warm spare; and that a plan which comes back speaks of the catalogue only. Keeps
digests of texts, never a text.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from tre.errors import Reason, Refusal, Unfit
from tre.plan.hints import too_large
from tre.plan.nodes import Plan, from_json
from tre.plan.offer import Catalogue, catalogue_to_json
from tre.plan.tokens import check
from tre.sandbox import Child, ChildFailed, ChildTimeout
from tre.terms import canonical, digest

DEADLINE_S = 0.5  # of one reading
START_S = 60.0
CACHED = 1_024
CODES_CACHED = 2_000  # a plan with more codes than this is not kept
KILLED_FOR_S = 30.0  # how long a text that had to be killed is refused unread
STARVED_S = 0.2  # a child that has worked less in its time was kept waiting by the machine: the text is not at fault
PATIENCE_S = 5.0  # how long a text waits for a free reader
HARRIED_S = 0.35  # the same for a long text, and for each soon after one had to be killed: then an answer comes within a second
LONG = 2_000  # characters; what is shorter is read in a few milliseconds

Codelists = Mapping[str, tuple[str, ...]]


class _Seat:
    """A child, and the catalogues that it knows."""

    def __init__(self, sandbox: bool) -> None:
        self.child = Child("tre.plan.reader", "on" if sandbox else "off")
        self._knows: set[str] = set()

    def read(self, text: str, catalogue: Catalogue, codelists: Codelists) -> dict[str, Any]:
        message: dict[str, Any] = {"text": text, "catalogue": catalogue.digest, "codelists": dict(codelists)}
        if catalogue.digest not in self._knows:
            message["offer"] = catalogue_to_json(catalogue)
        reply = self.child.call(message, DEADLINE_S)
        if "unknown" in reply:
            reply = self.child.call(message | {"offer": catalogue_to_json(catalogue)}, DEADLINE_S)
        self._knows.add(catalogue.digest)
        return reply


class _Pool:
    """Children that are ready, of which so many read at once; the others are spares. A child that is lost is replaced."""

    def __init__(self, sandbox: bool, workers: int, spares: int) -> None:
        self._sandbox, self._free = sandbox, workers
        self._turn = threading.Condition()
        self._idle: list[_Seat] = []
        self._waiting: list[tuple[int, float]] = []
        self._seats: set[_Seat] = set()
        self._closed = False
        self._killed_at = float("-inf")
        if not self._start():
            raise Unfit("The reader of questions did not start; where the kernel has no Landlock, set TRE_SANDBOX=off")
        self._wanted = workers + spares - 1  # started with the first question

    def _start(self) -> bool:
        """One more child, once it has said that it is there."""
        seat = _Seat(self._sandbox)
        with self._turn:
            self._seats.add(seat)
        try:
            seat.child.call({}, START_S)
        except ChildFailed:
            self._forget(seat)
            return False
        with self._turn:
            self._idle.append(seat)
            self._turn.notify_all()
        if self._closed:
            self.close()
        return True

    def _start_beside(self) -> None:
        threading.Thread(target=self._start, name="reader", daemon=True).start()

    def _forget(self, seat: _Seat) -> None:
        seat.child.kill()
        with self._turn:
            self._seats.discard(seat)

    def take(self, length: int) -> _Seat:
        """A ready child, the shortest text first; `Refusal` when there is none for too long."""
        began = time.monotonic()
        me = (length, began)
        with self._turn:
            self._waiting.append(me)
            for _ in range(self._wanted):
                self._start_beside()
            self._wanted = 0
            try:
                while not (self._idle and self._free and min(self._waiting) == me):
                    if self._closed:
                        raise Refusal(Reason.NOT_READY, "The server is stopping.", "Ask again in a minute.")
                    left = began + self._patience(length) - time.monotonic()
                    if left <= 0:
                        raise Refusal(Reason.TOO_MANY_REQUESTS, "Every reader of questions is busy.", "Ask again in a second.")
                    self._turn.wait(min(left, 0.1))
                self._free -= 1
                return self._idle.pop()
            finally:
                self._waiting.remove(me)
                self._turn.notify_all()

    def _patience(self, length: int) -> float:
        harried = time.monotonic() - self._killed_at < KILLED_FOR_S
        return HARRIED_S if harried or length > LONG else PATIENCE_S

    def give(self, seat: _Seat) -> None:
        with self._turn:
            self._free += 1
            self._idle.append(seat)
            self._turn.notify_all()

    def lost(self, seat: _Seat, killed: bool) -> None:
        """The child is dead: another takes its turn at once, and its place soon."""
        with self._turn:
            self._free += 1
            self._killed_at = time.monotonic() if killed else self._killed_at
            self._turn.notify_all()
        self._forget(seat)
        if not self._closed:
            self._start_beside()

    def close(self) -> None:
        with self._turn:
            self._closed = True
            seats, self._seats, self._idle = self._seats, set(), []
            self._turn.notify_all()
        for seat in seats:
            seat.child.kill()


class Reader:
    """Reads questions; safe to call from many threads."""

    def __init__(self, sandbox: bool = True, workers: int = 2, spares: int = 1) -> None:
        self._pool = _Pool(sandbox, workers, spares)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[Plan | Refusal, float]] = OrderedDict()
        self._coming: dict[str, Future[Plan | Refusal]] = {}

    def parse(self, text: str, catalogue: Catalogue, codelists: Codelists, project: str = "") -> Plan:
        """The plan of a question, or `Refusal`. ``codelists``: all that the question may name. What was
        read is remembered for each ``project`` by itself: its time must not tell what others ask."""
        named = check(text, catalogue.names).codelists
        lists = {name: codes if name in named else () for name, codes in codelists.items()}
        key = digest(canonical([text, catalogue.digest, lists, project]))
        with self._lock:
            found = self._recall(key)
            coming = self._coming.get(key)
            mine = found is None and coming is None
            if mine:
                coming = self._coming[key] = Future()
        if mine:
            found = self._read(key, text, catalogue, lists)
        elif found is None:
            assert coming is not None
            found = coming.result()
        if isinstance(found, Refusal):
            raise Refusal(found.reason, found.detail, found.suggestion)
        assert found is not None
        return found

    def close(self) -> None:
        self._pool.close()

    def _recall(self, key: str) -> Plan | Refusal | None:
        found, until = self._known.get(key, (None, 0.0))
        if found is None or time.monotonic() > until:
            return None
        self._known.move_to_end(key)
        return found

    def _read(self, key: str, text: str, catalogue: Catalogue, lists: Codelists) -> Plan | Refusal:
        """One reading for all who ask the same text at once. Nobody waits for an answer that does not come."""
        found: Plan | Refusal = Refusal(Reason.NOT_READY, "The question could not be read.", "Ask again.")
        try:
            found = self._ask(text, catalogue, lists)
        except Refusal as refusal:
            found = refusal
        finally:
            with self._lock:
                if sum(map(len, lists.values())) <= CODES_CACHED:
                    self._keep(key, found)
                self._coming.pop(key).set_result(found)
        return found

    def _keep(self, key: str, found: Plan | Refusal) -> None:
        reason = found.reason if isinstance(found, Refusal) else None
        if reason in (Reason.TOO_MANY_REQUESTS, Reason.NOT_READY):
            return
        self._known[key] = (found, time.monotonic() + (KILLED_FOR_S if reason == Reason.TOO_LARGE else float("inf")))
        self._known.move_to_end(key)
        while len(self._known) > CACHED:
            self._known.popitem(last=False)

    def _ask(self, text: str, catalogue: Catalogue, lists: Codelists) -> Plan:
        """A child's answer. Where it dies by itself, or was kept waiting, another is asked, once; where it worked too long, the
        text is at fault."""
        deaths, busy = 0, False
        while deaths < 2:
            seat = self._pool.take(len(text))
            if not seat.child.alive:
                self._pool.lost(seat, killed=False)
                continue
            try:
                answer = _believed(seat.read(text, catalogue, lists), catalogue)
            except ChildTimeout as timeout:
                busy = timeout.cpu_s < STARVED_S
                self._pool.lost(seat, killed=not busy)
                if busy:
                    deaths += 1
                    continue
                raise too_large("The text takes too long to read.", "Write it shorter and flatter.") from None
            except BaseException as error:
                self._pool.lost(seat, killed=False)
                if not isinstance(error, ChildFailed):
                    raise
                deaths, busy = deaths + 1, False
                continue
            self._pool.give(seat)
            if isinstance(answer, Refusal):
                raise answer
            return answer
        if busy:
            raise Refusal(Reason.TOO_MANY_REQUESTS, "Every reader of questions is busy.", "Ask again in a second.")
        raise too_large("The text takes too long to read.", "Write it shorter and flatter.")


def _believed(reply: dict[str, Any], catalogue: Catalogue) -> Plan | Refusal:
    """What a child said, if it can be an answer: the child reads what strangers write."""
    try:
        if "refusal" in reply:
            reason, detail, suggestion = reply["refusal"]
            if isinstance(detail, str) and isinstance(suggestion, str) and len(detail) + len(suggestion) <= 4_000:
                return Refusal(Reason(reason), detail, suggestion)
        plan = from_json(reply["plan"])
        if isinstance(plan, Plan) and catalogue.admits(plan):
            return plan
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError):
        pass
    raise ChildFailed
