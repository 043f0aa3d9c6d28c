"""The codes of one column, in memory: text to number, number to text, and the numbers of all that begin with a text.

Promises that they are numbered in the order of their text (else `Alarm`): so codes with one beginning are a range of numbers, and
sorting by number is sorting by text. A hundred thousand codes are ten megabytes, and save a question of the engine each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from tre.vault.check import Alarm
from tre.vault.compile import Codes

_AFTER = chr(0x10FFFF)  # after every text


class Dictionary:
    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        ordered = sorted(rows)
        self._numbers, self._codes = [number for number, _ in ordered], [code for _, code in ordered]
        rising = all(one < other for one, other in zip(self._codes, self._codes[1:], strict=False))
        if not rising or len(set(self._numbers)) != len(ordered) or (ordered and self._numbers[0] < 0):
            raise Alarm
        self.texts = dict(ordered)
        self._by_text = {code: number for number, code in ordered}

    def number(self, codes: Codes) -> int | list[int]:
        """The value of a parameter."""
        if codes.form == "one":
            return self._by_text.get(codes.texts[0], -1)
        if codes.form == "list":
            return [*(self._by_text[text] for text in codes.texts if text in self._by_text), -1]
        begin = bisect_left(self._codes, codes.texts[0])
        end = bisect_left(self._codes, codes.texts[0] + _AFTER)
        if begin == end:
            return 0 if codes.form == "first" else -1
        return self._numbers[begin if codes.form == "first" else end - 1]
