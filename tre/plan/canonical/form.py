"""Relations and whole plans in one form, in three steps: conditions are pulled out of sub-queries and joins as far as that says
the same, joins are put in one order, and then every label and every column of a sub-query is named by its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import permutations, product
from math import factorial, prod
from typing import Any, TypeVar

from tre.plan.canonical.conditions import by_text, levelled
from tre.plan.canonical.expressions import level
from tre.plan.measures import measured
from tre.plan.nodes import (
    NODES,
    Column,
    Computed,
    Derived,
    Expression,
    Filter,
    Grouped,
    Join,
    Named,
    Node,
    Plan,
    Predicate,
    Relation,
    Scan,
    SemiJoin,
    columns,
)

N = TypeVar("N", bound=Node)


EXCHANGES = 24  # more ways than that to exchange labels are not tried: forms differ
PASSES = 5  # what is sorted by names is sorted anew once names are places; mostly the second pass changes nothing


def canonical_form(plan: Plan) -> Plan:
    """The one form of everything that asks the same. Parts that are alike but for their labels (a table joined with itself) are
    put in the order that gives the least text, whatever their labels were."""
    form = _settled(plan)
    return min((_settled(_renamed(form, names)) for names in _exchanges(form.relation)), key=by_text, default=form)


def _settled(plan: Plan) -> Plan:
    for _ in range(PASSES):
        before, plan = plan, _pass(plan)
        if plan == before:
            break
    return plan


def _pass(plan: Plan) -> Plan:
    keys = tuple(replace(key, column=level(key.column)) for key in plan.keys)
    statistics = tuple(one if one.value is None else replace(one, value=level(one.value)) for one in plan.statistics)
    if _everybody_counts(replace(plan, statistics=statistics)) != _everybody_counts(plan):
        statistics = plan.statistics  # values that are written in two ways stay two: by whom groups are suppressed hangs on that
    read = columns((*(key.column for key in keys), *(one.value for one in statistics if one.value is not None)))
    relation = _relation(_pruned(plan.relation, read))
    names = _names(relation)
    renamed = _renamed((relation, keys, statistics), names)
    return replace(plan, relation=renamed[0], keys=renamed[1], statistics=renamed[2])


def _everybody_counts(plan: Plan) -> bool:
    """Whether a group is suppressed by everybody in it, and not by those who have a value."""
    return measured(plan).measures[0].value is None


# ------------------------------------------------------------------------------------------------- columns that nobody reads
def _pruned(relation: Relation, read: frozenset[Column]) -> Relation:
    match relation:
        case Filter(below, predicate):
            return Filter(_pruned(below, read | columns(predicate)), predicate)
        case Join(left, right, outer):
            return Join(_pruned(left, read), _pruned(right, read), outer)
        case SemiJoin(left, right, condition, anti):
            inside = read | (columns(condition) if condition else frozenset())
            return SemiJoin(_pruned(left, inside), _pruned(right, inside), condition, anti)
        case Grouped(below, label, by, values):
            kept = tuple(one for one in values if _is_read(label, one.name, read))
            parts = (*(one.value for one in by), *(part for one in kept for part in (one.value, one.at) if part is not None))
            return Grouped(_pruned(below, columns(parts)), label, by, kept)
        case Derived(below, label, named):
            kept_ = tuple(one for one in named if _is_read(label, one.name, read))
            return Derived(_pruned(below, columns(tuple(one.value for one in kept_))), label, kept_)
    return relation


def _is_read(label: str, name: str, read: frozenset[Column]) -> bool:
    return any((column.table, column.name) == (label, name) for column in read)


# ------------------------------------------------------------------------------------------------------- conditions and order
@dataclass(frozen=True, slots=True)
class _Loose:
    """A relation taken apart: inner joins, semi-joins and conditions that may stand in any order."""

    joined: tuple[Relation, ...]
    tested: tuple[SemiJoin, ...]  # their left side is put in anew
    conditions: tuple[Predicate, ...]


def _relation(relation: Relation) -> Relation:
    return _assembled(_loosened(relation))


def _assembled(loose: _Loose) -> Relation:
    """Put together again in the one order."""
    joined, *others = sorted(loose.joined, key=_shape)
    for other in others:
        joined = Join(joined, other)
    for test in sorted(loose.tested, key=_test_shape):
        joined = replace(test, left=joined)
    condition = levelled(list(loose.conditions), level)
    return joined if condition is None else Filter(joined, condition)


def _loosened(relation: Relation) -> _Loose:
    match relation:
        case Filter(below, predicate):
            loose = _loosened(below)
            return replace(loose, conditions=(*loose.conditions, predicate))
        case Join(left, right, outer=False):
            one, other = _loosened(left), _loosened(right)
            return _Loose(one.joined + other.joined, one.tested + other.tested, one.conditions + other.conditions)
        case Join(left, right):
            loose = _loosened(left)
            outer = Join(_assembled(replace(loose, conditions=())), _relation(right), outer=True)
            return _Loose((outer,), (), loose.conditions)
        case SemiJoin(left, right):
            loose = _loosened(left)
            return replace(loose, tested=(*loose.tested, _test(relation, right)))
        case Grouped(below, label, by, values):
            return _Loose((Grouped(_relation(below), label, _named(by), _computed(values)),), (), ())
        case Derived(below, label, named):
            return _Loose((Derived(_relation(below), label, _named(named)),), (), ())
    return _Loose((relation,), (), ())


def _test(test: SemiJoin, right: Relation) -> SemiJoin:
    """The right side's own conditions stand in the semi-join's: a row that fails them does not match."""
    loose = _loosened(right)
    own = [*loose.conditions, *([test.condition] if test.condition is not None else [])]
    condition = levelled(own, level)
    return SemiJoin(test.left, _assembled(replace(loose, conditions=())), condition, test.anti)


def _named(named: tuple[Named, ...]) -> tuple[Named, ...]:
    return tuple(sorted((replace(one, value=level(one.value)) for one in named), key=lambda one: by_text(one.value)))


def _computed(values: tuple[Computed, ...]) -> tuple[Computed, ...]:
    found = [replace(one, value=_level(one.value), at=_level(one.at)) for one in values]
    return tuple(sorted(found, key=lambda one: by_text(replace(one, name=""))))


def _level(value: Expression | None) -> Expression | None:
    return None if value is None else level(value)


def _shape(relation: Relation) -> bytes:
    """What a relation is like, whatever its labels are called; then the labels, so that instances of one table keep an order."""
    return by_text(_renamed(relation, _names(relation))) + by_text(relation)


def _test_shape(test: SemiJoin) -> bytes:
    own = _renamed(test.right, _names(test.right))
    condition = b"" if test.condition is None else by_text(_renamed(test.condition, _names(test.right)))
    return by_text(own) + condition + bytes([test.anti])


# ----------------------------------------------------------------------------------------------------------------------- names
Names = Mapping[tuple[str, str | None], str]  # (label, column, or None for the label itself) → the name by its place


def _names(relation: Relation) -> Names:
    names: dict[tuple[str, str | None], str] = {}
    for place, node in enumerate(_labelled(relation)):
        names[node.label, None] = f"t{place}"
        own = [one.name for one in getattr(node, "by", ())] + [one.name for one in getattr(node, "values", ())]
        own += [one.name for one in getattr(node, "columns", ())]
        names |= {(node.label, name): f"c{at}" for at, name in enumerate(own)}
    return names


def _exchanges(relation: Relation) -> Iterator[Names]:
    """Every way to exchange the labels of scans and sub-queries that are alike; none where nothing is, or too much."""
    alike: dict[bytes, list[str]] = {}
    for node in _labelled(relation):
        alike.setdefault(by_text(_renamed(node, _names(node))), []).append(node.label)
    groups = [labels for labels in alike.values() if len(labels) > 1]
    if groups and prod(factorial(len(labels)) for labels in groups) <= EXCHANGES:
        for ways in product(*(permutations(labels) for labels in groups)):
            yield {
                (old, None): new for labels, way in zip(groups, ways, strict=True) for old, new in zip(labels, way, strict=True)
            }


def _labelled(relation: Relation) -> Iterator[Any]:
    """Scans and sub-queries, from the left, each after what it is made of."""
    for field in fields(relation):  # type: ignore[arg-type]
        part = getattr(relation, field.name)
        if isinstance(part, Relation):
            yield from _labelled(part)
    if isinstance(relation, Scan | Grouped | Derived):
        yield relation


def _renamed(node: Any, names: Names) -> Any:
    """The same with every label and column of a sub-query called by its place."""
    if isinstance(node, tuple):
        return tuple(_renamed(part, names) for part in node)
    if not isinstance(node, Node):
        return node
    if isinstance(node, Column):
        label = names.get((node.table, None), node.table)
        return replace(node, table=label, name=names.get((node.table, node.name), node.name))
    changed: dict[str, Any] = {}
    for field in fields(node):  # type: ignore[arg-type]
        changed[field.name] = _renamed(getattr(node, field.name), names)
    if isinstance(node, Scan | Grouped | Derived):
        changed["label"] = names.get((node.label, None), node.label)
    if isinstance(node, Grouped):
        changed["by"] = _rename_each(changed["by"], node.label, names)
        changed["values"] = _rename_each(changed["values"], node.label, names)
    if isinstance(node, Derived):
        changed["columns"] = _rename_each(changed["columns"], node.label, names)
    renamed: Any = NODES[type(node).__name__](**changed)
    return renamed


def _rename_each(parts: tuple[Any, ...], label: str, names: Names) -> tuple[Any, ...]:
    return tuple(replace(part, name=names.get((label, part.name), part.name)) for part in parts)
