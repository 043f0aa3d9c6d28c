"""Equal questions, one form: the plan by which a release is found again.

Promises that the form asks exactly what the plan asks, and that plans which differ only in how a condition is written (order,
nesting, `NOT NOT`, `> 5` for `>= 6`, BETWEEN, IN of one, values listed twice or outside the domain) have one form. The names of
the answer's columns and their order belong to the answer's bytes, so they stay. When in doubt, forms differ.

A filter keeps the rows for which its condition is *true*. With NOT pushed down to the comparisons (valid in three-valued logic),
AND and OR never tell unknown from false, so each comparison may be replaced by the set of values for which it is true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tre.plan.nodes import (
    And,
    Column,
    Compare,
    Constant,
    Filter,
    IsNull,
    Not,
    OneOf,
    Or,
    Plan,
    Predicate,
    Relation,
    Scan,
    to_json,
)
from tre.plan.valueset import Values, both, condition, either, is_empty, is_everything, values_where
from tre.terms import canonical


@dataclass(frozen=True, slots=True)
class _Atom:
    """One column lies in a set."""

    column: Column
    values: Values


@dataclass(frozen=True, slots=True)
class _Joined:
    """All (``every``) or any of the parts: at most one atom a column, and joins of the other kind."""

    every: bool
    parts: frozenset[_Atom | _Joined]


_Form = _Atom | _Joined | bool


def canonical_form(plan: Plan) -> Plan:
    """The one form of everything that asks the same."""
    return replace(plan, relation=_relation(plan.relation))


def _relation(relation: Relation) -> Relation:
    conditions: list[Predicate] = []
    while isinstance(relation, Filter):
        conditions.append(relation.predicate)
        relation = relation.relation
    if not isinstance(relation, Scan):
        raise TypeError("a relation is a scan under filters")
    form = _join(True, [_form(part, False) for part in conditions])
    return relation if form is True else Filter(relation, _predicate(form))


def _form(node: Predicate, negated: bool) -> _Form:
    match node:
        case Constant(value):
            return value != negated
        case Not(part):
            return _form(part, not negated)
        case And(parts) | Or(parts):
            return _join(isinstance(node, And) != negated, [_form(part, negated) for part in parts])
        case Compare(column=column) | OneOf(column=column) | IsNull(column=column):
            return _atom(column, values_where(node, negated))
    raise TypeError("no such predicate")


def _atom(column: Column, values: Values) -> _Form:
    if is_empty(values):
        return False
    return True if is_everything(values, column.domain) else _Atom(column, values)


def _join(every: bool, forms: list[_Form]) -> _Form:
    """The conjunction (``every``) or disjunction: flat, one atom a column, without what decides nothing."""
    atoms: dict[tuple[str, str], _Atom] = {}
    others: set[_Atom | _Joined] = set()
    for form in _flat(every, forms):
        if isinstance(form, bool):
            if form is not every:
                return form
            continue
        if isinstance(form, _Joined):
            others.add(form)
            continue
        where = (form.column.table, form.column.name)
        met = _meet(every, atoms[where], form) if where in atoms else form
        if isinstance(met, bool):
            return met
        atoms[where] = met
    parts = [*atoms.values(), *others]
    if len(parts) < 2:
        return parts[0] if parts else every
    return _Joined(every, frozenset(parts))


def _meet(every: bool, left: _Atom, right: _Atom) -> _Atom | bool:
    """Two sets of one column as one. An intersection that is empty, or a union that is everything, decides the whole."""
    met = _atom(left.column, both(left.values, right.values) if every else either(left.values, right.values))
    assert not isinstance(met, _Joined)
    return met


def _flat(every: bool, forms: list[_Form]) -> list[_Form]:
    flat: list[_Form] = []
    for form in forms:
        flat += form.parts if isinstance(form, _Joined) and form.every == every else [form]
    return flat


def _predicate(form: _Form) -> Predicate:
    if isinstance(form, bool):
        return Constant(form)
    if isinstance(form, _Atom):
        return _sorted(condition(form.column, form.values))
    joined = And if form.every else Or
    parts = [_predicate(part) for part in form.parts]
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, joined) else (part,))]
    return joined(tuple(sorted(flat, key=_order)))


def _sorted(node: Predicate) -> Predicate:
    """The parts of an atom's own predicate in the same order as everywhere."""
    if isinstance(node, And | Or):
        return type(node)(tuple(sorted(map(_sorted, node.parts), key=_order)))
    return node


def _order(node: Predicate) -> bytes:
    return canonical(to_json(node))
