"""The small words of a refusal: how a name or a token of the question is quoted back, and which of our names it may have meant.

Promises that what is quoted is short, printable ASCII without quotes, and that a hint is one of our own names. Never sees an
engine's text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from tre.errors import Reason, Refusal

_UNQUOTABLE = re.compile(r"[^A-Za-z0-9_.,<>=!*/%+|&^~:$#@?() -]+")
LONGEST = 40


def quoted(text: str) -> str:
    """A token of the question in backticks: plain characters, 40 at most."""
    plain = _UNQUOTABLE.sub("", text[: 4 * LONGEST]).strip()
    return f"`{plain[:LONGEST]}…`" if len(plain) > LONGEST else f"`{plain}`"


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The one of our names that is spelled most like a word, if any is like it."""
    known = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower()[:LONGEST], known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(word: str, names: Sequence[str], otherwise: str) -> str:
    """A suggestion for a misspelled name."""
    near = nearest(word, names)
    return f"Did you mean `{near}`?" if near else otherwise


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in backticks, the first dozen of them."""
    told = ", ".join(f"`{name}`" for name in names[:most])
    return f"{told} and {len(names) - most:,} more" if len(names) > most else told


def not_understood(detail: str, mend: str) -> Refusal:
    return Refusal(Reason.SQL_NOT_UNDERSTOOD, detail, mend)


def not_offered(detail: str, mend: str) -> Refusal:
    return Refusal(Reason.STATEMENT_NOT_OFFERED, detail, mend)


def invalid(detail: str, mend: str) -> Refusal:
    return Refusal(Reason.INVALID_REQUEST, detail, mend)


def too_large(detail: str, mend: str) -> Refusal:
    return Refusal(Reason.TOO_LARGE, detail, mend)
