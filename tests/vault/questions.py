"""Plans by chance, over every node that the engine compiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tests.vault.building import DOMAINS, TABLES, column, plan_of
from tre.plan import nodes as n
from tre.plan.measures import measured
from tre.plan.nodes import And, Compare, Constant, Domain, Expression, IsNull, NoDomain, Not, OneOf, Or, Plan, Predicate

KEYS = ("region", "sex", "year_of_birth", "weight", "died_on")
CODES = ("A1", "B2", "c'3", "absent", "-1")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
Draw = st.DrawFn


def literals(domain: Domain) -> st.SearchStrategy[Any]:
    """Literals in, beside and far from a column's range."""
    if domain.kind == "category":
        return st.sampled_from(domain.values)
    if domain.kind == "code":
        return st.sampled_from(CODES)
    if domain.kind == "boolean":
        return st.integers(0, 1)
    low, high = (max(-(2**30), min(end, 2**30)) for end in domain.ends)
    return st.integers(low - 2, high + 2) | st.sampled_from([-(2**31) + 1, 2**31 - 1, 0, 255, 256, 32768])


@st.composite
def leaves(draw: Draw) -> Predicate:
    name = draw(st.sampled_from(list(DOMAINS)))
    ordered = DOMAINS[name].kind not in ("category", "code")
    match draw(st.sampled_from(("compare", "one of", "is null", "constant"))):
        case "compare":
            operator = draw(st.sampled_from(COMPARISONS if ordered else COMPARISONS[:2]))
            return Compare(operator, column(name), draw(literals(DOMAINS[name])))
        case "one of":
            chosen = draw(st.lists(literals(DOMAINS[name]), min_size=1, max_size=4, unique=True))
            return OneOf(column(name), tuple(sorted(chosen)))
        case "is null":
            return IsNull(column(name))
    return Constant(draw(st.booleans()))


def combined(leaf: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=5,
    )


