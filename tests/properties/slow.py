"""A second opinion in plain Python: what a plan's measures are, person by person and row by row. Shares no code with the vault
nor with `plan.bound`; knows the nodes' meaning from their docstrings alone.

Rows are mappings (label, column) → value as a plan writes literals: text, whole numbers, days, grid steps, 0 and 1, None.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tre.plan import nodes as n
from tre.plan.measures import Measure, groups_of_a_person, measured

Row = Mapping[tuple[str, str], Any]
Records = Mapping[str, Sequence[Mapping[str, Any]]]  # table → rows, the person among their columns
Groups = dict[tuple[Any, ...], list[Any]]  # key values → a number of each measure
EPOCH = date(1970, 1, 1).toordinal()
COMPARE = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


# ---------------------------------------------------------------------------------------------------------------- expressions
def day(days: int) -> date:
    return date.fromordinal(days + EPOCH)


def value(node: n.Expression, row: Row) -> Any:
    match node:
        case n.Column(table, name):
            return row.get((table, name))
        case n.Value(literal):
            return literal
        case n.Condition(predicate):
            known = truth(predicate, row)
            return None if known is None else int(known)
        case n.Case(branches, otherwise):
            return next((value(b.then, row) for b in branches if truth(b.when, row) is True), value(otherwise, row))
        case n.Extreme(kind, parts):
            found = [one for one in (value(part, row) for part in parts) if one is not None]
            return (min if kind == "least" else max)(found) if found else None
    arguments = [value(getattr(node, name), row) for name in ARGUMENTS[type(node)]]
    if None in arguments:
        return None
    return FUNCTIONS[type(node)](node, *arguments)


def _arithmetic(node: n.Arithmetic, left: int, right: int) -> int:
    if node.operator == "//":
        return left // right
    if node.operator == "*":
        return left * right
    one, other, steps = (Decimal(domain.grid) for domain in (node.left.domain, node.right.domain, node.domain))
    a, b = int(left * one / steps), int(right * other / steps)
    return a + b if node.operator == "+" else a - b


def _part(node: n.DatePart, days: int) -> int:
    at = day(days)
    return {"year": at.year, "quarter": (at.month + 2) // 3, "month": at.month, "day": at.day, "weekday": at.isoweekday()}[
        node.part
    ]


def _trunc(node: n.DateTrunc, days: int) -> int:
    at = day(days)
    month = {"month": at.month, "quarter": (at.month - 1) // 3 * 3 + 1, "year": 1}[node.period]
    return date(at.year, month, 1).toordinal() - EPOCH


def _elapsed(node: n.Elapsed, start: int, end: int) -> int:
    if node.unit == "day":
        return end - start
    sign = 1 if start <= end else -1
    return sign * (_months(*sorted((start, end))) // (12 if node.unit == "year" else 1))


def _months(start: int, end: int) -> int:
    """Completed months; a month is also complete on the last day of one that is too short."""
    one, other = day(start), day(end)
    whole = (other.year - one.year) * 12 + other.month - one.month
    return whole - (other.day < one.day and other.day != _days_in(other))


def _days_in(at: date) -> int:
    following = date(at.year + at.month // 12, at.month % 12 + 1, 1)
    return following.toordinal() - date(at.year, at.month, 1).toordinal()


ARGUMENTS: dict[type, tuple[str, ...]] = {
    n.Arithmetic: ("left", "right"),
    n.Clamp: ("value",),
    n.Band: ("value",),
    n.DatePart: ("value",),
    n.DateTrunc: ("value",),
    n.Elapsed: ("start", "end"),
}
FUNCTIONS: dict[type, Callable[..., int]] = {
    n.Arithmetic: _arithmetic,
    n.Clamp: lambda node, x: min(max(x, node.low), node.high),
    n.Band: lambda node, x: x // node.width * node.width,
    n.DatePart: _part,
    n.DateTrunc: _trunc,
    n.Elapsed: _elapsed,
}


# ----------------------------------------------------------------------------------------------------------------- predicates
def truth(node: n.Predicate, row: Row) -> bool | None:
    """True, False, or None for unknown."""
    match node:
        case n.Constant(known):
            return known
        case n.Not(part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case n.And(parts) | n.Or(parts):
            found, decisive = [truth(part, row) for part in parts], isinstance(node, n.Or)
            return decisive if decisive in found else None if None in found else not decisive
        case n.IsNull(column):
            return value(column, row) is None
        case n.Holds(inside):
            held = value(inside, row)
            return None if held is None else bool(held)
        case n.Relate(op, left, right):
            return _related(op, left, right, row)
    assert isinstance(node, n.Compare | n.OneOf | n.Prefix)
    at = value(node.column, row)
    if at is None:
        return None
    if isinstance(node, n.Prefix):
        return str(at).startswith(node.text)
    return COMPARE[node.operator](at, node.literal) if isinstance(node, n.Compare) else at in node.literals


def _related(op: str, left: n.Expression, right: n.Expression, row: Row) -> bool | None:
    one, other = value(left, row), value(right, row)
    if one is None or other is None:
        return None
    if left.domain.numeric:
        one, other = one * Decimal(left.domain.grid), other * Decimal(right.domain.grid)
    return COMPARE[op](one, other)


# ------------------------------------------------------------------------------------------------------------------ relations
def rows_of(relation: n.Relation, person: int, records: Records) -> list[Row]:
    """The rows of one person."""
    match relation:
        case n.Scan(table=table, label=label):
            own = [row for row in records[table] if row["person"] == person]
            return [{(label, name): at for name, at in row.items() if name != "person"} for row in own]
        case n.Filter(below, predicate):
            return [row for row in rows_of(below, person, records) if truth(predicate, row) is True]
        case n.Join(left, right, outer):
            ours, theirs = rows_of(left, person, records), rows_of(right, person, records)
            return [{**one, **other} for one in ours for other in (theirs or ([{}] if outer else []))]
        case n.SemiJoin(left, right, condition, anti):
            theirs = rows_of(right, person, records)
            ours = rows_of(left, person, records)
            return [one for one in ours if _matched(one, theirs, condition) is not anti]
        case n.Derived(below, label, columns):
            return [{(label, one.name): value(one.value, row) for one in columns} for row in rows_of(below, person, records)]
        case n.Grouped():
            return _grouped(relation, rows_of(relation.relation, person, records))
    raise TypeError(relation)


def _matched(one: Row, theirs: list[Row], condition: n.Predicate | None) -> bool:
    return any(condition is None or truth(condition, {**one, **other}) is True for other in theirs)


def _grouped(node: n.Grouped, rows: list[Row]) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(value(one.value, row) for one in node.by)].append(row)
    told = []
    for key, members in groups.items():
        own = {(node.label, one.name): at for one, at in zip(node.by, key, strict=True)}
        told.append(own | {(node.label, one.name): _function(one, members) for one in node.values})
    return told


def _function(node: n.Computed, rows: list[Row]) -> Any:
    if node.function == "count":
        return len(rows)
    assert node.value is not None
    found = [at for at in (value(node.value, row) for row in rows) if at is not None]
    if node.function == "count_values":
        return len(found)
    if node.function == "count_distinct":
        return len(set(found))
    if node.at is not None:
        pairs = [(value(node.at, row), value(node.value, row)) for row in rows]
        pairs = [pair for pair in pairs if None not in pair]
        if not pairs:
            return None
        least = node.function == "first"
        end = (min if least else max)(at for at, _ in pairs)
        values = [one for at, one in pairs if at == end]
        order = _order_of(node.value.domain)
        return (min if least else max)(values, key=order)
    if not found:
        return None
    return {
        "sum": sum, "min": min, "max": max, "any": max, "all": min, "mean": lambda all_: sum(all_) // len(all_),
    }[node.function](found)  # fmt: skip


def _order_of(domain: n.Domain) -> Callable[[Any], Any]:
    return domain.values.index if domain.kind == "category" else lambda at: at


# ------------------------------------------------------------------------------------------------------------------- measures
def trunc(numerator: int, denominator: int) -> int:
    whole = abs(numerator) // denominator
    return whole if numerator >= 0 else -whole


def contribution(measure: Measure, rows: list[Row], candidates: Callable[[n.Domain], Sequence[int]]) -> Any:
    """What one person's rows of one group add."""
    values = [None if measure.value is None else value(measure.value, row) for row in rows]
    counted = [at for at in values if measure.value is None or at is not None]
    rows_, k = len(counted), measure.k
    if measure.kind == "persons":
        return int(rows_ > 0)
    if measure.kind == "rows":
        return min(rows_, k)
    assert measure.value is not None
    low, high = measure.value.domain.ends
    if measure.kind == "ranks":
        return _ranks(measure, counted, candidates(measure.value.domain))
    if not rows_:
        return 0
    middle, width = low + high, high - low
    summed = {
        "sum": sum(counted),
        "centred": sum(2 * x - middle for x in counted),
        "square": sum(2 * (2 * x - middle) ** 2 - width**2 for x in counted),
    }[measure.kind]
    return trunc(summed * min(rows_, k), rows_ * measure.divisor)


