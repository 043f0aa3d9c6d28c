"""The scalars of a policy file. Every scalar arrives as the text that was written, so that YAML's own guesses (`no` is false,
`1e-6` is text, `2000` is a day of 1970) never become a policy; nothing here is read in two ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

WHOLE = re.compile(r"-?[0-9]+(_[0-9]{3})*")
NUMBER = re.compile(r"-?[0-9]+(_[0-9]{3})*(\.[0-9]+)?([eE]-?[0-9]{1,2})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INT32 = 2**31 - 1


def whole(value: Any) -> int:
    if type(value) is int:
        return value
    if not isinstance(value, str) or not WHOLE.fullmatch(value):
        raise ValueError("not a whole number; write digits, such as 2_000")
    return int(value)


def number(value: Any) -> Decimal:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise ValueError("not a number; write digits, such as 0.1 or 1e-6")
    return Decimal(value.replace("_", ""))


def day(value: Any) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value if DAY.fullmatch(value) else "")
    except (TypeError, ValueError):
        raise ValueError("not a date; write year-month-day, such as 2026-12-31") from None


def truth(value: Any) -> bool:
    if value not in ("true", "false", True, False):
        raise ValueError("not a boolean; write true or false")
    return value in ("true", True)


def plain(value: Decimal) -> str:
    """One text for equal numbers, whichever way they were written, so that equal policies have equal digests."""
    return format(value.normalize(), "f") if value else "0"


Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[Decimal, BeforeValidator(number), PlainSerializer(plain, return_type=str)]
Truth = Annotated[bool, BeforeValidator(truth)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]

BOUND: dict[str, Callable[[Any], int | Decimal | date]] = {"integer": whole, "decimal": number, "date": day}
