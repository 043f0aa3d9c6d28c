"""Arithmetic and conditions on what is shown of one row: derived figures and HAVING.

Promises exact arithmetic on shown numbers, unknown where a part is hidden or not defined or a denominator is 0, and SQL's three
truths. Sees nothing but what is shown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

from tre.plan.nodes import Combined, Having, HavingAll, HavingAny, HavingCompare, HavingNot, Literal, Number, Shown

Values = Mapping[str, Fraction | None]
_COMPARE: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def worth(number: Number, values: Values) -> Fraction | None:
    """The value of a figure."""
    match number:
        case Literal(text=text):
            return Fraction(text)
        case Shown(alias=alias):
            return values[alias]
        case Combined(operator=sign, left=left, right=right):
            one, other = worth(left, values), worth(right, values)
            return None if one is None or other is None else _combined(sign, one, other)
    raise TypeError("no such number")


def _combined(sign: str, one: Fraction, other: Fraction) -> Fraction | None:
    if sign == "/":
        return one / other if other else None
    return {"+": one + other, "-": one - other, "*": one * other}[sign]


def holds(having: Having, values: Values) -> bool | None:
    """True, false, or None for unknown."""
    match having:
        case HavingCompare(operator=sign, left=left, right=right):
            one, other = worth(left, values), worth(right, values)
            return None if one is None or other is None else _COMPARE[sign](one, other)
        case HavingNot(part=part):
            found = holds(part, values)
            return None if found is None else not found
        case HavingAll(parts=parts) | HavingAny(parts=parts):
            truths, decisive = [holds(part, values) for part in parts], isinstance(having, HavingAny)
            return decisive if decisive in truths else None if None in truths else not decisive
    raise TypeError("no such condition")
