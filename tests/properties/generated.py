"""Random schemas' worth of records and random valid plans over the whole grammar, from a seed: the same in every run.

Small domains and few persons, so that collisions, ties, NULLs and empty groups are the rule.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.vault.building import TABLES, Row, Shape, ranked
from tre.plan import nodes as n
from tre.plan.nodes.relations import Relation

CODES = ("A1", "B2", "c'3", "D4", "E5")
SCHEMA: Mapping[str, Mapping[str, n.Domain]] = {table: shape.domains for table, shape in TABLES.items()}


def random_value(domain: n.Domain, dice: random.Random) -> Any:
    if domain.nullable and dice.random() < 0.25:
        return None
    if domain.kind == "category":
        return dice.choice(domain.values)
    return dice.choice(CODES) if domain.kind == "code" else dice.randint(*domain.ends)


def random_records(dice: random.Random, persons: int) -> dict[str, list[dict[str, Any]]]:
    """Everybody has one row of the patients, and none to `row_cap` of the other tables, many of them alike. Some columns have one
    value alone beside NULL: an engine's plan may hang on that. Where a person has one row there is no order among them."""
    made = {table: _rows(dice, shape, persons) for table, shape in TABLES.items()}
    return {table: rows if TABLES[table].scan.row_cap == 1 else ranked(rows) for table, rows in made.items()}


def _rows(dice: random.Random, shape: Shape, persons: int) -> list[Row]:
    cap, rows = shape.scan.row_cap, []
    domains = {name: _narrow(domain, dice) if dice.random() < 0.15 else domain for name, domain in shape.domains.items()}
    for person in range(persons):
        many = 1 if cap == 1 else dice.choice([0, 0, 1, 2, cap, dice.randint(0, cap)])
        own = [{name: random_value(domain, dice) for name, domain in domains.items()} for _ in range(many)]
        if own and dice.random() < 0.2:
            own = [own[0]] * many
        rows += [{"person": person, **row} for row in own]
    return rows


def _narrow(domain: n.Domain, dice: random.Random) -> n.Domain:
    """One value of a domain, and NULL where it has that."""
    one = random_value(replace(domain, nullable=False), dice)
    return (
        replace(domain, values=(one,))
        if domain.kind == "category"
        else domain
        if domain.kind == "code"
        else replace(domain, low=one, high=one)
    )


