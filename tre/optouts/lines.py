"""The lines of what a controller delivers, as they come: a CSV file, or a JSON body, read part by part, never whole in memory.

Nothing here says what a line holds: what is wrong is told by the number of the line.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from tre.errors import Reason, Refusal
from tre.optouts.stepping import Step, untold
from tre.optouts.tables import REGIMES

PART = 1 << 20
# More characters than any line of a list has: beyond them it is no list, and would be held in memory whole.
LONGEST_LINE = 64 * 1024
LONGEST_NUMBER, LONGEST_TEXT = 40, 1_024
REGIMES_TOLD = f"Regimes are {', '.join(REGIMES)}."


# A line without blanks and quotation marks: almost all of them.
_BARE = re.compile(r"[!#-~]*")


class Line(NamedTuple):
    """One line of a delivery. A regime of None stands for one that is not known."""

    number: int
    regime: str | None
    nhs_number: str


def lines_of(regime: str, nhs_numbers: Iterable[str]) -> Iterator[Line]:
    """The lines of a list."""
    return (Line(number, known(regime), text) for number, text in enumerate(nhs_numbers, 1))


def known(regime: str) -> str:
    if regime not in REGIMES:
        raise Refusal(Reason.INVALID_REQUEST, "There is no such opt-out regime.", REGIMES_TOLD)
    return regime


# --------------------------------------------------------------------------------------------------------------------- CSV


def read_file(path: Path, regime: str | None = None, step: Step = untold) -> Iterator[Line]:
    """The lines of a CSV file; ``step`` is told how much of it has been read."""
    yield from read_csv_parts(_parts(path, step), regime)


def read_csv(file: TextIO, regime: str | None = None) -> Iterator[Line]:
    """The same of text that is here already."""
    yield from _lines(iter(file), regime)


def read_csv_parts(parts: Iterable[bytes], regime: str | None = None) -> Iterator[Line]:
    """The lines of a CSV with the header `regime,nhs_number`, or `nhs_number` where the regime is given.

    One line of the file is one line of the delivery, whatever it holds: read as CSV proper, a stray quotation mark would swallow
    all that follows it. Bytes that are no text become a number that is rejected.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    yield from _lines(_split(parts, decoder), regime)


def _parts(path: Path, step: Step) -> Iterator[bytes]:
    with path.open("rb") as file:
        size, read = max(1, path.stat().st_size), 0
        while part := file.read(PART):
            yield part
            read += len(part)
            step("reading", min(1.0, read / size))


