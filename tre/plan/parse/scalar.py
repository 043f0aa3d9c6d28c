"""Values and conditions of one row → `Expression` and `Predicate`.

Promises that both are total: no row can make them fail. What is of many rows (statistics, sub-queries) is read elsewhere and
comes in by the scope, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, invalid, listed, not_offered, not_understood, quoted
from tre.plan.nodes import (
    And,
    Column,
    Compare,
    Condition,
    Constant,
    Expression,
    Holds,
    IsNull,
    NoDomain,
    Not,
    Or,
    Predicate,
    Relate,
    Scalar,
    arithmetic,
)
from tre.plan.offered import code_origin
from tre.plan.parse.cases import chosen
from tre.plan.parse.functions import USAGE, Call, extract, function
from tre.plan.parse.literal import is_value, literal, number, number_of, text_of, value
from tre.plan.parse.patterns import like, one_of
from tre.plan.parse.scope import Scope
from tre.plan.parse.tree import bare, call_of, chain, only, refused
from tre.plan.words import AGGREGATED

_COMPARED: dict[type[exp.Expression], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ARITHMETIC: dict[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.IntDiv: "//"}
_CONDITIONS = (*_COMPARED, exp.And, exp.Or, exp.Not, exp.In, exp.Between, exp.Is, exp.Like, exp.Boolean)
EXISTS_MEND = (
    "EXISTS and IN (SELECT …) stand alone or between ANDs. Else LEFT JOIN a sub-query that groups by person, and test its columns"
    " with IS NULL."
)


# ------------------------------------------------------------------------------------------------------------------- values
def expression(node: exp.Expression, within: Scope) -> Expression:
    """The value of a node for a row."""
    node = bare(node)
    if type(node) is exp.Column:
        return within.column(node)
    if id(node) in within.scalars:
        return within.scalars[id(node)]
    with _told(node):
        found = _computed(node, within)
    if found is None:
        raise _not_a_value(node)
    return found


def _computed(node: exp.Expression, within: Scope) -> Expression | None:
    if (own := value(node)) is not None:
        return own
    if type(node) in _ARITHMETIC:
        only(node, "this", "expression")
        return arithmetic(_ARITHMETIC[type(node)], _term(node.this, within), _term(node.expression, within))
    if type(node) is exp.Neg:
        only(node, "this")
        return arithmetic("-", number(Fraction(0)), expression(node.this, within))
    if type(node) is exp.Case:
        return _case(node, within)
    if type(node) in _CONDITIONS:
        return Condition(predicate(node, within))
    if type(node) is exp.Extract:
        return extract(node, lambda part: expression(part, within))
    if is_aggregate(node):
        if within.aggregate is None:
            raise Refusal(
                Reason.STATISTIC_NOT_OFFERED,
                "A statistic stands where none is offered.",
                "Statistics stand in SELECT, HAVING and ORDER BY, not in WHERE, GROUP BY or another statistic.",
            )
        return within.aggregate(node)
    return _called(node, within)


def _called(node: exp.Expression, within: Scope) -> Expression | None:
    called = call_of(node)
    if called is None:
        return None
    return function(
        Call(called[0], called[1], lambda part: expression(part, within), lambda part: predicate(part, within), within.birth)
    )


def is_aggregate(node: exp.Expression) -> bool:
    """Whether a node is a call over many rows, with its FILTER or without."""
    if type(node) in (exp.Filter, exp.WithinGroup):
        return True
    called = call_of(node) if type(node) in (exp.Anonymous, exp.Any) else None
    return called is not None and called[0] in AGGREGATED


def _term(node: exp.Expression, within: Scope) -> Expression:
    """An operand; INTERVAL n DAY is so many days."""
    node = bare(node)
    if type(node) is not exp.Interval:
        return expression(node, within)
    only(node, "this", "unit")
    unit = node.args.get("unit")
    amount = bare(node.this) if node.this is not None else node
    written = text_of(amount)
    days = number_of(exp.Literal.number(written)) if written is not None and written.isdigit() else None
    days = number_of(amount) if written is None else days
    if days is None or type(unit) is not exp.Var or str(unit.this).upper() not in ("DAY", "DAYS"):
        raise Refusal(
            Reason.FUNCTION_NOT_OFFERED,
            "Only intervals of days are offered.",
            "Write date + INTERVAL 90 DAY; completed months and years are date_sub('month', earlier, later).",
        )
    return number(days)


def _case(node: exp.Expression, within: Scope) -> Expression:
    only(node, "this", "ifs", "default")
    operand, branches = node.args.get("this"), []
    for part in node.args["ifs"]:
        only(part, "this", "true")
        when = part.this if operand is None else exp.EQ(this=operand, expression=part.this)
        branches.append((predicate(when, within), _or_null(part.args["true"], within)))
    default = node.args.get("default")
    return chosen(branches, None if default is None else _or_null(default, within))


def _or_null(node: exp.Expression, within: Scope) -> Expression | None:
    return None if type(bare(node)) is exp.Null else expression(node, within)


@contextmanager
def _told(node: exp.Expression) -> Iterator[None]:
    """A function that is not offered for such arguments is refused with how it is written."""
    try:
        yield
    except NoDomain as told:
        why = str(told)
        called = call_of(node)
        mend = (
            f"It is written {USAGE[called[0]]}." if called and called[0] in USAGE else "Bound it first: clamp(number, low, high)."
        )
        if "arithmetic" in why or "of dates" in why:
            mend = "There are + - * of numbers, // by a whole number, date + days, date - days, date - date; dates are DATE '…'."
        elif "CASE" in why:
            mend = "Give all values as texts, all as numbers or all as dates."
        raise Refusal(Reason.FUNCTION_NOT_OFFERED, f"{why[0].upper()}{why[1:]}.", mend) from None


def _not_a_value(node: exp.Expression) -> Refusal:
    if type(node) is exp.Null:
        return not_offered("NULL stands where a value is expected.", "Write IS NULL, or NULL in THEN and ELSE of a CASE.")
    if type(node) is exp.Div:
        return Refusal(
            Reason.FUNCTION_NOT_OFFERED,
            "Division of a row's values is not offered.",
            "Divide statistics, SUM(a) / SUM(b), or use // by a whole number.",
        )
    if type(node) is exp.Interval:
        return Refusal(Reason.FUNCTION_NOT_OFFERED, "An interval stands alone.", "Write date + INTERVAL 90 DAY.")
    return refused(node)


# --------------------------------------------------------------------------------------------------------------- conditions
def predicate(node: exp.Expression, within: Scope) -> Predicate:
    """The truth of a node for a row."""
    node = bare(node)
    if type(node) is exp.And or type(node) is exp.Or:
        parts = tuple(predicate(part, within) for part in chain(node))
        return And(parts) if type(node) is exp.And else Or(parts)
    if type(node) is exp.Not:
        only(node, "this")
        inner = predicate(node.this, within)
        return inner.part if isinstance(inner, Not) else Not(inner)
    if type(node) in _COMPARED:
        return _compare(node, within)
    if type(node) is exp.Exists or (type(node) is exp.In and node.args.get("query") is not None):
        raise not_offered("A question inside a question stands inside OR, CASE or another condition.", EXISTS_MEND)
    if type(node) in _READ:
        return _READ[type(node)](node, within)
    if type(node) is exp.Boolean:
        return Constant(bool(node.this))
    return _holds(node, within)


def _holds(node: exp.Expression, within: Scope) -> Predicate:
    alone = not_offered("A column or a value alone is not a condition.", "Compare a column with a value.")
    if type(node) is exp.Null or value(node) is not None:
        raise alone
    found = expression(node, within)
    if found.domain.kind != "boolean":
        raise alone
    return found.predicate if isinstance(found, Condition) else Holds(found)


def _compare(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expression")
    operator, left, right = _COMPARED[type(node)], bare(node.this), bare(node.expression)
    if type(left) in _COMPARED or type(right) in _COMPARED:
        raise not_offered("Comparisons are chained.", "Write column BETWEEN low AND high.")
    if is_value(left):
        operator, left, right = _TURNED[operator], right, left
    if is_value(left):
        raise not_offered("Two values are compared.", "Compare a column with a value.")
    if not is_value(right):
        return _relate(operator, left, right, within)
    return _with_literal(operator, expression(left, within), right)


def _with_literal(operator: str, left: Expression, right: exp.Expression) -> Predicate:
    name = left.name if isinstance(left, Column) else "x"
    if type(right) is exp.Null:
        negated = " NOT" if operator == "<>" else ""
        raise not_offered(f"A comparison with NULL is never true (`{name}`).", f"Write {name} IS{negated} NULL.")
    if operator not in ("=", "<>"):
        _check_order(left)
    return Compare(operator, left, literal(right, left))


def _relate(operator: str, left: exp.Expression, right: exp.Expression, within: Scope) -> Predicate:
    _check_quotes(left, right, within)
    if within.is_person(left) or within.is_person(right):
        raise not_offered(
            "Persons are compared where they cannot be.",
            "Persons are joined on: JOIN … ON a.person = b.person, alone or between ANDs.",
        )
    one, other = expression(left, within), expression(right, within)
    return related(operator, one, other, within)


def related(operator: str, one: Expression, other: Expression, within: Scope) -> Predicate:
    """A comparison of two values."""
    kinds = {one.domain.kind, other.domain.kind}
    if operator not in ("=", "<>"):
        _check_order(one)
        _check_order(other)
    if kinds == {"code"}:
        origins = {code_origin(side, within.reading.labels.defined) for side in (one, other)}
        if len(origins) != 1 or None in origins:
            raise invalid("Codes of two dictionaries are compared.", "Compare a code with itself, or with a code list.")
    try:
        return Relate(operator, one, other)
    except ValueError:
        raise invalid(
            f"A {one.domain.kind} is compared with a {other.domain.kind} that it cannot equal.",
            "Numbers are compared with numbers, dates with dates, categories with those of the same values.",
        ) from None


def _check_quotes(left: exp.Expression, right: exp.Expression, within: Scope) -> None:
    """A name that is no column is often a text that lost its single quotes."""
    for one, other in ((left, right), (right, left)):
        if type(one) is not exp.Column or type(other) is not exp.Column or other.args.get("table"):
            continue
        meant = within.name(other)[1]
        try:
            known = expression(one, within).domain.values
        except Refusal:
            continue
        if meant in known:
            raise Refusal(
                Reason.COLUMN_NOT_IN_POLICY, f"{quoted(meant)} is not a column.", f"A text has single quotes: '{meant}'."
            )


def _check_order(side: Expression) -> None:
    if side.domain.kind in ("category", "code", "boolean"):
        name = side.name if isinstance(side, Column) else "it"
        raise not_offered(
            f"`{name}` is a {side.domain.kind}: its values have no order.", f"Write {name} = 'a' or {name} IN ('a', 'b')."
        )


def _side(node: exp.Expression, within: Scope) -> Expression:
    if is_value(node):
        raise not_offered("A value stands where a column is expected.", "Write the column first.")
    return expression(node, within)


def _between(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "low", "high")
    side = _side(node.this, within)
    _check_order(side)
    ends = []
    for operator, end in ((">=", bare(node.args["low"])), ("<=", bare(node.args["high"]))):
        if is_value(end):
            ends.append(_with_literal(operator, side, end))
        else:
            ends.append(related(operator, side, expression(end, within), within))
    return And(tuple(ends))


def _is_null(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expression")
    if type(node.expression) is not exp.Null:
        raise not_offered("IS is offered with NULL only.", "Write column IS NULL or column IS NOT NULL.")
    inner = bare(node.this)
    source = within.person(inner)
    if source is not None and not source.preserved and source.matched is not None:
        return IsNull(source.matched)
    return IsNull(_side(node.this, within))


def _one_of(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expressions", "field")
    side = _side(node.this, within)
    name = side.name if isinstance(side, Column) else "x"
    field = node.args.get("field")
    values: list[Scalar] = []
    for part in map(bare, [*node.expressions, *([field] if field is not None else [])]):
        if type(part) is exp.Anonymous:
            values += _codelist(part, side, name, within)
        elif field is not None and is_value(part):
            raise not_understood("IN needs brackets.", f"Write {name} IN (…).")
        else:
            values.append(literal(part, side))
    if not values:
        raise not_understood("IN has no values.", f"Write {name} IN (…) with one value or more.")
    return one_of(side, values)


def _codelist(node: exp.Anonymous, side: Expression, column: str, within: Scope) -> Sequence[Scalar]:
    """The codes of ``codelist('name')``."""
    called = call_of(node)
    if called is None or called[0] != "codelist" or len(called[1]) != 1 or text_of(called[1][0]) is None:
        raise Refusal(
            Reason.FUNCTION_NOT_OFFERED, "Only codelist('name') can be called here.", f"Write {column} IN codelist('name')."
        )
    if side.domain.kind != "code":
        raise invalid(f"`{column}` is a {side.domain.kind}; a code list holds codes.", f"Write {column} IN (…).")
    name, lists = text_of(called[1][0]) or "", within.reading.codelists
    if name not in lists:
        known = sorted(lists)
        mend = did_you_mean(name, known, f"There are {listed(known)}." if known else "Send your own in `codelists`.")
        raise invalid(f"There is no code list {quoted(name)}.", mend)
    return lists[name]


def _like(node: exp.Expression, within: Scope) -> Predicate:
    only(node, "this", "expression", "negate")
    found = like(_side(node.this, within), text_of(bare(node.expression)))
    return Not(found) if node.args.get("negate") else found


_READ: dict[type[exp.Expression], Callable[[exp.Expression, Scope], Predicate]] = {
    exp.Between: _between,
    exp.In: _one_of,
    exp.Is: _is_null,
    exp.Like: _like,
}
