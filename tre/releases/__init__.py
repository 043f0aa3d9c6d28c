"""What was asked and what was given: questions with their one outcome, and releases, sealed until they are published.

Promises that a sealed release is read by `unseal` alone and not before its time, that a release and an outcome never change,
that an idempotency key has one question, and that a stored answer is given again byte for byte. Never draws a number, never
decides who may see one.
"""

from __future__ import annotations

from tre.releases.given import Earlier, Published, discard, elsewhere, find, receive, seal, unseal
from tre.releases.questions import (
    Envelope,
    Question,
    Text,
    ask,
    by_key,
    cancel,
    close,
    envelope,
    erase_text,
    free_key,
    get,
    page,
    replay,
    start,
    text_of,
)
from tre.releases.recovery import Sealed, Unfinished, unfinished

__all__ = [
    "Earlier",
    "Envelope",
    "Published",
    "Question",
    "Sealed",
    "Text",
    "Unfinished",
    "ask",
    "by_key",
    "cancel",
    "close",
    "discard",
    "elsewhere",
    "envelope",
    "erase_text",
    "find",
    "free_key",
    "get",
    "page",
    "receive",
    "replay",
    "seal",
    "start",
    "text_of",
    "unfinished",
    "unseal",
]