def _split(parts: Iterable[bytes], decoder: io.IncrementalNewlineDecoder) -> Iterator[str]:
    rest = ""
    for part in parts:
        *whole, rest = (rest + decoder.decode(part)).split("\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise Refusal(Reason.TOO_LARGE, f"A line is longer than {LONGEST_LINE:,} characters.", "Write one number on a line.")
    yield from (rest + decoder.decode(b"", final=True)).split("\n")


def _lines(texts: Iterator[str], regime: str | None) -> Iterator[Line]:
    if regime is not None:
        known(regime)
    columns = _columns(next(texts, ""), regime)
    place, of_regime = columns["nhs_number"], columns.get("regime", 0)
    fewest = 1 + max(place, of_regime)
    for number, text in enumerate(texts, 2):
        if not text or text.isspace():
            continue
        cells = _cells(text)
        if len(cells) < fewest:
            cells += [""] * (fewest - len(cells))
        named = regime or cells[of_regime]
        if named not in REGIMES:
            named = named.lower()
        yield Line(number, named if named in REGIMES else None, cells[place])


def _columns(header: str, regime: str | None) -> Mapping[str, int]:
    names = [name.lower() for name in _cells(header)]
    columns: dict[str, int] = {name: names.index(name) for name in ("regime", "nhs_number") if name in names}
    if "nhs_number" not in columns or (regime is None) == ("regime" not in columns):
        wanted = "regime,nhs_number" if regime is None else "nhs_number"
        raise Refusal(Reason.INVALID_REQUEST, "The file does not begin with its header.", f"Write {wanted} in its first line.")
    return columns


def _cells(line: str) -> list[str]:
    if _BARE.fullmatch(line):
        return line.split(",")
    return [cell.strip().strip('"').strip() for cell in line.split(",")]


# -------------------------------------------------------------------------------------------------------------------- JSON

_PLAIN = r'[^"\\\x00-\x1f]*'
_ANY = rf'"({_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*)"'
_TEXT, _ALONE = re.compile(rf"[ \t\n\r]*{_ANY}[ \t\n\r]*([,:\]}}])"), re.compile(_ANY)
_BLANK = re.compile(r"[ \t\n\r]*")


class JsonBody:
    """A body `{"regime": …, "nhs_numbers": […]}`, its two fields in either order. ``regime`` is known once the lines are read."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._rest, self._at = "", 0
        self.regime = ""

    def lines(self) -> Iterator[Line]:
        """The lines, each under no regime's name yet but the empty one; INVALID_REQUEST for what is no such body."""
        self._expect("{", "The body is not a JSON object.")
        seen: set[str] = set()
        end = ","
        while end == ",":
            name, end = self._text(":")
            if name in seen or name not in ("regime", "nhs_numbers"):
                raise _wrong(
                    "A field of the body is named twice." if name in seen else "body: has a field that is not of this call."
                )
            seen.add(name)
            if name == "regime":
                regime, end = self._text(",}")
                self.regime = known(regime)
            else:
                yield from self._numbers()
                end = self._character(",}")
        for name in {"regime", "nhs_numbers"} - seen:
            raise _wrong(f"body.{name}: is missing")
        if self._peek():
            raise _wrong("Something follows the body's JSON.")

    def _numbers(self) -> Iterator[Line]:
        self._expect("[", "body.nhs_numbers: is not a list")
        if self._peek() == "]":
            self._at += 1
            return
        number, end = 1, ","
        while end == ",":
            text, end = self._text(",]", f"body.nhs_numbers.{number - 1}: is not a text")
            if len(text) > LONGEST_NUMBER:
                raise _wrong(f"body.nhs_numbers.{number - 1}: is too long")
            yield Line(number, "", text)
            number += 1

    def _text(self, ends: str, otherwise: str = "The body is not the JSON of this call.") -> tuple[str, str]:
        """A text, and the character after it, one of ``ends``."""
        found = _TEXT.match(self._rest, self._at)
        if found is not None and found[2] in ends:
            self._at = found.end()
            return _plain(found[1]), found[2]
        return _plain(self._text_alone(otherwise)), self._character(ends)

    def _text_alone(self, otherwise: str) -> str:
        """A text that ends in another part than it begins in, or with more around it than is usual; or none."""
        if self._peek() != '"':
            raise _wrong(otherwise if self._peek() else "The body's JSON ends too early.")
        while (found := _ALONE.match(self._rest, self._at)) is None:
            if len(self._rest) - self._at > LONGEST_TEXT:
                raise _wrong("A text of the body is too long, or none.")
            if not self._more():
                raise _wrong("The body's JSON ends too early, or has a text that is none.")
        self._at = found.end()
        return found[1]

    def _expect(self, character: str, otherwise: str) -> None:
        if self._peek() != character:
            raise _wrong(otherwise if self._peek() else "The body is empty, or its JSON ends too early.")
        self._at += 1

    def _character(self, among: str) -> str:
        found = self._peek()
        if not found or found not in among:
            raise _wrong("The body is not the JSON of this call." if found else "The body's JSON ends too early.")
        self._at += 1
        return found

    def _peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._rest, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._rest):
                return self._rest[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Take in the next part; False at the end."""
        part = next(self._parts, None)
        try:
            text = self._decode(part or b"", part is None)
        except UnicodeDecodeError:
            raise _wrong("The body is not text in UTF-8.") from None
        self._rest, self._at = self._rest[self._at :] + text, 0
        return part is not None


def _plain(text: str) -> str:
    """A text of JSON without its escapes."""
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def _wrong(detail: str) -> Refusal:
    return Refusal(Reason.INVALID_REQUEST, detail, 'Send {"regime": "national", "nhs_numbers": ["…"]}, or a CSV as text/csv.')
