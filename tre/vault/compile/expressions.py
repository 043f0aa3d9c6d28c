"""An expression as text: total on the stored values, which are the domains' (proved at load).

A category is its place among its domain's values, a code its number, a date a date, truth 1 and 0, anything else a whole
number of grid steps. Arithmetic is cast to 64 bits before it is done, and its domain keeps it below 2^53. DuckDB's ``//`` cuts
towards zero, so a dividend that may be negative is first moved above zero by whole divisors. ``least`` and ``greatest`` skip
NULL: a clamp names it.
"""

from __future__ import annotations

from tre.plan.nodes import (
    Arithmetic,
    Band,
    Case,
    Clamp,
    Column,
    Condition,
    DatePart,
    DateTrunc,
    Domain,
    Elapsed,
    Expression,
    Extreme,
    Value,
    shared_grid,
    steps_of,
)
from tre.plan.nodes.base import LARGEST, Scalar
from tre.vault.compile.text import NotCompiled, Scope, day, integer

ONCE = 160  # a text longer than this is not written twice: nesting would double it each time
_PARTS = {"year": "year", "quarter": "quarter", "month": "month", "day": "day", "weekday": "isodow"}


def value(node: Expression, scope: Scope) -> str:
    """The text of an expression."""
    match node:
        case Column():
            return scope.column(node).text
        case Value(literal, domain):
            return _literal(literal, domain)
        case Arithmetic():
            return _arithmetic(node, scope)
        case Extreme(kind, parts):
            numeric = node.domain.numeric
            return f"{kind}({', '.join(number(part, scope) if numeric else value(part, scope) for part in parts)})"
        case Clamp():
            return _clamp(node, scope)
        case Band(part, width):
            width = min(width, 2 * LARGEST)  # a wider band is one band all the same
            return f"({_floored(part, width, scope)} * {width})"
        case DatePart(part, date):
            return f"{_PARTS[part]}({value(date, scope)})"
        case DateTrunc(period, date):
            return f"CAST(date_trunc('{period}', {value(date, scope)}) AS DATE)"
        case Elapsed(unit, start, end):
            return f"date_sub('{unit}', {value(start, scope)}, {value(end, scope)})"
        case Case(branches, otherwise, domain):
            whens = [f"WHEN {scope.truth(one.when, scope)} THEN {_within(one.then, domain, scope)}" for one in branches]
            return f"(CASE {' '.join(whens)} ELSE {_within(otherwise, domain, scope)} END)"
        case Condition(predicate):
            return f"CAST({scope.truth(predicate, scope)} AS TINYINT)"
    raise NotCompiled("an expression without a template")


def number(node: Expression, scope: Scope) -> str:
    """The text of a number as a 64-bit integer."""
    text = value(node, scope)
    already = isinstance(node, Arithmetic | Band | DatePart | Elapsed)
    return text if already else f"CAST({text} AS BIGINT)"


def literal(domain: Domain, given: Scalar) -> str:
    """A literal that a value of the domain is compared with. One outside the range is drawn to the step beside the range, where
    it compares with every value as before, so that no literal overflows a stored type."""
    if domain.kind in ("category", "boolean"):
        return _literal(given, domain)
    if type(given) is not int:
        raise NotCompiled("a literal of another type than its column")
    low, high = domain.ends
    step = min(max(given, low - 1), high + 1)
    return day(step) if domain.kind == "date" else integer(step)


def _literal(given: Scalar, domain: Domain) -> str:
    if given is None:
        return f"CAST(NULL AS {'DATE' if domain.kind == 'date' else 'BIGINT'})"
    if domain.kind == "category":
        return str(domain.values.index(str(given)))
    if type(given) is not int:
        raise NotCompiled("a literal without a template")
    return day(given) if domain.kind == "date" else integer(given)


def _arithmetic(node: Arithmetic, scope: Scope) -> str:
    left, right = node.left, node.right
    if node.operator == "//":
        assert isinstance(right, Value) and type(right.literal) is int
        return f"({_floored(left, right.literal, scope)})"
    if node.domain.kind == "date":
        if right.domain.kind == "date":
            left, right = right, left
        return f"({value(left, scope)} {node.operator} CAST({value(right, scope)} AS INTEGER))"
    if left.domain.kind == "date":
        return f"({value(left, scope)} - {value(right, scope)})"
    if node.operator == "*":
        return f"({number(left, scope)} * {number(right, scope)})"
    return f"({in_steps(left, node.domain, scope)} {node.operator} {in_steps(right, node.domain, scope)})"


def in_steps(node: Expression, of: Domain, scope: Scope, kind: str = "BIGINT") -> str:
    """A number in steps of the widest grid that it shares with another."""
    factor = steps_of(node.domain, shared_grid(node.domain, of))
    text = number(node, scope) if kind == "BIGINT" else f"CAST({value(node, scope)} AS {kind})"
    return text if factor == 1 else f"({text} * {factor})"


def _floored(part: Expression, width: int, scope: Scope) -> str:
    """floor(part / width), without brackets around it that a product needs none of."""
    low = part.domain.ends[0]
    if low >= 0:
        return f"({number(part, scope)} // {width})"
    moved = -(low // width)
    return f"(({number(part, scope)} + {moved * width}) // {width} - {moved})"


def _clamp(node: Clamp, scope: Scope) -> str:
    part, low, high = node.value, node.low, node.high
    while isinstance(part, Clamp):  # of two clamps one is left
        inner: Clamp = part
        part, low, high = inner.value, min(max(inner.low, low), high), min(max(inner.high, low), high)
    ends = [day(end) if node.domain.kind == "date" else integer(end) for end in (low, high)]
    text = value(part, scope)
    if not part.domain.nullable:
        return f"greatest(least({text}, {ends[1]}), {ends[0]})"
    if len(text) <= ONCE:
        return _unless_null(text, ends)
    return f"list_transform([{text}], lambda v: {_unless_null('v', ends)})[1]"


def _unless_null(text: str, ends: list[str]) -> str:
    return f"(CASE WHEN {text} IS NULL THEN NULL ELSE greatest(least({text}, {ends[1]}), {ends[0]}) END)"


def _within(node: Expression, domain: Domain, scope: Scope) -> str:
    """A branch of a CASE: of a category, its place among the values of all branches."""
    text = value(node, scope)
    own = node.domain.values
    if domain.kind != "category" or own == domain.values[: len(own)]:
        return text
    if isinstance(node, Value):
        return _literal(node.literal, domain)
    whens = " ".join(f"WHEN {place} THEN {domain.values.index(one)}" for place, one in enumerate(own))
    return f"(CASE {text} {whens} END)"
