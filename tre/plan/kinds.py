"""Which kinds of work are in a plan: for plans of no class, the kinds say by which measured questions their time is checked.

Promises that every plan has a kind, and that a plan with two kinds of work has both. Knows the plan alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tre.plan import choice, sets
from tre.plan.measures import groups_of_a_person, measured, one_group_a_person
from tre.plan.nodes import Column, Derived, Filter, Grouped, Join, Plan, Relation, Scan, SemiJoin, rows_per_person

MANY_CELLS = 1_000


def kinds_of(plan: Plan) -> frozenset[str]:
    """The names of all kinds of work that a plan has."""
    return frozenset(name for name, has in _HAS.items() if has(plan))


def _relations(relation: Relation) -> Iterator[Relation]:
    yield relation
    match relation:
        case Scan():
            return
        case Filter(relation=below) | Derived(relation=below) | Grouped(relation=below):
            yield from _relations(below)
        case Join(left, right) | SemiJoin(left, right):
            yield from _relations(left)
            yield from _relations(right)
        case _:
            raise TypeError("no such relation")


def _of_rows(plan: Plan) -> bool:
    """Of one person many rows are bounded and added up."""
    return rows_per_person(plan.relation) > 1


def _cut(plan: Plan) -> bool:
    """A person may be in more groups than count, and keeps some."""
    rows = rows_per_person(plan.relation)
    return any(not one_group_a_person(plan, one) and groups_of_a_person(plan, one) < rows for one in sets.drawn(plan))


def _measures(plan: Plan) -> set[str]:
    return {measure.kind for measure in measured(plan).measures}


def _grouped(plan: Plan, by: bool) -> bool:
    return any(isinstance(one, Grouped) and bool(one.by) == by for one in _relations(plan.relation))


def _computed(plan: Plan) -> bool:
    """Keys, statistics or columns of a sub-query are more than a column."""
    values = [*(key.column for key in plan.keys), *(one.value for one in plan.statistics if one.value is not None)]
    values += [named.value for one in _relations(plan.relation) if isinstance(one, Derived) for named in one.columns]
    return not all(isinstance(value, Column) for value in values)


def _holds(plan: Plan, kind: type[Relation]) -> bool:
    return any(isinstance(one, kind) for one in _relations(plan.relation))


_HAS: Mapping[str, Callable[[Plan], bool]] = MappingProxyType(
    {
        "persons": lambda plan: not _of_rows(plan),
        "conditions": lambda plan: _holds(plan, Filter),
        "values": _computed,
        "sums": lambda plan: bool(_measures(plan) & {"sum", "centred", "square"}),
        "quantiles": lambda plan: "ranks" in _measures(plan) and not _of_rows(plan),
        "quantiles of rows": lambda plan: "ranks" in _measures(plan) and _of_rows(plan),
        "many cells": lambda plan: plan.cells > MANY_CELLS,
        "totals": lambda plan: len(plan.sets) > 1 and not sets.crossing(plan),
        "totals that cross": lambda plan: len(plan.sets) > 1 and sets.crossing(plan),
        "figures": lambda plan: bool(plan.figures) or plan.having is not None,
        "discovered keys": lambda plan: plan.discovered,
        "rows": _of_rows,
        "groups that are cut": _cut,
        "joins": lambda plan: _holds(plan, Join),
        "existence": lambda plan: _holds(plan, SemiJoin),
        "one row a person": lambda plan: _grouped(plan, by=False),
        "groups of a person": lambda plan: _grouped(plan, by=True),
        "chosen bounds": lambda plan: bool(choice.automatic(plan)),
    }
)
KINDS = tuple(_HAS)
