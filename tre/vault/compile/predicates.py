"""A predicate as text, in brackets wherever it has parts; true, false and unknown as SQL has them.

A few codes are parameters of their own, which DuckDB looks for while it scans: 10 ms of CPU over 7 million events, where a list
that is unnested takes 20 to 55; all codes with a beginning are a range, 10 ms (`python -m tests.benchmarks.bench_vault`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tre.plan.nodes import (
    And,
    Column,
    Compare,
    Constant,
    Expression,
    Holds,
    IsNull,
    Not,
    OneOf,
    Or,
    Predicate,
    Prefix,
    Relate,
    Scalar,
    shared_grid,
    steps_of,
)
from tre.vault.compile.expressions import ONCE, in_steps, literal, value
from tre.vault.compile.text import Codes, NotCompiled, Scope, largest, wide

MANY = 64  # codes: more than that are one list
FEW = 16  # values: more than that are one list


def truth(node: Predicate, scope: Scope) -> str:
    """The text of a predicate."""
    match node:
        case And(parts):
            return "(" + " AND ".join(truth(part, scope) for part in parts) + ")"
        case Or(parts):
            return "(" + " OR ".join(truth(part, scope) for part in parts) + ")"
        case Not(part):
            return f"(NOT {truth(part, scope)})"
        case Constant(constant):
            return "true" if constant else "false"
        case IsNull(column):
            return f"({value(column, scope)} IS NULL)"
        case Holds(held):
            return f"({value(held, scope)} = 1)"
        case Compare(operator, column, given):
            return _compare(operator, column, given, scope)
        case Relate():
            return _relate(node, scope)
        case OneOf(column, literals):
            return _one_of(column, literals, scope)
        case Prefix(column, text):
            ends = " AND ".join(_codes(form, column, (text,), scope) for form in ("first", "last"))
            return f"({value(column, scope)} BETWEEN {ends})"
    raise NotCompiled("a predicate without a template")


def _compare(operator: str, column: Expression, given: Scalar, scope: Scope) -> str:
    code = column.domain.kind == "code"
    other = _codes("one", column, (given,), scope) if code else literal(column.domain, given)
    return f"({value(column, scope)} {operator} {other})"


def _one_of(column: Expression, literals: Sequence[Scalar], scope: Scope) -> str:
    if column.domain.kind == "code" and len(literals) > MANY:
        numbers = _codes("list", column, literals, scope)
        return f"({value(column, scope)} IN (SELECT unnest(CAST({numbers} AS INTEGER[]))))"
    if column.domain.kind == "code":
        numbered = {_codes("one", column, (one,), scope): None for one in literals}
        return f"({value(column, scope)} IN ({', '.join(numbered)}))"
    listed = list(dict.fromkeys(literal(column.domain, one) for one in literals))
    if isinstance(column, Column) and scope.column(column).dictionary is not None:
        return f"({value(column, scope)} IN ({', '.join(listed)}))"
    return _among(value(column, scope), listed)


def _among(text: str, listed: Sequence[str]) -> str:
    """One of some values, of what is no stored column. DuckDB 2.0.0 makes of `CASE WHEN x IS NULL THEN 0 ELSE x END IN (0, 1)`
    the filter `x IS NOT NULL` where the column holds 0 and NULL alone: a row would hang on the rows of others."""
    if len(listed) == 1 or (len(text) <= ONCE and len(listed) <= FEW):
        return "(" + " OR ".join(f"({text} = {one})" for one in listed) + ")"
    return f"(list_transform([{text}], lambda v: (v IN ({', '.join(listed)})))[1])"


def _codes(form: str, column: Expression, texts: Sequence[Scalar], scope: Scope) -> str:
    if not isinstance(column, Column) or (dictionary := scope.column(column).dictionary) is None:
        raise NotCompiled("a code of no dictionary")
    return scope.gathered.parameter(Codes(form, *dictionary, tuple(str(text) for text in texts)))


def _relate(node: Relate, scope: Scope) -> str:
    left, right = node.left, node.right
    if left.domain.kind == "code":
        assert isinstance(left, Column) and isinstance(right, Column)
        one, other = scope.column(left), scope.column(right)
        if one.dictionary is None or one.dictionary != other.dictionary:
            raise NotCompiled("codes of two dictionaries")
    if left.domain.kind in ("code", "category", "date") or left.domain.grid == right.domain.grid:
        return f"({value(left, scope)} {node.operator} {value(right, scope)})"
    grid = shared_grid(left.domain, right.domain)
    kind = wide(max(largest(part) * steps_of(part.domain, grid) for part in (left, right)))
    one_text, other_text = (in_steps(part, of.domain, scope, kind) for part, of in ((left, right), (right, left)))
    return f"({one_text} {node.operator} {other_text})"
