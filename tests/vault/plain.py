"""A second opinion in plain Python: what a plan adds up to, row by row, with SQL's three truths. Shares no code with the vault.

A row of a relation: the person, each column by (label, name), and the place in the random order of the person's rows.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Any

from tests.vault.building import TABLES, Rows
from tre.plan import nodes as n
from tre.plan.candidates import candidates
from tre.plan.measures import Measure, groups_of_a_person, measured
from tre.plan.sets import drawn

COMPARE = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
FIRST = date(1970, 1, 1)
Line = dict[Any, Any]
Block = tuple[Any, list[Any]]  # keys, and a vector for each measure


def as_date(days: int) -> date:
    return FIRST + timedelta(days=days)


def truth(node: n.Predicate, row: Line) -> bool | None:
    """True, False, or None for unknown."""
    match node:
        case n.Constant(value):
            return value
        case n.Not(part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case n.And(parts) | n.Or(parts):
            found, decisive = [truth(part, row) for part in parts], isinstance(node, n.Or)
            return decisive if decisive in found else None if None in found else not decisive
        case n.IsNull(column):
            return value_of(column, row) is None
        case n.Holds(held):
            held_value = value_of(held, row)
            return None if held_value is None else held_value == 1
        case n.Compare(sign, column, literal):
            left = value_of(column, row)
            return None if left is None else COMPARE[sign](left, literal)
        case n.OneOf(column, literals):
            left = value_of(column, row)
            return None if left is None else left in literals
        case n.Prefix(column, text):
            left = value_of(column, row)
            return None if left is None else left.startswith(text)
        case n.Relate(sign, left_node, right_node):
            one, other = scaled(left_node, row), scaled(right_node, row)
            return None if one is None or other is None else COMPARE[sign](one, other)
    raise TypeError(node)


def scaled(node: n.Expression, row: Line) -> Any:
    """A number as itself, not in grid steps."""
    value = value_of(node, row)
    return Fraction(node.domain.grid) * value if node.domain.numeric and value is not None else value


def value_of(node: n.Expression, row: Line) -> Any:
    match node:
        case n.Column(table, name):
            return row[table, name]
        case n.Value(literal):
            return literal
        case n.Condition(predicate):
            found = truth(predicate, row)
            return None if found is None else int(found)
        case n.Case(branches, otherwise):
            chosen = next((branch.then for branch in branches if truth(branch.when, row) is True), otherwise)
            return value_of(chosen, row)
        case n.Extreme(kind, parts):
            values = [value for part in parts if (value := value_of(part, row)) is not None]
            return (min if kind == "least" else max)(values) if values else None
        case n.Arithmetic():
            return calculated(node, row)
        case n.Elapsed(unit, start, end):
            one, other = value_of(start, row), value_of(end, row)
            return None if one is None or other is None else completed(unit, as_date(one), as_date(other))
    return of_one(node, value_of(node.value, row))  # type: ignore[attr-defined]


def of_one(node: n.Expression, value: Any) -> Any:
    """A function of one value that is NULL of NULL."""
    if value is None:
        return None
    match node:
        case n.Clamp(_, low, high):
            return min(max(value, low), high)
        case n.Band(_, width):
            return value // width * width
        case n.DatePart(part):
            at = as_date(value)
            return {"quarter": (at.month + 2) // 3, "weekday": at.isoweekday()}.get(part) or getattr(at, part)
        case n.DateTrunc(period):
            return first_of(period, value)
    raise TypeError(node)


def calculated(node: n.Arithmetic, row: Line) -> int | None:
    one, other = scaled(node.left, row), scaled(node.right, row)
    if one is None or other is None:
        return None
    total = {"+": one + other, "-": one - other, "*": one * other}.get(node.operator)
    if node.operator == "//":
        total = Fraction(one // other)
    steps = Fraction(total or 0) / (Fraction(node.domain.grid) if node.domain.numeric else 1)
    assert steps.denominator == 1
    return int(steps)


def completed(unit: str, start: date, end: date) -> int:
    """How many whole units lie between: the most that can be added to the earlier without passing the later, where a month that
    is too short ends on its last day."""
    if start > end:
        return -completed(unit, end, start)
    if unit == "day":
        return (end - start).days
    months = 0
    while moved(start, months + 1) <= end:
        months += 1
    return months if unit == "month" else months // 12


def moved(at: date, months: int) -> date:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(at.day, last))


def lines(relation: n.Relation, tables: Rows, person: int) -> list[Line]:
    """The rows of one person."""
    match relation:
        case n.Scan(table=table, label=label):
            own = [one for one in tables.get(table, []) if one["person"] == person]
            names = TABLES[table].domains
            return [
                {(label, name): one[name] for name in names} | {"ranks": [one["rank"]] if "rank" in one else []} for one in own
            ]
        case n.Filter(below, predicate):
            return [row for row in lines(below, tables, person) if truth(predicate, row) is True]
        case n.Join(left, right, outer):
            mine, theirs = lines(left, tables, person), lines(right, tables, person)
            if outer and not theirs:
                return [_Outer(row) for row in mine]
            return [_joined(one, other) for one in mine for other in theirs]
        case n.SemiJoin(left, right, condition, anti):
            theirs = lines(right, tables, person)
            return [
                row
                for row in lines(left, tables, person)
                if anti != any(condition is None or truth(condition, _joined(row, other)) is True for other in theirs)
            ]
        case n.Derived(below, label, columns):
            return [
                {(label, one.name): value_of(one.value, row) for one in columns} | {"ranks": row["ranks"]}
                for row in lines(below, tables, person)
            ]
        case n.Grouped():
            return grouped(relation, lines(relation.relation, tables, person))
    raise TypeError(relation)


class _Outer(dict[Any, Any]):
    """A row beside which there is none: every other column is NULL."""

    def __missing__(self, name: Any) -> None:
        return None


def _joined(one: Line, other: Line) -> Line:
    kind = _Outer if isinstance(one, _Outer) or isinstance(other, _Outer) else dict
    ranks = [*one["ranks"], *other["ranks"]]
    return kind({**one, **other, "ranks": [sum(ranks)] if ranks else []})


def grouped(relation: n.Grouped, rows: list[Line]) -> list[Line]:
    found: dict[Any, list[Line]] = {}
    for row in rows:
        found.setdefault(tuple(value_of(one.value, row) for one in relation.by), []).append(row)
    made = []
    for key, members in found.items():
        line: Line = {(relation.label, one.name): value for one, value in zip(relation.by, key, strict=True)}
        line |= {(relation.label, one.name): computed(one, members) for one in relation.values}
        ranks = [rank for member in members for rank in member["ranks"][:1]]
        made.append(line | {"ranks": [mixed(ranks)] if ranks and relation.by else []})
    return made


def mixed(ranks: list[int]) -> int:
    """What a group is ordered by among those of a person: the places of all its rows."""
    return reduce(operator.xor, ((rank + 1) * 1_327_217_885 % 2**31 for rank in ranks), 0)


def order_of(domain: n.Domain) -> Any:
    """What a value is compared by: a category by its place."""
    return (lambda value: domain.values.index(value)) if domain.kind == "category" else (lambda value: value)


def computed(one: n.Computed, rows: list[Line]) -> Any:
    if one.value is None:
        return len(rows)
    values = [value for row in rows if (value := value_of(one.value, row)) is not None]
    if one.function in ("first", "last"):
        assert one.at is not None
        by, domain = one.at, order_of(one.value.domain)
        pairs = [
            (at, value)
            for row in rows
            if (at := value_of(by, row)) is not None
            if (value := value_of(one.value, row)) is not None
        ]
        if not pairs:
            return None
        key = lambda pair: (pair[0], domain(pair[1]))  # noqa: E731
        return (min if one.function == "first" else max)(pairs, key=key)[1]
    if one.function == "count_values":
        return len(values)
    if one.function == "count_distinct":
        return len(set(values))
    if not values:
        return None
    return {
        "sum": sum, "mean": lambda v: sum(v) // len(v), "min": min, "max": max, "any": max, "all": min,
    }[one.function](values)  # fmt: skip


def domain_values(domain: n.Domain) -> list[Any]:
    values: list[Any] = list(domain.values)
    if domain.kind == "date" and domain.period != "day":
        low, high = domain.ends
        values = sorted({first_of(domain.period, day) for day in range(low, high + 1)} - set(range(low)))
    elif domain.kind != "category":
        low, high = domain.ends
        values = [value for value in range(low, high + 1) if (value - low) % domain.stride == 0]
    return [*values, None] if domain.nullable else values


def first_of(period: str, day: int) -> int:
    at = as_date(day)
    month = {"month": at.month, "quarter": (at.month - 1) // 3 * 3 + 1, "year": 1}[period]
    return (date(at.year, month, 1) - FIRST).days


def towards_zero(top: int, below: int) -> int:
    return -(-top // below) if top < 0 else top // below


def contribution(measure: Measure, rows: list[Line]) -> Any:
    """What one person adds to one group."""
    values = [None if measure.value is None else value_of(measure.value, row) for row in rows]
    if measure.value is not None:
        values = [value for value in values if value is not None]
    count, k = len(values), measure.k
    if measure.kind in ("persons", "rows"):
        return min(count, 1 if measure.kind == "persons" else k)
    assert measure.value is not None
    low, high = measure.value.domain.ends
    if measure.kind == "ranks":
        weight = (measure.cell // k) * min(count, k) // count if count else 0
        steps, bins = candidates(measure.value.domain), Counter[int]()
        for value in values:
            bins[max(place for place, step in enumerate(steps) if step <= value)] += weight
        return tuple(bins[place] for place in range(len(steps)))
    if count == 0:
        return 0
    centred = [2 * value - (low + high) for value in values]
    total = {
        "sum": sum(values),
        "centred": sum(centred),
        "square": sum(2 * one * one - (high - low) ** 2 for one in centred),
    }[measure.kind]
    return towards_zero(total * min(count, k), count * measure.divisor)


def sort_key(keys: Iterable[n.Key], group: tuple[Any, ...]) -> list[Any]:
    """Keys in the order of their values, NULL last."""
    found: list[Any] = []
    for key, value in zip(keys, group, strict=True):
        by = order_of(key.column.domain)
        found.append((value is None, 0 if value is None else by(value)))
    return found


def add_up(plan: n.Plan, tables: Rows, excluded: Iterable[int] = ()) -> list[Block]:
    """Of each grouping set that is drawn the groups and, for each measure, a number of each group."""
    people = {row["person"] for rows in tables.values() for row in rows} - set(excluded)
    rows = {person: lines(plan.relation, tables, person) for person in sorted(people)}
    return [_block(plan, one, rows) for one in drawn(plan)]


def _block(plan: n.Plan, one: tuple[int, ...], rows: Mapping[int, list[Line]]) -> Block:
    keys, l0 = [plan.keys[place] for place in one], groups_of_a_person(plan, one)
    found: dict[Any, list[list[Line]]] = defaultdict(list)
    for mine in rows.values():
        groups: dict[Any, list[Line]] = defaultdict(list)
        for row in mine:
            groups[tuple(value_of(key.column, row) for key in keys)].append(row)

        def place(group: Any, groups: Mapping[Any, list[Line]] = groups) -> Any:
            ranks = [rank for row in groups[group] for rank in row["ranks"][:1]]
            return (not ranks, mixed(ranks)), sort_key(keys, group)

        for group in sorted(groups, key=place)[:l0]:
            found[group].append(groups[group])
    measures = measured(plan).measures
    named = None if plan.discovered else list(product(*(domain_values(key.column.domain) for key in keys)))
    if named is None:
        present = [group for group in found if any(contribution(measures[0], mine) for mine in found[group])]
        named = sorted(present, key=lambda group: sort_key(keys, group))
    vectors = [tuple(_sum(measure, found.get(group, [])) for group in named) for measure in measures]
    return (tuple(named) if plan.discovered else None), vectors


def _sum(measure: Measure, people: list[list[Line]]) -> Any:
    if measure.kind != "ranks":
        return sum(contribution(measure, mine) for mine in people)
    assert measure.value is not None
    bins = [contribution(measure, mine) for mine in people] or [(0,) * len(candidates(measure.value.domain))]
    return tuple(map(sum, zip(*bins, strict=True)))


def count(plan: n.Plan, rows: Any, excluded: Iterable[int] = ()) -> list[int]:
    """Persons in every cell of a plan over the patients."""
    ((_, vectors),) = add_up(plan, {"patients": rows}, excluded)
    return list(vectors[0])
