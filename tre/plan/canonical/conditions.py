"""Conditions in one form.

A filter keeps the rows for which its condition is *true*. With NOT pushed down to the comparisons (valid in three-valued logic),
AND and OR never tell unknown from false, so each comparison may be replaced by the set of values for which it is true. Where
unknown is told from false (a condition as a value), order, nesting and double negation are levelled, and a comparison becomes the
set of its values where that is unknown of NULL alone, as it is itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tre.plan.nodes import (
    And,
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
    to_json,
)
from tre.plan.valueset import Values, both, condition, either, is_empty, is_everything, values_where
from tre.terms import canonical

Level = Callable[[Expression], Expression]  # an expression in its one form
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class _Atom:
    """One expression lies in a set."""

    column: Expression
    values: Values


@dataclass(frozen=True, slots=True)
class _Other:
    """A comparison that is no set of one expression's values."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class _Joined:
    """All (``every``) or any of the parts: at most one atom an expression, and joins of the other kind."""

    every: bool
    parts: frozenset[_Atom | _Other | _Joined]


_Form = _Atom | _Other | _Joined | bool


def levelled(predicates: list[Predicate], level: Level) -> Predicate | None:
    """The one condition that is true where all of them are; None where that is everywhere."""
    form = _join(True, [_form(part, False, level) for part in predicates])
    return None if form is True else _predicate(form)


def plain(node: Predicate, level: Level) -> Predicate:
    """A condition of which unknown matters: parts in one order, flat, without `NOT NOT`."""
    match node:
        case Not(part=Compare() | OneOf() as part):
            return _known(part, True, level)
        case Not(part):
            inner = plain(part, level)
            return inner.part if isinstance(inner, Not) else Not(inner)
        case And(parts) | Or(parts):
            kind = type(node)
            flat = [inner for part in parts for inner in _parts(plain(part, level), kind)]
            different = sorted(dict.fromkeys(flat), key=by_text)
            return kind(tuple(different)) if len(different) > 1 else different[0]
    return _leaf(node, level)


def _parts(node: Predicate, kind: type[And] | type[Or]) -> tuple[Predicate, ...]:
    return node.parts if isinstance(node, kind) else (node,)


def _leaf(node: Predicate, level: Level) -> Predicate:
    match node:
        case Compare() | OneOf():
            return _known(node, False, level)
        case IsNull(column):
            return IsNull(level(column))
        case Holds(value):
            return Holds(level(value))
        case Relate():
            return _related(node, False, level)
    return node


def _known(node: Compare | OneOf, negated: bool, level: Level) -> Predicate:
    """A comparison as its set of values, which is unknown of NULL alone, as the comparison is; where it is of no value or of
    every one, a set would be known of NULL too."""
    column, values = level(node.column), values_where(node, negated)
    told = condition(column, values)
    if not isinstance(told, Constant) and told != Not(IsNull(column)):
        return _sorted(told)
    own = replace(node, column=column)
    return Not(own) if negated else own


def _form(node: Predicate, negated: bool, level: Level) -> _Form:
    match node:
        case Constant(value):
            return value != negated
        case Not(part):
            return _form(part, not negated, level)
        case And(parts) | Or(parts):
            return _join(isinstance(node, And) != negated, [_form(part, negated, level) for part in parts])
        case Compare(column=column) | OneOf(column=column) | IsNull(column=column):
            return _atom(level(column), values_where(node, negated))
        case Holds(value):
            return _atom(level(value), values_where(Compare("=", value, 1), negated))
        case Relate():
            return _Other(_related(node, negated, level))
        case Prefix():
            return _Other(Not(node) if negated else node)
    raise TypeError("no such predicate")


def _related(node: Relate, negated: bool, level: Level) -> Relate:
    """Unknown stays unknown under NOT, so the opposite comparison is true of the same rows; the lesser text stands left."""
    operator = _OPPOSITE[node.operator] if negated else node.operator
    left, right = level(node.left), level(node.right)
    if by_text(left) > by_text(right):
        operator, left, right = _TURNED[operator], right, left
    return Relate(operator, left, right)


def _atom(column: Expression, values: Values) -> _Form:
    if is_empty(values):
        return False
    return True if is_everything(values, column.domain) else _Atom(column, values)


def _join(every: bool, forms: list[_Form]) -> _Form:
    """The conjunction (``every``) or disjunction: flat, one atom an expression, without what decides nothing."""
    atoms: dict[Expression, _Atom] = {}
    others: set[_Atom | _Other | _Joined] = set()
    for form in _flat(every, forms):
        if isinstance(form, bool):
            if form is not every:
                return form
            continue
        if not isinstance(form, _Atom):
            others.add(form)
            continue
        met = _meet(every, atoms[form.column], form) if form.column in atoms else form
        if isinstance(met, bool):
            return met
        atoms[form.column] = met
    parts = [*atoms.values(), *others]
    if len(parts) < 2:
        return parts[0] if parts else every
    return _Joined(every, frozenset(parts))


def _meet(every: bool, left: _Atom, right: _Atom) -> _Atom | bool:
    """Two sets of one expression as one. An intersection that is empty, or a union that is everything, decides the whole."""
    met = _atom(left.column, both(left.values, right.values) if every else either(left.values, right.values))
    assert isinstance(met, _Atom | bool)
    return met


def _flat(every: bool, forms: list[_Form]) -> list[_Form]:
    flat: list[_Form] = []
    for form in forms:
        flat += form.parts if isinstance(form, _Joined) and form.every == every else [form]
    return flat


def _predicate(form: _Form) -> Predicate:
    if isinstance(form, bool):
        return Constant(form)
    if isinstance(form, _Other):
        return form.predicate
    if isinstance(form, _Atom):
        return _sorted(condition(form.column, form.values))
    joined = And if form.every else Or
    parts = [_predicate(part) for part in form.parts]
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, joined) else (part,))]
    return joined(tuple(sorted(flat, key=by_text)))


def _sorted(node: Predicate) -> Predicate:
    """The parts of an atom's own predicate in the same order as everywhere."""
    if isinstance(node, And | Or):
        return type(node)(tuple(sorted(map(_sorted, node.parts), key=by_text)))
    return node


def by_text(node: object) -> bytes:
    """By which parts that have no order of their own are sorted."""
    return canonical(to_json(node))
