"""What a name may look like: of an identity, a project, a purpose, a dataset."""

from __future__ import annotations

import re

from tre.errors import Reason, Refusal

# fullmatch, not match and `$`, which lets a newline through at the end.
_NAME = re.compile(r"[a-z0-9._-]{1,64}")


def valid_name(name: str) -> str:
    """The name, or INVALID_REQUEST."""
    if not _NAME.fullmatch(name) or not name[0].isalnum():
        raise Refusal(
            Reason.INVALID_REQUEST,
            "A name has 1 to 64 of a to z, 0 to 9, dot, underscore and hyphen, and begins with a letter or a digit.",
        )
    return name
