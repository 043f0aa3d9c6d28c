"""What a controller delivers: a file or a list of NHS numbers, read line by line and turned into pseudonyms before anything is
written. Every line is counted once; the number itself is kept nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

from tre.errors import Reason, Refusal
from tre.optouts.tables import REGIMES
from tre.persons import compact, pseudonym, valid_nhs_number

INVALID = "invalid-nhs-number"
MISSING = "missing"
# How many of the rejected lines are named, so that a controller finds the mistake.
NAMED = 20


class Line(NamedTuple):
    """One line of a delivery. A regime of None stands for one that is not known."""

    number: int
    regime: str | None
    nhs_number: str


@dataclass(slots=True)
class Delivery:
    """One regime's part of a delivery, ready to be applied. ``named``: the first rejected lines."""

    pseudonyms: list[bytes] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    named: list[int] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.rejected[reason] += 1
        if len(self.named) < NAMED:
            self.named.append(line)


def lines_of(regime: str, nhs_numbers: Iterable[str]) -> Iterator[Line]:
    """The lines of a list that came in a body."""
    return (Line(number, _known(regime), text) for number, text in enumerate(nhs_numbers, 1))


def read_file(path: Path, regime: str | None = None) -> Iterator[Line]:
    """The lines of a CSV file."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        yield from read_csv(file, regime)


def read_csv(file: TextIO, regime: str | None = None) -> Iterator[Line]:
    """The lines of a CSV with the header `regime,nhs_number`, or `nhs_number` where the regime is given.

    One line of the file is one line of the delivery, whatever it holds: read as CSV proper, a stray quotation mark would swallow
    all that follows it. Bytes that are no text become a number that is rejected.
    """
    if regime is not None:
        _known(regime)
    columns = _columns(file.readline(), regime)
    for number, line in enumerate(file, 2):
        if line.strip():
            yield _line(number, _cells(line), columns, regime)


def receive(lines: Iterable[Line], key: bytes, check: str = "nhs-number") -> dict[str, Delivery]:
    """Check every number and make its pseudonym: one `Delivery` for each regime named. A line of an unknown regime refuses the
    whole delivery, since nobody could say to which register it belongs. Outside any transaction: a million lines take seconds."""
    found: dict[str, Delivery] = {}
    for line in lines:
        if line.regime is None:
            raise Refusal(Reason.INVALID_REQUEST, f"Line {line.number} names no known regime.", _REGIMES)
        delivery = found.setdefault(line.regime, Delivery())
        number = compact(line.nhs_number)
        if not number:
            delivery.reject(line.number, MISSING)
        elif check == "nhs-number" and not valid_nhs_number(number):
            delivery.reject(line.number, INVALID)
        else:
            delivery.pseudonyms.append(pseudonym(key, number))
    for delivery in found.values():
        delivery.pseudonyms.sort()
    return found


_REGIMES = f"Regimes are {', '.join(REGIMES)}."


def _known(regime: str) -> str:
    if regime not in REGIMES:
        raise Refusal(Reason.INVALID_REQUEST, "There is no such opt-out regime.", _REGIMES)
    return regime


def _columns(header: str, regime: str | None) -> Mapping[str, int]:
    names = [name.lower() for name in _cells(header)]
    columns: dict[str, int] = {name: names.index(name) for name in ("regime", "nhs_number") if name in names}
    if "nhs_number" not in columns or (regime is None) == ("regime" not in columns):
        wanted = "regime,nhs_number" if regime is None else "nhs_number"
        raise Refusal(Reason.INVALID_REQUEST, "The file does not begin with its header.", f"Write {wanted} in its first line.")
    return columns


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(",")]


def _line(number: int, cells: list[str], columns: Mapping[str, int], regime: str | None) -> Line:
    def cell(name: str) -> str:
        return cells[columns[name]] if columns[name] < len(cells) else ""

    named = regime or cell("regime").lower()
    return Line(number, named if named in REGIMES else None, cell("nhs_number"))
