"""A second opinion in plain Python: what a plan counts, row by row, with SQL's three truths. Shares no code with the vault."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from tests.vault.building import Row
from tre.plan.nodes import And, Compare, Constant, Domain, Filter, IsNull, Not, OneOf, Or, Plan, Predicate

COMPARE = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def truth(node: Predicate, row: Row) -> bool | None:
    """True, False, or None for unknown."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Not):
        inner = truth(node.part, row)
        return None if inner is None else not inner
    if isinstance(node, And | Or):
        parts, decisive = [truth(part, row) for part in node.parts], isinstance(node, Or)
        return decisive if decisive in parts else None if None in parts else not decisive
    assert isinstance(node, IsNull | Compare | OneOf)
    value = row[node.column.name]
    if isinstance(node, IsNull):
        return value is None
    if value is None:
        return None
    return COMPARE[node.operator](value, node.literal) if isinstance(node, Compare) else value in node.literals


def domain_values(domain: Domain) -> list[Any]:
    values: list[Any] = list(domain.values)
    if domain.kind != "category":
        assert domain.low is not None and domain.high is not None
        values = list(range(domain.low, domain.high + 1))
    return [*values, None] if domain.nullable else values


def count(plan: Plan, rows: Sequence[Row], excluded: Iterable[int] = ()) -> list[int]:
    """Persons in every cell, in the order of the policy."""
    predicates, relation = [], plan.relation
    while isinstance(relation, Filter):
        predicates.append(relation.predicate)
        relation = relation.relation
    left_out = set(excluded)
    kept = [row for row in rows if row["person"] not in left_out and all(truth(p, row) is True for p in predicates)]
    names = [key.column.name for key in plan.keys]
    cells = product(*(domain_values(key.column.domain) for key in plan.keys))
    return [sum(tuple(row[name] for name in names) == cell for row in kept) for cell in cells]
