"""LIKE → the values that fit, or how a code begins.

Promises time proportional to pattern and values: no pattern makes it search again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tre.errors import Reason, Refusal
from tre.plan.hints import invalid, listed
from tre.plan.nodes import Column, Compare, Expression, OneOf, Predicate, Prefix, Scalar


def one_of(side: Expression, values: Sequence[Scalar]) -> OneOf:
    """A value is one of some, sorted."""
    return OneOf(side, tuple(sorted(set(values), key=lambda each: (str(type(each)), each))))


def like(side: Expression, pattern: str | None) -> Predicate:
    """Of a category: the values that fit the pattern. Of a code: how it begins."""
    if pattern is None or side.domain.kind not in ("category", "code"):
        raise Refusal(Reason.FUNCTION_NOT_OFFERED, "LIKE compares a category or a code with a text.", "Write column LIKE 'A1%'.")
    return _matching(side, pattern) if side.domain.kind == "category" else _beginning(side, pattern)


def _matching(side: Expression, pattern: str) -> Predicate:
    values = [each for each in side.domain.values if is_like(each, pattern)]
    if not values:
        raise invalid("No value is like this pattern.", f"Values are {listed(side.domain.values, 6)}.")
    return one_of(side, values) if len(values) > 1 else Compare("=", side, values[0])


def is_like(text: str, pattern: str) -> bool:
    """``%`` is any text, ``_`` any character. Keeps which beginnings of the text the pattern so far is like."""
    reached = [True] + [False] * len(text)
    for sign in re.sub("%+", "%", pattern):
        if sign == "%":
            first = next((at for at, fits in enumerate(reached) if fits), len(reached))
            reached = [at >= first for at in range(len(reached))]
        else:
            reached = [False, *(before and sign in ("_", each) for before, each in zip(reached, text, strict=False))]
        if not any(reached):
            return False
    return reached[-1]


def _beginning(side: Expression, pattern: str) -> Predicate:
    text = pattern.removesuffix("%")
    if not isinstance(side, Column) or not pattern.endswith("%") or re.search("[%_]", text) or not 0 < len(text) <= 40:
        raise Refusal(Reason.FUNCTION_NOT_OFFERED, "Of a code LIKE tells only how it begins.", "Write code LIKE 'A1%'.")
    return Prefix(side, text)
