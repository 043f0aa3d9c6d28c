"""A relation taken apart, where that is provably the same: what has one row a person, and what has many.

In a chain of inner joins and filters each row is a row of every part and meets every condition, so parts and conditions may be
put together in another order. Where no condition reads both, the rows of one person are that person's row of the one part beside
each row of the other.
"""

from __future__ import annotations

from functools import reduce

from tre.plan.nodes import And, Filter, Join, Predicate, Relation, columns, outputs, rows_per_person


def apart(relation: Relation) -> tuple[Relation, Relation] | None:
    """(one row a person, many rows a person); None where a condition reads both, or one is missing."""
    parts, conditions = _unfolded(relation)
    single = [part for part in parts if rows_per_person(part) == 1]
    many = [part for part in parts if rows_per_person(part) > 1]
    if not single or not many:
        return None
    labels = {label for part in single for label in outputs(part)}
    mine: list[Predicate] = []
    theirs: list[Predicate] = []
    for condition in conditions:
        read = {column.table for column in columns(condition)}
        if read <= labels:
            mine.append(condition)
        elif read & labels:
            return None
        else:
            theirs.append(condition)
    return _together(single, mine), _together(many, theirs)


def _unfolded(relation: Relation) -> tuple[list[Relation], list[Predicate]]:
    """The parts of a chain of inner joins, and the conditions on it."""
    match relation:
        case Filter(below, predicate):
            parts, conditions = _unfolded(below)
            return parts, [*conditions, *(predicate.parts if isinstance(predicate, And) else (predicate,))]
        case Join(left, right, outer=False):
            (one, mine), (other, theirs) = _unfolded(left), _unfolded(right)
            return one + other, mine + theirs
    return [relation], []


def _together(parts: list[Relation], conditions: list[Predicate]) -> Relation:
    joined = reduce(Join, parts)
    if len(conditions) > 1:
        return Filter(joined, And(tuple(conditions)))
    return Filter(joined, conditions[0]) if conditions else joined