@st.composite
def plans(draw: Draw) -> Plan:
    """Counts of persons of the one-row table."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
    return plan_of(*keys, where=draw(st.none() | combined(leaves())))


Columns = Sequence[n.Column]


@dataclass
class Chance:
    """One plan of any shape in the making: labels handed out, and what can be read."""

    draw: Draw
    labels: int = 0
    sources: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # of codes

    def pick(self, of: Any) -> Any:
        return self.draw(st.sampled_from(list(of)))

    def whether(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) < percent

    def label(self, stem: str) -> str:
        self.labels += 1
        return f"{stem}_{self.labels}"

    # values

    def value(self, have: Columns, depth: int = 2) -> Expression:
        """Any value but a code that was computed."""
        for _ in range(4):
            try:
                made = self._value(have, depth)
            except NoDomain:
                continue
            if made.domain.kind != "code" or isinstance(made, n.Column):
                return made
        return self.pick(
            [one for one in have if one.domain.kind != "code"] or [n.Value(1, Domain("integer", False, low=1, high=1))]
        )

    def _value(self, have: Columns, depth: int) -> Expression:
        if depth == 0 or self.whether(35):
            return self.pick(have)
        kind = self.pick(
            ("literal", "+", "-", "*", "//", "extreme", "clamp", "band", "part", "trunc", "elapsed", "case", "condition")
        )
        dates = [one for one in have if one.domain.kind == "date"] if kind in ("part", "trunc", "elapsed") else []
        part = self.pick(dates) if dates and self.whether(80) else self.value(have, depth - 1)
        match kind:
            case "literal":
                return self.literal(part.domain)
            case "//":
                return n.arithmetic("//", part, n.Value(3, Domain("integer", False, low=3, high=3)))
            case "+" | "-" | "*":
                return n.arithmetic(kind, part, self.value(have, depth - 1))
            case "extreme":
                other = self.pick([one for one in have if one.domain.kind == part.domain.kind] or [part])
                return n.extreme(self.pick(("least", "greatest")), [part, other, self.literal(part.domain)])
            case "clamp":
                low, high = part.domain.ends if part.domain.ranged else (0, 1)
                ends = sorted(self.draw(st.integers(low - 2, high + 2)) for _ in "ab")
                return n.clamp(part, *ends)
            case "band":
                return n.band(part, self.draw(st.integers(1, 7)))
            case "part":
                return n.date_part(self.pick(n.PARTS), part)
            case "trunc":
                return n.date_trunc(self.pick(("month", "quarter", "year")), part)
            case "elapsed":
                other = self.pick(dates) if dates and self.whether(80) else self.value(have, depth - 1)
                return n.elapsed(self.pick(n.UNITS), part, other)
            case "case":
                return self._case(have, part, depth)
        return n.Condition(self.predicate(have, depth - 1))

    def _case(self, have: Columns, part: Expression, depth: int) -> Expression:
        if self.whether(40):
            texts = Domain("category", False, ("old", "young", "F", "b")[: self.draw(st.integers(1, 4))])
            values: list[Expression] = [n.Value(self.pick(texts.values), texts) for _ in "abc"]
            if self.whether(30):
                values += [one for one in have if one.domain.kind == "category"][:1]
        else:
            values = [part, self.literal(part.domain), part]
        branches = [n.Branch(self.predicate(have, depth - 1), value) for value in values[1:]]
        return n.case(branches, values[0])

    def literal(self, domain: Domain) -> Expression:
        if domain.kind == "code":
            raise NoDomain("no literal")
        if self.whether(15):
            return n.Value(None, replace(domain, nullable=True))
        if domain.kind == "category":
            return n.Value(self.pick(domain.values), domain)
        low, high = domain.ends
        number = self.draw(st.integers(max(low, -(2**30)), max(max(low, -(2**30)), min(high, 2**30))))
        if domain.kind == "boolean":
            return n.Value(number, domain)
        return n.Value(number, Domain(domain.kind, False, (), number, number, domain.grid))

    # conditions

    def predicate(self, have: Columns, depth: int = 1) -> Predicate:
        parts = [self._leaf(have, depth) for _ in range(self.pick((1, 1, 1, 2, 3)))]
        made = parts[0] if len(parts) == 1 else (And if self.whether(60) else Or)(tuple(parts))
        return Not(made) if self.whether(15) else made

    def _leaf(self, have: Columns, depth: int) -> Predicate:
        value = self.value(have, max(depth, 0))
        domain = value.domain
        if domain.kind == "boolean" and self.whether(60):
            return n.Holds(value)
        kind = self.pick(("compare", "compare", "one of", "null", "relate", "prefix", "constant"))
        ordered = domain.ranged and domain.kind != "boolean"
        signs = COMPARISONS if ordered else COMPARISONS[:2]
        if kind == "relate" and domain.kind != "boolean":
            other = self._beside(value, have)
            if other is not None:
                return n.Relate(self.pick(signs), value, other)
        if kind == "one of":
            chosen = self.draw(st.lists(literals(domain), min_size=1, max_size=4, unique=True))
            return OneOf(value, tuple(sorted(chosen)))
        if kind == "null":
            return IsNull(value)
        if kind == "constant":
            return Constant(self.whether(70))
        if domain.kind == "code" and isinstance(value, n.Column) and kind == "prefix":
            return n.Prefix(value, self.pick(("A", "B2", "c", "z")))
        return Compare(self.pick(signs), value, self.draw(literals(domain)))

    def _beside(self, value: Expression, have: Columns) -> Expression | None:
        """Another value that it can be compared with."""
        domain = value.domain

        def alike(other: n.Column) -> bool:
            if domain.kind == "code":
                assert isinstance(value, n.Column)
                return other.domain.kind == "code" and self.source(other) == self.source(value)
            if domain.kind == "category":
                return other.domain.values == domain.values
            return other.domain.kind == "date" if domain.kind == "date" else other.domain.numeric

        return self.pick([*(one for one in have if alike(one)), None])

    def source(self, code: n.Column) -> tuple[str, str]:
        return self.sources[code.table, code.name]

    # relations

    def relation(self, depth: int = 2) -> tuple[n.Relation, list[n.Column]]:
        kind = self.pick(("scan", "filter", "filter", "join", "join", "outer", "semi", "semi", "grouped", "grouped", "derived"))
        if depth == 0 or kind == "scan":
            return self.scan()
        below, have = self.relation(depth - 1)
        if kind == "filter":
            return n.Filter(below, self.predicate(have)), have
        if kind in ("join", "outer", "semi"):
            other, theirs = self.relation(depth - 1)
            if kind == "join":
                return n.Join(below, other), [*have, *theirs]
            if kind == "outer":
                nullable = [replace(one, domain=one.domain.or_null()) for one in theirs]
                self.sources |= {
                    (one.table, one.name): self.sources[one.table, one.name] for one in theirs if one.domain.kind == "code"
                }
                return n.Join(below, other, outer=True), [*have, *nullable]
            condition = self.predicate([*have, *theirs]) if self.whether(70) else None
            return n.SemiJoin(below, other, condition, anti=self.whether(40)), have
        return self._grouped(below, have) if kind == "grouped" else self._derived(below, have)

    def scan(self) -> tuple[n.Relation, list[n.Column]]:
        name = self.pick(("patients", "events", "events", "visits"))
        label = self.label(name)
        shape = TABLES[name]
        self.sources |= {(label, one): (name, one) for one, domain in shape.domains.items() if domain.kind == "code"}
        return replace(shape.scan, label=label), [column(one, name, label) for one in shape.domains]

    def _derived(self, below: n.Relation, have: Columns) -> tuple[n.Relation, list[n.Column]]:
        label = self.label("d")
        named = [n.Named(f"v{place}", self.value(have)) for place in range(self.pick((1, 2, 3)))]
        return n.Derived(below, label, tuple(named)), [self._own(label, one.name, one.value, one.domain) for one in named]

    def _own(self, label: str, name: str, value: Expression | None, domain: Domain) -> n.Column:
        if domain.kind == "code":
            assert isinstance(value, n.Column)
            self.sources[label, name] = self.source(value)
        return n.Column(label, name, domain)

    def _grouped(self, below: n.Relation, have: Columns) -> tuple[n.Relation, list[n.Column]]:
        label, rows = self.label("g"), n.rows_per_person(below)
        by = [n.Named(f"b{place}", self.value(have)) for place in range(self.pick((0, 0, 1, 2)))]
        values = []
        for place in range(self.pick((0, 1, 2, 3) if by else (1, 2, 3))):
            function = self.pick(n.FUNCTIONS)
            value = None if function == "count" else self.value(have)
            at = self.value(have) if function in ("first", "last") else None
            try:
                values.append(n.computed(f"v{place}", function, value, at, rows))
            except NoDomain:
                values.append(n.computed(f"v{place}", "count", None, None, rows))
        made = n.Grouped(below, label, tuple(by), tuple(values))
        columns = [self._own(label, one.name, one.value, one.domain) for one in (*by, *values)]
        return (made, columns) if columns else (below, list(have))

    # the top

    def plan(self) -> Plan:
        relation, have = self.relation(self.pick((1, 2, 3)))
        keys = self._keys(have)
        sets: tuple[tuple[int, ...], ...] = ()
        if len(keys) > 1 and self.whether(25):
            sets = ((0, 1), (0,), ()) if len(keys) == 2 else ((0, 1, 2), (1, 2), (0,), ())
        statistics = [self._statistic(place, have, relation) for place in range(self.pick((1, 1, 2, 3)))]
        output = (*(key.alias for key in keys), *(one.alias for one in statistics))
        return Plan("gp", relation, tuple(keys), tuple(statistics), output, sets=sets)

    def _keys(self, have: Columns) -> list[n.Key]:
        keys: list[n.Key] = []
        discovered, cells = self.whether(30), 1
        for place in range(self.pick((0, 1, 1, 2, 2, 3))):
            value = self.value(have)
            size = value.domain.size
            if discovered or (size is not None and cells * size <= 300):
                keys.append(n.Key(f"k{place}", value, discovered))
                cells *= size or 1
        return keys

    def _statistic(self, place: int, have: Columns, relation: n.Relation) -> n.Statistic:
        kind = self.pick((*n.STATISTICS, "persons", "rows"))
        value = None if kind == "persons" or (kind == "rows" and self.whether(40)) else self.value(have)
        bound = self.pick((None, None, 1, 2)) if kind not in ("persons", "mean_of_persons") else None
        try:
            return n.Statistic(f"s{place}", kind, value, bound, "0.3" if kind == "quantile" else None)
        except ValueError:
            return n.Statistic(f"s{place}", "rows", value, bound)


@st.composite
def any_plans(draw: Draw, allowed: Callable[[Plan], bool] = lambda plan: True) -> Plan:
    """Plans of every shape, over several tables."""
    chance = Chance(draw)
    plan = chance.plan()
    return plan if allowed(plan) and measured(plan) else plan_of()
