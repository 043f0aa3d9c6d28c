"""A relation as the FROM and WHERE of a statement.

Promises that every part is of the person: each join, semi-join and grouping carries the person, each scan the range of persons
that is counted; and that where rows of a person have an order, it hangs on that person's rows alone. A semi-join is DuckDB's own,
with its condition: EXISTS with a condition on both sides is many times slower, and NOT IN has a trap for NULL that this has not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from tre.plan.nodes import (
    Column,
    Computed,
    Derived,
    Domain,
    Expression,
    Filter,
    Grouped,
    Join,
    Named,
    Node,
    Relation,
    Scan,
    SemiJoin,
    columns,
    outputs,
)
from tre.vault.compile.expressions import number, value
from tre.vault.compile.predicates import truth
from tre.vault.compile.text import Dictionary, Gathered, Names, NotCompiled, Reference, Scope, day, integer, wide, word

EPOCH_DAY = day(0)
MOST, SCATTER = 2**31 - 1, 1_327_217_885

Needed = frozenset[tuple[str, str]]  # label and name of the columns that are read above


@dataclass(frozen=True, slots=True)
class Core:
    """``text``: what stands after FROM. ``person``, ``rank``: the text of the person, and of the random order among one person's
    rows that the store keeps (None where a person has one row). ``alone``: whether the text is one item of FROM."""

    text: str
    person: str
    names: Names
    rank: str | None = None
    where: tuple[str, ...] = ()
    alone: bool = True

    @property
    def after_from(self) -> str:
        return self.text + (f" WHERE {' AND '.join(self.where)}" if self.where else "")


def reads(*nodes: Node | None) -> Needed:
    """The columns that some nodes read."""
    return frozenset((column.table, column.name) for column in columns(tuple(node for node in nodes if node is not None)))


def rows(relation: Relation, needed: Needed, gathered: Gathered) -> Core:
    """The text of a relation of which some columns are read above."""
    match relation:
        case Scan():
            return _scan(relation, gathered)
        case Filter(below, predicate):
            core = rows(below, needed | reads(predicate), gathered)
            return replace(core, where=(*core.where, truth(predicate, scope_of(core, gathered))))
        case Join():
            return _join(relation, needed, gathered)
        case SemiJoin():
            return _semi_join(relation, needed, gathered)
        case Grouped():
            return _grouped(relation, gathered)
        case Derived():
            return _derived(relation, gathered)
    raise NotCompiled("a relation without a template")


def scope_of(core: Core, gathered: Gathered) -> Scope:
    return Scope(core.names, gathered, truth)


def _scan(scan: Scan, gathered: Gathered) -> Core:
    label, name = gathered.label(), scan.table
    word(name)
    gathered.tables.add(name)
    where: tuple[str, ...] = ()
    if gathered.persons is not None:
        low, high = gathered.persons
        where = (f"({label}.person BETWEEN {low} AND {high})",)
    rank = f"{label}.rank" if scan.row_cap > 1 else None
    own = lambda column: Reference(f"{label}.{word(column)}", (name, column))  # noqa: E731
    return Core(f"temp.{word(gathered.source + name)} AS {label}", f"{label}.person", {scan.label: own}, rank, where)


def _join(join: Join, needed: Needed, gathered: Gathered) -> Core:
    left, right = rows(join.left, needed, gathered), rows(join.right, needed, gathered)
    if join.outer and (right.where or not right.alone):
        right = _wrapped(right, join.right, needed, gathered)
    other = right.text if right.alone else f"({right.text})"
    on = f"{left.person} = {right.person}"
    return Core(
        f"{left.text} {'LEFT ' if join.outer else ''}JOIN {other} ON ({on})",
        left.person,
        {**left.names, **right.names},
        _together(left.rank, right.rank),
        (*left.where, *right.where),
        alone=False,
    )


def _together(left: str | None, right: str | None) -> str | None:
    """The order of pairs of rows: by the sum of both places, so that A JOIN B keeps of a person what B JOIN A keeps. NULL is of
    a person without right rows, and then in each of that person's rows."""
    if left is None or right is None:
        return left or right
    return f"(coalesce(CAST({left} AS BIGINT), 0) + coalesce({right}, 0))"


