"""What a controller delivers, line by line turned into pseudonyms before anything is written. Every line is counted once; the
number itself is kept nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tre.errors import Reason, Refusal
from tre.optouts.lines import REGIMES_TOLD, JsonBody, Line
from tre.persons import PSEUDONYM_BYTES, compact, pseudonyms_under, valid_nhs_number

INVALID = "invalid-nhs-number"
MISSING = "missing"
# What became of a line, a byte each. ABSENT: no line of this delivery, such as an empty one.
ABSENT, APPLIED, KNOWN, PENDING, WITHDRAWN = 0, 1, 2, 3, 4
REJECTED = {16: INVALID, 17: MISSING}
_CODES = {reason: code for code, reason in REJECTED.items()}
# How many of the rejected lines are named, so that a controller finds the mistake.
NAMED = 20
# A place in a batch has three bytes; a list of everybody in England comes in several.
MOST_LINES = 10_000_000

_RANK_BYTES = 4
RECORD_BYTES = PSEUDONYM_BYTES + _RANK_BYTES


def _shelves() -> list[bytearray]:
    return [bytearray() for _ in range(256)]


@dataclass(slots=True)
class Delivery:
    """One regime's part of a delivery, ready to be applied. ``named``: the first rejected lines. ``states``: what became of each
    line since the first, ``first``. Of a line 21 bytes are held: its state, and its pseudonym and rank until it is entered."""

    rejected: Counter[str] = field(default_factory=Counter)
    named: list[int] = field(default_factory=list)
    first: int = -1
    states: bytearray = field(default_factory=bytearray, repr=False)
    # By the first byte of the pseudonym: put in order shelf by shelf, a list of millions needs no second copy.
    _shelves: list[bytearray] = field(default_factory=_shelves, repr=False)

    def accept(self, line: int, pseudonym: bytes) -> None:
        rank = line - self.first
        if rank == len(self.states) and 0 < rank < MOST_LINES:  # the next line: almost always
            self.states.append(PENDING)
        else:
            rank = self._rank(line, PENDING)
        self._shelves[pseudonym[0]] += pseudonym + rank.to_bytes(_RANK_BYTES, "big")

    def reject(self, line: int, reason: str) -> None:
        self._rank(line, _CODES[reason])
        self.rejected[reason] += 1
        if len(self.named) < NAMED:
            self.named.append(line)

    def _rank(self, line: int, state: int) -> int:
        if self.first < 0:
            self.first = line
        rank = line - self.first
        if rank >= MOST_LINES:
            raise Refusal(Reason.TOO_LARGE, f"A list has at most {MOST_LINES:,} lines.", "Deliver it in several lists.")
        if rank > len(self.states):
            self.states += bytes(rank - len(self.states))
        self.states.append(state)
        return rank

    @property
    def accepted(self) -> int:
        return sum(map(len, self._shelves)) // RECORD_BYTES

    @property
    def received(self) -> int:
        return self.accepted + sum(self.rejected.values())

    @property
    def pseudonyms(self) -> list[bytes]:
        """All of them, in order."""
        return [record[:PSEUDONYM_BYTES] for shelf in self._shelves for record in _in_order(shelf)]

    def pieces(self, size: int) -> Iterator[list[bytes]]:
        """Records of pseudonym and rank in order, so many at a time."""
        waiting: list[bytes] = []
        for shelf in self._shelves:
            waiting += _in_order(shelf)
            while len(waiting) >= size:
                yield waiting[:size]
                waiting = waiting[size:]
        if waiting:
            yield waiting

    def mark(self, piece: list[bytes], new: set[bytes]) -> None:
        """Write down what became of the lines of a piece: of several with one number the first was applied, if it was new."""
        states, last = self.states, b""
        for record in piece:
            pseudonym = record[:PSEUDONYM_BYTES]
            applied = pseudonym != last and pseudonym in new
            states[int.from_bytes(record[PSEUDONYM_BYTES:], "big")] = APPLIED if applied else KNOWN
            last = pseudonym

    def mark_withdrawn(self, people: set[bytes]) -> None:
        """Of whoever withdrew after they had been entered: all their lines."""
        for first in {one[0] for one in people}:
            for record in _in_order(self._shelves[first]):
                if record[:PSEUDONYM_BYTES] in people:
                    self.states[int.from_bytes(record[PSEUDONYM_BYTES:], "big")] = WITHDRAWN


def _in_order(shelf: bytearray) -> list[bytes]:
    raw = bytes(shelf)
    return sorted(raw[at : at + RECORD_BYTES] for at in range(0, len(raw), RECORD_BYTES))


def receive(lines: Iterable[Line], key: bytes, check: str = "nhs-number") -> dict[str, Delivery]:
    """Check every number and make its pseudonym: one `Delivery` for each regime named. A line of an unknown regime refuses the
    whole delivery, since nobody could say to which register it belongs. Outside any transaction: a million lines take seconds."""
    found: dict[str, Delivery] = {}
    made, checked = pseudonyms_under(key), check == "nhs-number"
    for number, regime, text in lines:
        if regime is None:
            raise Refusal(Reason.INVALID_REQUEST, f"Line {number} names no known regime.", REGIMES_TOLD)
        delivery = found.get(regime) or found.setdefault(regime, Delivery())
        identifier = compact(text)
        if not identifier:
            delivery.reject(number, MISSING)
        elif checked and not valid_nhs_number(identifier):
            delivery.reject(number, INVALID)
        else:
            delivery.accept(number, made(identifier))
    return found


def receive_json(parts: Iterable[bytes], key: bytes, whole: bool = False) -> dict[str, Delivery]:
    """The same of a JSON body, which may name its regime last. One without a number is no delivery, unless it is ``whole``."""
    body = JsonBody(parts)
    found = receive(body.lines(), key)
    delivery = found.get("") or (Delivery() if whole else None)
    return {} if delivery is None else {body.regime: delivery}
