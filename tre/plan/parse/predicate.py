"""WHERE → `Predicate`: comparisons of one column with values, joined by AND, OR and NOT.

Promises a predicate that is total: no row can make it fail. Two columns, arithmetic and functions are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, invalid, listed, not_offered, not_understood, quoted, too_large
from tre.plan.nodes import And, Column, Compare, Constant, IsNull, Not, OneOf, Or, Predicate, Scalar
from tre.plan.offer import CODES_IN_A_PLAN
from tre.plan.parse.literal import is_value, literal, text_of
from tre.plan.parse.scope import Scope
from tre.plan.parse.tree import bare, only, refused

_COMPARED: dict[type[exp.Expression], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def predicate(node: exp.Expression, within: Scope) -> Predicate:
    """The predicate of a condition."""
    whole = _predicate(node, within)
    if _codes(whole) > CODES_IN_A_PLAN:
        raise too_large(f"The question lists more than {CODES_IN_A_PLAN:,} values.", "Name each code list once.")
    return whole


def _predicate(node: exp.Expression, within: Scope) -> Predicate:
    node = bare(node)
    if type(node) is exp.And or type(node) is exp.Or:
        parts = tuple(_predicate(part, within) for part in _chain(node))
        return And(parts) if type(node) is exp.And else Or(parts)
    if type(node) is exp.Not:
        only(node, "this")
        inner = _predicate(node.this, within)
        return inner.part if isinstance(inner, Not) else Not(inner)
    if type(node) in _COMPARED:
        return _compare(node, within)
    if type(node) is exp.Between:
        return _between(node, within)
    if type(node) is exp.In:
        return _one_of(node, within)
    if type(node) is exp.Is:
        return _is_null(node, within)
    if type(node) is exp.Boolean:
        return Constant(bool(node.this))
    if type(node) in (exp.Column, exp.Null, exp.Literal):
        raise not_offered("A column or a value alone is not a condition.", "Compare a column with a value.")
    raise refused(node)


def _chain(node: exp.Expression) -> list[exp.Expression]:
    """The operands of a chain of one connective, without recursion: a thousand of them lean to the left."""
    kind, operands, rest = type(node), [], [node]
    while rest:
        at = rest.pop()
        if type(at) is kind:
            only(at, "this", "expression")
            rest += [at.expression, at.this]
        else:
            operands.append(at)
    return operands


def _compare(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expression")
    operator, left, right = _COMPARED[type(node)], bare(node.this), bare(node.expression)
    if type(left) is not exp.Column:
        operator, left, right = _TURNED[operator], right, left
    if type(left) is not exp.Column:
        raise _without_column(left, right)
    if type(right) is exp.Column:
        raise _two_columns(left, right, within)
    column = within.column(left)
    if type(right) is exp.Null:
        negated = " NOT" if operator == "<>" else ""
        raise not_offered(f"A comparison with NULL is never true (`{column.name}`).", f"Write {column.name} IS{negated} NULL.")
    if operator not in ("=", "<>"):
        _check_order(column)
    return Compare(operator, column, literal(right, column))


def _without_column(left: exp.Expression, right: exp.Expression) -> Refusal:
    if is_value(left) and is_value(right):
        return not_offered("Two values are compared.", "Compare a column with a value.")
    if type(left) in _COMPARED or type(right) in _COMPARED:
        return not_offered("Comparisons are chained.", "Write column BETWEEN low AND high.")
    return refused(left if is_value(right) else right)


def _two_columns(left: exp.Column, right: exp.Column, within: Scope) -> Refusal:
    """Often the second one is a text that lost its single quotes."""
    for one, other in ((left, right), (right, left)):
        offer, meant = within.offer.columns.get(within.name(one).lower()), within.name(other)
        if offer and meant in offer.domain.values:
            return Refusal(
                Reason.COLUMN_NOT_IN_POLICY, f"{quoted(meant)} is not a column.", f"A text has single quotes: '{meant}'."
            )
    within.column(left), within.column(right)
    return not_offered("Two columns are compared; that is not offered yet.", "Compare a column with a value.")


def _check_order(column: Column) -> None:
    if column.domain.kind in ("category", "code"):
        raise not_offered(
            f"`{column.name}` is a {column.domain.kind}: its values have no order.",
            f"Write {column.name} = 'a' or {column.name} IN ('a', 'b').",
        )


def _column(node: exp.Expression, within: Scope) -> Column:
    node = bare(node)
    if type(node) is exp.Column:
        return within.column(node)
    if is_value(node):
        raise not_offered("A value stands where a column is expected.", "Write the column first.")
    raise refused(node)


def _between(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "low", "high")
    column = _column(node.this, within)
    _check_order(column)
    low, high = (literal(bare(node.args[end]), column) for end in ("low", "high"))
    return And((Compare(">=", column, low), Compare("<=", column, high)))


def _is_null(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expression")
    if type(node.expression) is not exp.Null:
        raise not_offered("IS is offered with NULL only.", "Write column IS NULL or column IS NOT NULL.")
    return IsNull(_column(node.this, within))


def _one_of(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expressions", "field")
    column = _column(node.this, within)
    field = node.args.get("field")
    values: list[Scalar] = []
    for part in map(bare, [*node.expressions, *([field] if field is not None else [])]):
        if type(part) is exp.Anonymous:
            values += _codelist(part, column, within)
        elif field is not None and is_value(part):
            raise not_understood("IN needs brackets.", f"Write {column.name} IN (…).")
        else:
            values.append(literal(part, column))
    if not values:
        raise not_understood("IN has no values.", f"Write {column.name} IN (…) with one value or more.")
    return OneOf(column, tuple(sorted(set(values), key=lambda value: (str(type(value)), value))))


def _codelist(node: exp.Anonymous, column: Column, within: Scope) -> Sequence[Scalar]:
    """The codes of ``codelist('name')``."""
    only(node, "this", "expressions")
    arguments = node.expressions
    if str(node.this).lower() != "codelist" or len(arguments) != 1 or text_of(arguments[0]) is None:
        raise Refusal(
            Reason.FUNCTION_NOT_OFFERED, "Only codelist('name') can be called here.", f"Write {column.name} IN codelist('name')."
        )
    if column.domain.kind != "code":
        raise invalid(f"`{column.name}` is a {column.domain.kind}; a code list holds codes.", f"Write {column.name} IN (…).")
    name = text_of(arguments[0]) or ""
    if name not in within.codelists:
        known = sorted(within.codelists)
        mend = did_you_mean(name, known, f"There are {listed(known)}." if known else "Send your own in `codelists`.")
        raise invalid(f"There is no code list {quoted(name)}.", mend)
    return within.codelists[name]


def _codes(node: Predicate) -> int:
    """How many values a predicate lists."""
    match node:
        case And(parts) | Or(parts):
            return sum(_codes(part) for part in parts)
        case Not(part):
            return _codes(part)
        case OneOf(literals=literals):
            return len(literals)
    return 1