def mixed(rank: str) -> str:
    """The place of a group among one person's groups, from 0 to 2^31 - 1: the places of *all* its rows, which the store drew at
    random, scattered by a multiplicative hash (2^31 by the golden ratio; Knuth, volume 3, 6.4) and combined, so that a group of
    many rows comes no sooner than a group of one."""
    return f"bit_xor(CAST((((CAST({rank} AS BIGINT) + 1) & {MOST}) * {SCATTER}) & {MOST} AS INTEGER))"


def _semi_join(join: SemiJoin, needed: Needed, gathered: Gathered) -> Core:
    condition = reads(join.condition)
    left, right = rows(join.left, needed | condition, gathered), rows(join.right, condition, gathered)
    if right.where or not right.alone:
        right = _wrapped(right, join.right, condition, gathered)
    on = f"{left.person} = {right.person}"
    if join.condition is not None:
        names = {**left.names, **right.names}
        on += f" AND {truth(join.condition, Scope(names, gathered, truth))}"
    kind = "ANTI" if join.anti else "SEMI"
    return replace(left, text=f"{left.text} {kind} JOIN {right.text} ON ({on})", alone=False)


def _wrapped(core: Core, relation: Relation, needed: Needed, gathered: Gathered) -> Core:
    """A core as one item of FROM, with the columns of it that are read above."""
    chosen = sorted(one for one in needed if one[0] in outputs(relation))
    references = [core.names[label](name) for label, name in chosen]
    listed = [f"{reference.text} AS c{place}" for place, reference in enumerate(references)]
    places = {one: (place, reference.dictionary) for place, (one, reference) in enumerate(zip(chosen, references, strict=True))}
    own = gathered.label()

    def named(label: str) -> Callable[[str], Reference]:
        return lambda name: Reference(f"{own}.c{places[label, name][0]}", places[label, name][1])

    return _item(own, [f"{core.person} AS person", *listed], core, {label: named(label) for label in outputs(relation)})


def _item(own: str, listed: list[str], core: Core, names: Names, grouped: str = "") -> Core:
    """A sub-query. The rank goes with it: of a group that of all its rows."""
    rank = core.rank and (mixed(core.rank) if grouped else core.rank)
    if rank:
        listed = [*listed, f"{rank} AS rank"]
    text = f"(SELECT {', '.join(listed)} FROM {core.after_from}{grouped}) AS {own}"
    return Core(text, f"{own}.person", names, rank and f"{own}.rank")


def _derived(derived: Derived, gathered: Gathered) -> Core:
    core = rows(derived.relation, reads(*(one.value for one in derived.columns)), gathered)
    own, scope = gathered.label(), scope_of(core, gathered)
    listed = [f"{value(one.value, scope)} AS c{place}" for place, one in enumerate(derived.columns)]
    names = {derived.label: _numbered(own, derived.columns, scope)}
    return _item(own, [f"{core.person} AS person", *listed], core, names)


def _grouped(grouped: Grouped, gathered: Gathered) -> Core:
    parts = [part for one in grouped.values for part in (one.value, one.at)]
    core = rows(grouped.relation, reads(*(one.value for one in grouped.by), *parts), gathered)
    own, scope = gathered.label(), scope_of(core, gathered)
    keys = [f"{value(one.value, scope)} AS c{place}" for place, one in enumerate(grouped.by)]
    values = [f"{_computed(one, scope)} AS c{place}" for place, one in enumerate(grouped.values, len(keys))]
    by = ", ".join(str(place) for place in range(1, len(keys) + 2))
    names = {grouped.label: _numbered(own, [*grouped.by, *grouped.values], scope)}
    made = _item(own, [f"{core.person} AS person", *keys, *values], core, names, f" GROUP BY {by}")
    return made if grouped.by else replace(made, rank=None)


def _numbered(own: str, named: Iterable[Named | Computed], scope: Scope) -> Callable[[str], Reference]:
    """The columns of a sub-query by their places: their names are the question's."""
    known = {one.name: Reference(f"{own}.c{place}", dictionary_of(one.value, scope)) for place, one in enumerate(named)}
    return lambda name: known[name]


def dictionary_of(node: Expression | None, scope: Scope) -> Dictionary | None:
    return scope.column(node).dictionary if isinstance(node, Column) and node.domain.kind == "code" else None


