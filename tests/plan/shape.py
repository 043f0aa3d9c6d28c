"""A plan as a few lines that a person can read: the golden form beside each question of `questions/`."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from tre.plan.nodes import (
    And,
    Arithmetic,
    Band,
    Case,
    Clamp,
    Column,
    Combined,
    Compare,
    Computed,
    Condition,
    Constant,
    DatePart,
    DateTrunc,
    Derived,
    Domain,
    Elapsed,
    Extreme,
    Filter,
    Grouped,
    HavingAll,
    HavingAny,
    HavingCompare,
    HavingNot,
    Holds,
    IsNull,
    Join,
    Key,
    Literal,
    Named,
    Not,
    OfStatistic,
    OneOf,
    Or,
    Plan,
    Prefix,
    Relate,
    Scan,
    SemiJoin,
    Statistic,
    Value,
)

MOST = 4  # values that are written out


def shape(plan: Plan) -> str:
    """The lines of a plan."""
    lines = ["from " + told(plan.relation)]
    lines += [f"key {told(key)}" for key in plan.keys]
    lines += [f"ask {told(one)}" for one in plan.statistics]
    lines += [f"figure {one.alias} = {told(one.number)}" for one in plan.figures]
    lines += [f"sets {plan.sets}"] if len(plan.sets) > 1 else []
    lines += [f"having {told(plan.having)}"] if plan.having else []
    lines += ["order " + ", ".join(f"{one.alias}{' desc' * one.descending}" for one in plan.order)] if plan.order else []
    lines += [f"limit {plan.limit}"] if plan.limit else []
    return "\n".join([*lines, f"answer {', '.join(plan.output)}", ""])


@singledispatch
def told(node: Any) -> str:
    raise TypeError(type(node))


def _domain(domain: Domain) -> str:
    null = " or null" if domain.nullable else ""
    if domain.kind in ("category", "code", "boolean"):
        return f"{domain.kind} of {len(domain.values)}{null}" if domain.values else f"{domain.kind}{null}"
    steps = f" by {domain.stride}" if domain.stride > 1 else ""
    return f"{domain.kind} {domain.low}..{domain.high}{steps}{f' x {domain.grid}' if domain.grid != '1' else ''}{null}"


def _each(nodes: Any, sign: str = ", ") -> str:
    return sign.join(told(node) for node in nodes)


@told.register
def _(node: Scan) -> str:
    return node.table if node.label == node.table else f"{node.table} as {node.label}"


@told.register
def _(node: Filter) -> str:
    return f"({told(node.relation)} where {told(node.predicate)})"


@told.register
def _(node: Join) -> str:
    return f"{told(node.left)} {'left join' if node.outer else 'join'} {told(node.right)}"


@told.register
def _(node: SemiJoin) -> str:
    condition = f" with {told(node.condition)}" if node.condition else ""
    return f"({told(node.left)} {'without' if node.anti else 'having'} {told(node.right)}{condition})"


@told.register
def _(node: Grouped) -> str:
    return f"{node.label}[{_each(node.by)} | {_each(node.values)}] of {told(node.relation)}"


@told.register
def _(node: Derived) -> str:
    return f"{node.label}[{_each(node.columns)}] over {told(node.relation)}"


@told.register
def _(node: Named) -> str:
    return f"{node.name} = {told(node.value)}"


@told.register
def _(node: Computed) -> str:
    parts = [told(part) for part in (node.value, node.at) if part is not None]
    return f"{node.name} = {node.function}({', '.join(parts)}): {_domain(node.domain)}"


@told.register
def _(node: Key) -> str:
    return f"{node.alias} = {told(node.column)}: {'discovered ' if node.discovered else ''}{_domain(node.column.domain)}"


@told.register
def _(node: Statistic) -> str:
    value = "" if node.value is None else f" of {told(node.value)}: {_domain(node.value.domain)}"
    bound = "" if node.bound is None else f" bound {node.bound}"
    return f"{node.alias} = {node.kind}{'' if node.q is None else ' ' + node.q}{value}{bound}"


@told.register
def _(node: Column) -> str:
    return f"{node.table}.{node.name}"


@told.register
def _(node: Value) -> str:
    return "null" if node.literal is None else repr(node.literal)


@told.register
def _(node: Arithmetic) -> str:
    return f"({told(node.left)} {node.operator} {told(node.right)})"


@told.register
def _(node: Extreme) -> str:
    return f"{node.kind}({_each(node.parts)})"


@told.register
def _(node: Clamp) -> str:
    return f"clamp({told(node.value)}, {node.low}, {node.high})"


@told.register
def _(node: Band) -> str:
    return f"band({told(node.value)}, {node.width})"


@told.register
def _(node: DatePart) -> str:
    return f"{node.part}({told(node.value)})"


@told.register
def _(node: DateTrunc) -> str:
    return f"{node.period} of {told(node.value)}"


@told.register
def _(node: Elapsed) -> str:
    return f"{node.unit}s({told(node.start)}, {told(node.end)})"


@told.register
def _(node: Case) -> str:
    branches = "; ".join(f"{told(branch.when)}: {told(branch.then)}" for branch in node.branches)
    return f"case({branches}; else {told(node.otherwise)})"


@told.register
def _(node: Condition) -> str:
    return f"[{told(node.predicate)}]"


@told.register
def _(node: Compare) -> str:
    return f"{told(node.column)} {node.operator} {node.literal!r}"


@told.register
def _(node: Relate) -> str:
    return f"{told(node.left)} {node.operator} {told(node.right)}"


@told.register
def _(node: OneOf) -> str:
    many = f"{len(node.literals)} values" if len(node.literals) > MOST else ", ".join(map(repr, node.literals))
    return f"{told(node.column)} in ({many})"


@told.register
def _(node: Prefix) -> str:
    return f"{told(node.column)} begins {node.text!r}"


@told.register
def _(node: IsNull) -> str:
    return f"{told(node.column)} is null"


@told.register
def _(node: Holds) -> str:
    return f"holds {told(node.value)}"


@told.register
def _(node: Not) -> str:
    return f"not ({told(node.part)})"


@told.register
def _(node: And) -> str:
    return _each(node.parts, " and ")


@told.register
def _(node: Or) -> str:
    return f"({_each(node.parts, ' or ')})"


@told.register
def _(node: Constant) -> str:
    return str(node.value).lower()


@told.register
def _(node: OfStatistic) -> str:
    return node.alias


@told.register
def _(node: Literal) -> str:
    return node.text


@told.register
def _(node: Combined) -> str:
    return f"({told(node.left)} {node.operator} {told(node.right)})"


@told.register
def _(node: HavingCompare) -> str:
    return f"{told(node.left)} {node.operator} {told(node.right)}"


@told.register
def _(node: HavingAll) -> str:
    return _each(node.parts, " and ")


@told.register
def _(node: HavingAny) -> str:
    return f"({_each(node.parts, ' or ')})"


@told.register
def _(node: HavingNot) -> str:
    return f"not ({told(node.part)})"