@dataclass
class Maker:
    """Plans from one stream of chance. ``made`` counts every node kind, so that a test can see that each was."""

    dice: random.Random
    labels: Counter[str] = field(default_factory=Counter)

    def label(self, name: str) -> str:
        self.labels[name] += 1
        return name if self.labels[name] == 1 else f"{name}_{self.labels[name]}"

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    # ------------------------------------------------------------------ relations
    def scan(self, table: str | None = None) -> n.Relation:
        name = table or self.dice.choice(list(SCHEMA))
        return replace(TABLES[name].scan, label=self.label(name))

    def relation(self, depth: int) -> Relation:
        found = self._relation(depth)
        if n.rows_per_person(found) > 24:
            found = self.grouped(found, by=False)
        return n.Filter(found, self.predicate(self.columns(found), 2)) if self.chance(0.5) else found

    def _relation(self, depth: int) -> Relation:
        kind = self.dice.random()
        if depth == 0 or kind < 0.15:
            return self.scan()
        if kind < 0.4:
            return n.Join(self.relation(depth - 1), self.relation(depth - 1), self.chance(0.4))
        if kind < 0.6:
            left, right = self.relation(depth - 1), self.relation(depth - 1)
            both = [*self.columns(left), *self.columns(right)]
            return n.SemiJoin(left, right, self.predicate(both, 2) if self.chance(0.6) else None, self.chance(0.4))
        if kind < 0.9:
            return self.grouped(self.relation(depth - 1), by=self.chance(0.3))
        return self.derived(self.relation(depth - 1))

    def grouped(self, below: Relation, by: bool) -> Relation:
        columns, rows = self.columns(below), n.rows_per_person(below)
        keys = tuple(n.Named(f"k{at}", self.expression(columns, 1)) for at in range(self.dice.randint(1, 2))) if by else ()
        values = tuple(self.computed(f"v{at}", columns, rows) for at in range(self.dice.randint(0 if by else 1, 3)))
        return n.Grouped(below, self.label("g"), keys, values)

    def computed(self, name: str, columns: Sequence[n.Column], rows: int) -> n.Computed:
        for _ in range(20):
            function = self.dice.choice(n.FUNCTIONS)
            value = None if function == "count" else self.expression(columns, 1)
            if function in ("any", "all"):
                value = n.Condition(self.predicate(columns, 1))
            at = self.expression(columns, 1) if function in ("first", "last") else None
            try:
                return n.computed(name, function, value, at, rows)
            except n.NoDomain:
                continue
        return n.computed(name, "count", None, None, rows)

    def derived(self, below: Relation) -> Relation:
        columns = self.columns(below)
        return n.Derived(below, self.label("d"), tuple(n.Named(f"c{at}", self.expression(columns, 2)) for at in range(3)))

    def columns(self, relation: Relation) -> list[n.Column]:
        """What can be read above a relation."""
        nullable = _nullable(relation)
        told = []
        for label, known in n.outputs(relation).items():
            domains = SCHEMA[_table(label)] if known is None else known
            told += [n.Column(label, name, domain.or_null(label in nullable)) for name, domain in domains.items()]
        return told

    # ------------------------------------------------------------------ expressions
    def expression(self, columns: Sequence[n.Column], depth: int) -> n.Expression:
        for _ in range(10):
            try:
                return self._expression(columns, depth)
            except n.NoDomain:
                continue
        return self.dice.choice(columns)

    def _expression(self, columns: Sequence[n.Column], depth: int) -> n.Expression:
        column: n.Expression = self.dice.choice(columns)
        if depth == 0 or column.domain.kind == "code" or self.chance(0.3):
            return column
        inner = self.expression(columns, depth - 1) if self.chance(0.3) else column
        makers: dict[str, list[Callable[[], n.Expression]]] = {
            "integer": [
                lambda: self.number(inner, columns),
                lambda: n.band(inner, self.dice.randint(1, 4)),
                lambda: self.cased(columns),
            ],
            "decimal": [
                lambda: self.number(inner, columns),
                lambda: n.band(inner, self.dice.randint(1, 4)),
                lambda: self.coalesce(inner),
            ],
            "date": [lambda: self.dated(inner, columns), lambda: self.dated(inner, columns)],
            "boolean": [lambda: inner, lambda: n.Condition(self.predicate(columns, 1))],
            "category": [lambda: self.cased(columns), lambda: n.Condition(self.predicate(columns, 1))],
            "code": [lambda: inner],
        }
        return self.dice.choice(makers[inner.domain.kind])()

    def number(self, one: n.Expression, columns: Sequence[n.Column]) -> n.Expression:
        amount = self.dice.randint(-3, 7)
        literal = n.Value(amount, n.Domain("integer", False, low=amount, high=amount))
        other = literal if self.chance(0.5) else self.dice.choice(columns)
        kind = self.dice.randint(0, 3)
        if kind == 0:
            return n.clamp(one, *sorted(self.dice.sample(range(-5, 2000), 2)))
        if kind == 1:
            return n.extreme(self.dice.choice(["least", "greatest"]), [one, other])
        if kind == 2 and one.domain.kind == "integer":
            two = self.dice.randint(1, 4)
            return n.arithmetic("//", one, n.Value(two, n.Domain("integer", False, low=two, high=two)))
        return n.arithmetic(self.dice.choice("+-*"), one, other)

    def dated(self, one: n.Expression, columns: Sequence[n.Column]) -> n.Expression:
        other = self.dice.choice(columns)
        kind = self.dice.randint(0, 5)
        if kind == 0:
            return n.date_part(self.dice.choice(n.PARTS), one)
        if kind == 1:
            return n.date_trunc(self.dice.choice(n.PERIODS[1:]), one)
        if kind == 2:
            return n.elapsed(self.dice.choice(n.UNITS), one, other)
        if kind == 3:
            return n.extreme(self.dice.choice(["least", "greatest"]), [one, other])
        if kind == 4:
            return n.clamp(one, one.domain.ends[0] + 1, one.domain.ends[1])
        return n.arithmetic(self.dice.choice("+-"), one, other)

    def cased(self, columns: Sequence[n.Column]) -> n.Expression:
        if self.chance(0.5):
            texts = [n.Value(text, n.Domain("category", False, (text,))) for text in ("low", "high", "none")]
            return n.case(
                [n.Branch(self.predicate(columns, 1), texts[0]), n.Branch(self.predicate(columns, 1), texts[1])], texts[2]
            )
        one, other = (
            n.Value(3, n.Domain("integer", False, low=3, high=3)),
            n.Value(None, n.Domain("integer", True, low=3, high=3)),
        )
        return n.case([n.Branch(self.predicate(columns, 1), one)], other)

    def coalesce(self, one: n.Expression) -> n.Expression:
        low = one.domain.ends[0]
        if one.domain.kind != "decimal" or abs(low) >= 2**31:
            raise n.NoDomain("not here")
        instead = n.Value(low, n.Domain("decimal", False, low=low, high=low, grid=one.domain.grid))
        return n.case([n.Branch(n.Not(n.IsNull(one)), one)], instead)

    # ------------------------------------------------------------------ predicates
    def predicate(self, columns: Sequence[n.Column], depth: int) -> n.Predicate:
        if depth and self.chance(0.5):
            if self.chance(0.3):
                return n.Not(self.predicate(columns, depth - 1))
            parts = tuple(self.predicate(columns, depth - 1) for _ in range(2))
            return n.And(parts) if self.chance(0.5) else n.Or(parts)
        kind = self.dice.random()
        if kind < 0.04:
            return n.Constant(self.chance(0.5))
        one = self.expression(columns, min(depth, 1))
        if kind < 0.14:
            return n.IsNull(one)
        if kind < 0.34:
            return self.related(one, columns)
        return self.compared(one)

    def related(self, one: n.Expression, columns: Sequence[n.Column]) -> n.Predicate:
        for other in self.dice.sample(list(columns), len(columns)):
            operators = n.COMPARISONS if one.domain.kind not in ("category", "code") else n.COMPARISONS[:2]
            if one.domain.kind == "code" and not (isinstance(one, n.Column) and same_code(one, other)):
                continue
            try:
                return n.Relate(self.dice.choice(operators), one, other)
            except ValueError:
                continue
        return n.IsNull(one)

    def compared(self, one: n.Expression) -> n.Predicate:
        domain = one.domain
        if domain.kind == "boolean":
            return n.Holds(one) if self.chance(0.7) else n.Compare("=", one, self.dice.randint(0, 1))
        if domain.kind == "code" and isinstance(one, n.Column) and self.chance(0.3):
            return n.Prefix(one, self.dice.choice(["A", "C'", "Z", "B2"]))
        if self.chance(0.3):
            literals = {self.literal(domain) for _ in range(3)}
            return n.OneOf(one, tuple(sorted(literals)))
        ordered = domain.kind in ("integer", "decimal", "date")
        return n.Compare(self.dice.choice(n.COMPARISONS if ordered else n.COMPARISONS[:2]), one, self.literal(domain))

    def literal(self, domain: n.Domain) -> Any:
        if domain.kind == "category":
            return self.dice.choice(domain.values)
        if domain.kind == "code":
            return self.dice.choice([*CODES, "absent"])
        low, high = (min(max(end, -(2**31) + 9), 2**31 - 9) for end in domain.ends)
        return self.dice.randint(low - 2, high + 2)

    # ------------------------------------------------------------------ the top
    def plan(self) -> n.Plan:
        while True:
            self.labels.clear()
            relation = self.relation(self.dice.randint(0, 2))
            columns = self.columns(relation)
            keys = tuple(self.keys(columns))
            statistics = tuple(self.statistics(columns))
            names = (*(key.alias for key in keys), *(one.alias for one in statistics))
            made = n.Plan("gp", relation, keys, statistics, names, sets=self.sets(len(keys)))
            if made.discovered or made.cells <= 500:
                return made

    def keys(self, columns: Sequence[n.Column]) -> Iterator[n.Key]:
        discovered = self.chance(0.25)
        for at in range(self.dice.randint(0, 2) or discovered):
            for _ in range(20):
                column = self.expression(columns, 1)
                size = column.domain.size
                if discovered or (size is not None and size <= 30):
                    yield n.Key(f"key{at}", column, discovered)
                    break

    def statistics(self, columns: Sequence[n.Column]) -> Iterator[n.Statistic]:
        for at in range(self.dice.randint(1, 3)):
            kind = self.dice.choice(n.STATISTICS)
            value = None
            if kind not in ("persons", "rows") or (kind == "rows" and self.chance(0.4)):
                value = self.measurable(columns)
                if value is None:
                    kind = "rows"
            q = self.dice.choice(["0.5", "0.25", "0.9"]) if kind == "quantile" else None
            yield n.Statistic(f"s{at}", kind, value, 1 if kind == "rows" and self.chance(0.2) else None, q)

    def measurable(self, columns: Sequence[n.Column]) -> n.Expression | None:
        for _ in range(20):
            found = self.expression(columns, 2)
            if found.domain.numeric and found.domain.ends[1] - found.domain.ends[0] < 5_000:
                return found
        return None

    def sets(self, keys: int) -> tuple[tuple[int, ...], ...]:
        if keys == 0 or self.chance(0.7):
            return ()
        return ((0, 1), (0,), ()) if keys == 2 else ((0,), ())


def _table(label: str) -> str:
    return label.partition("_")[0]


def _nullable(relation: Relation) -> set[str]:
    """The labels on the right side of an outer join."""
    match relation:
        case n.Join(left, right, outer):
            return _nullable(left) | (set(n.outputs(right)) if outer else _nullable(right))
        case n.Filter(relation=below) | n.SemiJoin(left=below):
            return _nullable(below)
    return set()


def same_code(one: n.Column, other: n.Column) -> bool:
    """Whether two code columns are of one dictionary: the same column of the same table."""
    tables = (_table(one.table), _table(other.table))
    return tables[0] == tables[1] and tables[0] in SCHEMA and one.name == other.name and other.domain.kind == "code"


def kinds(node: Any) -> Counter[str]:
    """How often each node kind is in a plan."""
    return Counter(_kinds(node))


def _kinds(node: Any) -> Iterator[str]:
    if isinstance(node, tuple):
        for part in node:
            yield from _kinds(part)
    elif isinstance(node, n.Node):
        yield type(node).__name__
        for name in type(node).__dataclass_fields__:
            yield from _kinds(getattr(node, name))
