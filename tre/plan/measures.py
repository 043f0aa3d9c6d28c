"""From statistics to the noisy numbers that they are made of: each drawn once, shared where it is the same number.

Promises that what is asked follows from the measures and public numbers alone, that the first measure is the number of persons
by which a group is suppressed, and the most that one person can add to each. What one person adds is an integer; sums over
persons are integer sums. Knows no records, no scale and no charge.

Of one person in one group, n is the number of their rows that count (those where the value is not NULL), k the most that do:

    persons     1 where n >= 1
    rows        min(n, k)
    sum         trunc(S min(n, k) / n),       S the sum of the values,                   at most k max(|lo|, |hi|) either way
    centred     trunc(C min(n, k) / n),       C the sum of 2x - (lo + hi),               at most k w, w = hi - lo
    square      trunc(Q min(n, k) / (n d)),   Q the sum of 2 (2x - (lo + hi))^2 - w^2,   at most k w^2 / d
    ranks       for each public candidate the weight of the rows of that value, a row weighing trunc(W min(n, k) / n) of W parts

x, lo and hi are the value and the ends of its domain in grid steps; trunc is towards zero; d is a public divisor that makes sums
fit 64 bits. A person keeps at most L0 groups, chosen from that person's rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tre.plan.nodes import Expression, Filter, Grouped, Join, Plan, Relation, Scan, SemiJoin, Statistic, columns, rows_per_person
from tre.plan.nodes.base import Node
from tre.plan.nodes.relations import Derived

MEASURES = ("persons", "rows", "sum", "centred", "square", "ranks")
WEIGHT = 1_000  # W: the parts of one row's weight in a quantile of many rows a person


@dataclass(frozen=True, slots=True)
class Measure(Node):
    """One noisy number of every group. ``value`` None: every row counts; else those where it is not NULL. ``k``: rows of one
    person that count in one group. ``cell``: the most one person adds to one group, in the measure's integer unit."""

    kind: str
    value: Expression | None
    k: int
    cell: int
    divisor: int = 1
    q: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in MEASURES or self.k < 1 or self.cell < 0 or self.divisor < 1:
            raise ValueError("no such measure")

    @property
    def weight(self) -> int:
        """W: of how many parts the weight of one row is made, in a quantile's ranks."""
        return max(1, self.cell // self.k)


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of a plan, the persons first, and of which of them each statistic is made, as places: persons → (persons);
    rows → (rows); sum → (sum); avg, mean_of_persons → (rows, centred); var, stddev → (rows, centred, square); quantile → (rows,
    ranks). One measure may play several parts."""

    measures: tuple[Measure, ...]
    parts: Mapping[str, tuple[int, ...]]


@lru_cache(maxsize=512)
def measured(plan: Plan) -> Measured:
    """What is drawn for a plan."""
    once = rows_per_person(plan.relation) == 1
    suppressing = _suppressing(plan)
    found: list[Measure] = [Measure("persons", _counted(suppressing), 1, 1)]

    def place(measure: Measure) -> int:
        if measure.kind == "rows" and measure.k == 1 and measure.value == found[0].value:
            return 0  # of each person at most one row counts: the same number
        if measure.kind == "persons" and measure.value == found[0].value:
            return 0
        if measure not in found:
            found.append(measure)
        return found.index(measure)

    parts = {}
    for statistic in plan.statistics:
        k = 1 if once or statistic.kind == "mean_of_persons" else rows_that_count(plan, statistic)
        parts[statistic.alias] = tuple(place(measure) for measure in _of(statistic, k, once))
    return Measured(tuple(found), parts)


def rows_that_count(plan: Plan, statistic: Statistic) -> int:
    """k: the policy's bound of the relation, or the smaller one that was asked for. Where it is still to be chosen, the largest
    that can be."""
    k = min(policy_rows(plan.relation), rows_per_person(plan.relation))
    return min(k, statistic.bound) if isinstance(statistic.bound, int) else k


def policy_rows(relation: Relation) -> int:
    """The rows of one person that count in one group, by the policy's bounds of the tables below."""
    return _multiplied(relation, lambda scan: scan.max_rows)


def policy_groups(relation: Relation) -> int:
    """The groups one person can be in, by the policy's bounds of the tables below."""
    return _multiplied(relation, lambda scan: scan.max_groups)


def _multiplied(relation: Relation, bound: Callable[[Scan], int]) -> int:
    """A sub-query that is one row a person counts once, a join multiplies."""
    match relation:
        case Scan():
            return bound(relation)
        case Filter(relation=below) | SemiJoin(left=below) | Derived(relation=below):
            return _multiplied(below, bound)
        case Join(left, right):
            return _multiplied(left, bound) * _multiplied(right, bound)
        case Grouped(relation=below, by=by):
            return _multiplied(below, bound) if by else 1
    raise TypeError("no such relation")


def groups_of_a_person(plan: Plan, one: tuple[int, ...]) -> int:
    """L0 of one grouping set: 1 where its keys are functions of what is one row per person, else the policy's bound, and never
    more than the person's rows or the set's groups."""
    single = single_labels(plan.relation)
    l0, groups = min(policy_groups(plan.relation), rows_per_person(plan.relation)), 1
    for place in one:
        key = plan.keys[place]
        if all(column.table in single for column in columns(key.column)):
            continue  # of one person this key has one value
        groups *= key.column.domain.size or l0
    return min(l0, groups)


def one_group_a_person(plan: Plan, one: tuple[int, ...]) -> bool:
    """Whether a set's keys have one value for each person, so that nobody is in two groups and nothing is cut."""
    single = single_labels(plan.relation)
    return all(column.table in single for place in one for column in columns(plan.keys[place].column))


def single_labels(relation: Relation) -> frozenset[str]:
    """The labels of which all rows of one person are the same row."""
    match relation:
        case Scan(row_cap=row_cap, label=label):
            return frozenset({label} if row_cap == 1 else ())
        case Filter(relation=below) | SemiJoin(left=below):
            return single_labels(below)
        case Join(left, right):
            return single_labels(left) | single_labels(right)
        case Derived(relation=below, label=label) | Grouped(relation=below, label=label):
            return frozenset({label} if rows_per_person(relation) == 1 else ())
    raise TypeError("no such relation")


def _suppressing(plan: Plan) -> Expression | None:
    """The value whose persons are counted for suppression: None for everybody of the group; where every statistic is of one
    value, those who have it (the only ones that a shown number is about): the stricter number, and often the shared one."""
    values = {statistic.value for statistic in plan.statistics}
    if any(statistic.kind in ("persons", "sum") for statistic in plan.statistics) or len(values) != 1:
        return None
    return values.pop()


def _counted(value: Expression | None) -> Expression | None:
    """A value that is never NULL counts every row."""
    return None if value is None or not value.domain.nullable else value


def _of(statistic: Statistic, k: int, once: bool) -> list[Measure]:
    """The measures of one statistic, in the order of `Measured.parts`. ``once``: a person has one row, which weighs 1 whole."""
    if statistic.kind == "persons":
        return [Measure("persons", None, 1, 1)]
    rows = Measure("rows", _counted(statistic.value), k, k)
    if statistic.kind == "rows":
        return [rows]
    assert statistic.value is not None
    low, high = statistic.value.domain.ends
    width = high - low
    if statistic.kind == "sum":
        return [Measure("sum", statistic.value, k, k * max(abs(low), abs(high)))]
    if statistic.kind == "quantile":
        return [rows, Measure("ranks", statistic.value, k, k if once else k * WEIGHT, q=statistic.q)]
    centred = Measure("centred", statistic.value, k, k * width)
    if statistic.kind in ("avg", "mean_of_persons"):
        return [rows, centred]
    divisor = square_divisor(width, k)
    return [rows, centred, Measure("square", statistic.value, k, k * width * width // divisor, divisor)]


LARGEST_SQUARE = 2**24  # what one person adds to a square sum at most: with 2^32 persons it stays below 2^56


def square_divisor(width: int, k: int) -> int:
    """The public divisor of a square sum."""
    return max(1, -(-(k * width * width) // LARGEST_SQUARE))
