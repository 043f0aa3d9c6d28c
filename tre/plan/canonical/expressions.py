"""Expressions in one form: the operands of + and *, of least and greatest in one order; conditions inside them levelled."""

from __future__ import annotations

from dataclasses import replace

from tre.plan.canonical.conditions import by_text, levelled, plain
from tre.plan.nodes import (
    Arithmetic,
    Band,
    Branch,
    Case,
    Clamp,
    Condition,
    Constant,
    DatePart,
    DateTrunc,
    Domain,
    Elapsed,
    Expression,
    Extreme,
    IsNull,
    Not,
    Predicate,
    arithmetic,
    case,
    extreme,
)


def level(node: Expression) -> Expression:
    """The one form of an expression. Its domain stays: it says which keys an answer has, and what is above has read it. Where the
    form would have another (of two equal bands the least is a number, their one form a band), the expression stays itself."""
    form = _level(node)
    return form if form.domain == node.domain else node


def _level(node: Expression) -> Expression:
    match node:
        case Arithmetic(operator, left, right):
            parts = [level(left), level(right)]
            if operator in ("+", "*"):
                parts.sort(key=by_text)
            return arithmetic(operator, *parts)
        case Extreme(kind, extremes):
            different = sorted(dict.fromkeys(map(level, extremes)), key=by_text)
            return extreme(kind, different) if len(different) > 1 else different[0]
        case Case(branches, otherwise):
            made = _case([Branch(_true(branch.when), level(branch.then)) for branch in branches], level(otherwise), node.domain)
            return made if made.domain == node.domain else node  # a simpler condition may prove more of the values
        case Condition(predicate):
            return Condition(plain(predicate, level))
        case Elapsed(start=start, end=end):
            return replace(node, start=level(start), end=level(end))
        case Clamp(value=value) | Band(value=value) | DatePart(value=value) | DateTrunc(value=value):
            return replace(node, value=level(value))
    return node


def _case(branches: list[Branch], otherwise: Expression, domain: Domain) -> Case:
    """`CASE WHEN x IS NULL THEN a ELSE b END` is `CASE WHEN x IS NOT NULL THEN b ELSE a END`, where that has the same values in
    the same order."""
    first = branches[0]
    if len(branches) == 1 and isinstance(first.when, IsNull):
        turned = case([Branch(Not(first.when), otherwise)], first.then)
        if turned.domain == domain:
            return turned
    return case(branches, otherwise)


def _true(predicate: Predicate) -> Predicate:
    """A condition of which only true matters, as a branch's."""
    return levelled([predicate], level) or Constant(True)