def _ranks(measure: Measure, values: list[int], candidates: Sequence[int]) -> list[int]:
    bins = [0] * len(candidates)
    weight = 1 if measure.k == 1 and len(values) <= 1 else trunc(1000 * min(len(values), measure.k), len(values)) if values else 0
    if measure.k == 1 and measure.cell == 1 and values:
        weight = 1
    for x in values:
        place = max((at for at, candidate in enumerate(candidates) if candidate <= x), default=0)
        bins[place] += weight
    return bins


def counted(
    plan: n.Plan,
    records: Records,
    persons: Iterable[int],
    keep: Callable[[int, list[tuple[Any, ...]]], list[tuple[Any, ...]]] = lambda _, groups: groups,
    candidates: Callable[[n.Domain], Sequence[int]] = lambda domain: range(domain.ends[0], domain.ends[1] + 1),
) -> list[Groups]:
    """For each grouping set the numbers of every group that exists. ``keep`` chooses among the groups of one person, where they
    are more than L0."""
    measures = measured(plan).measures
    told: list[Groups] = [{} for _ in plan.sets]
    for person in persons:
        rows = rows_of(plan.relation, person, records)
        for place, one in enumerate(plan.sets):
            own: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
            for row in rows:
                own[tuple(value(plan.keys[at].column, row) for at in one)].append(row)
            kept = list(own) if len(own) <= groups_of_a_person(plan, one) else keep(person, list(own))
            for group in kept:
                adds = [contribution(measure, own[group], candidates) for measure in measures]
                before = told[place].get(group)
                told[place][group] = adds if before is None else [_added(a, b) for a, b in zip(before, adds, strict=True)]
    return told


def _added(one: Any, other: Any) -> Any:
    return [a + b for a, b in zip(one, other, strict=True)] if isinstance(one, list) else one + other


def multiset(rows: Iterable[Row]) -> Counter[tuple[Any, ...]]:
    """Rows without their order, to compare relations by."""
    return Counter(tuple(sorted(row.items(), key=str)) for row in rows)
