"""HAVING: conditions on what is shown of one row, with SQL's three truths. Sees nothing but shown numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

from tre.plan.figures import Values, value_of
from tre.plan.nodes import Having, HavingAll, HavingAny, HavingCompare, HavingNot

_COMPARE: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def holds(having: Having, values: Values) -> bool | None:
    """True, false, or None for unknown: where a number is hidden or not defined."""
    match having:
        case HavingCompare(operator=sign, left=left, right=right):
            one, other = value_of(left, values), value_of(right, values)
            return None if one is None or other is None else _COMPARE[sign](one, other)
        case HavingNot(part=part):
            found = holds(part, values)
            return None if found is None else not found
        case HavingAll(parts=parts) | HavingAny(parts=parts):
            truths, decisive = [holds(part, values) for part in parts], isinstance(having, HavingAny)
            return decisive if decisive in truths else None if None in truths else not decisive
    raise TypeError("no such condition")