_PLAIN: Mapping[str, str] = {
    "count_values": "count({})",
    "count_distinct": "count(DISTINCT {})",
    "min": "min({})",
    "max": "max({})",
    "any": "max({})",
    "all": "min({})",
}


def _computed(one: Computed, scope: Scope) -> str:
    if one.value is None:
        return "count(*)"
    if one.function in _PLAIN:
        return _PLAIN[one.function].format(value(one.value, scope))
    if one.function == "sum":
        return f"CAST(sum({number(one.value, scope)}) AS BIGINT)"
    if one.function == "mean":
        return _mean(one.value, scope)
    assert one.at is not None
    return _at_end("min" if one.function == "first" else "max", one.value, one.at, scope)


def _mean(of: Expression, scope: Scope) -> str:
    """The floor of the mean: counted from the domain's low end, so that nothing is negative."""
    low = of.domain.ends[0]
    above = f"sum({number(of, scope)} - {integer(low)})"
    return f"(CAST({above} // nullif(count({value(of, scope)}), 0) AS BIGINT) + {integer(low)})"


def _at_end(end: str, of: Expression, at: Expression, scope: Scope) -> str:
    """The value of the first or last row, ties by the value: both packed into one integer, whose least or greatest is unpacked.
    (A DuckDB ``arg_min`` breaks ties by the order in which threads come.)"""
    width, low = _width(of.domain), _ends(of.domain)[0]
    kind = wide(_width(at.domain) * width)
    packed = f"CAST({_from_low(at, scope)} AS {kind}) * {width} + {_from_low(of, scope)}"
    got = f"(CAST({end}({packed}) % {width} AS BIGINT) + {integer(low)})"
    return got if of.domain.kind != "date" else f"({EPOCH_DAY} + CAST({got} AS INTEGER))"


@dataclass(frozen=True, slots=True)
class Packed:
    """The values of a key as whole numbers from 1, NULL the last, in the lowest ``bits`` of a number.

    Only a value that can be read out of them again is written. Whatever cannot is 0, and read as the number before the first: a
    group that no plan has, so that the alarm sees it, where cut to those bits it would be another group, and two of a person's
    groups perhaps one."""

    domain: Domain
    bits: int

    @property
    def low(self) -> int:
        return _ends(self.domain)[0]

    @property
    def null(self) -> int:
        return _width(self.domain) + 1

    def write(self, stored: str) -> str:
        date = self.domain.kind == "date"
        number = f"({stored} - {EPOCH_DAY})" if date else f"CAST({stored} AS BIGINT)"
        place = f"{number} + {integer(1 - self.low)}"
        again = f"{self.read(self.place(f'({place})'))} = {stored if date else number}"
        missing = f"WHEN {stored} IS NULL AND {self.place(str(self.null))} = {self.null} THEN {self.null} "
        return f"CASE {missing if self.domain.nullable else ''}WHEN {again} THEN {place} ELSE 0 END"

    def place(self, number: str) -> str:
        """Of a number in whose lowest bits a value was written, what was written there."""
        return f"({number} & {2**self.bits - 1})"

    def read(self, place: str) -> str:
        """The stored value again."""
        found = f"nullif({place}, {self.null})" if self.domain.nullable else place
        number = f"({found} + {integer(self.low - 1)})"
        return f"({EPOCH_DAY} + CAST({number} AS INTEGER))" if self.domain.kind == "date" else number


def packed(key: Expression) -> Packed | None:
    """How a key can be written beside the place of its group in 63 bits; None where it cannot."""
    domain = key.domain
    low, high = _ends(domain)
    bits = (_width(domain) + domain.nullable).bit_length()
    return Packed(domain, bits) if bits <= 32 and low > -(2**31) and high < 2**31 else None


def _from_low(node: Expression, scope: Scope) -> str:
    """A value counted from the low end of its domain."""
    text = f"({value(node, scope)} - {EPOCH_DAY})" if node.domain.kind == "date" else number(node, scope)
    return f"({text} - {integer(_ends(node.domain)[0])})"


def _width(domain: Domain) -> int:
    low, high = _ends(domain)
    return high - low + 1


def _ends(domain: Domain) -> tuple[int, int]:
    if domain.kind == "category":
        return 0, len(domain.values) - 1
    return (0, 2**31 - 1) if domain.kind == "code" else domain.ends
