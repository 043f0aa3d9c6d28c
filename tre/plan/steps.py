"""When an answer is released: a step of time chosen before any record is touched, from the plan and the policy's published size.

Promises that the step depends on nothing else, and is at least four times the slowest run that was expected of such a plan on a
busy machine. A plan that needs more than the deadline is refused. The table here is the conservative one that ships with the
code; `calibration` has what was measured on one machine, for the classes and the kinds of plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tre.plan import choice, sets
from tre.plan.candidates import candidates
from tre.plan.hints import too_large
from tre.plan.measures import Measure, groups_of_a_person, measured, one_group_a_person
from tre.plan.nodes import (
    Column,
    Constant,
    Derived,
    Expression,
    Filter,
    Grouped,
    Join,
    Node,
    OneOf,
    Plan,
    Prefix,
    Relation,
    Scan,
    SemiJoin,
    Value,
    rows_per_person,
)

FIRST_STEP_S = 0.25
ROOM = 4  # a release time is at least so many times the slowest run
TYPICAL_ROWS = 20  # of one person in a table of which the policy publishes no number of rows; or its row cap, where lower
DISCOVERED = 20_000  # groups to expect where they are found in the records; with more an answer may meet its deadline
PARTS = 4  # of figures and HAVING take as long as one noisy number
UNPUBLISHED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Slowest:
    """The slowest run to expect, in seconds. Measured with DuckDB 2.0 on one thread of a quiet machine, per million rows: a count
    by 7 groups 0.004 (with an anti-join 0.017, at 60 million persons 0.030), by 9,000 groups 0.007, a comparison 0.0003, a list
    of 50,000 codes 0.015, a join 0.045, one row a person by the person 0.034 to 0.056, by the person and 200 groups 0.14 to 0.2,
    at most 3 groups a person 0.25 to 0.4, at most 12 of 324 with four
    measures 0.7 to 1.4; 10,000 noisy numbers 0.5 on a busy one, a choice among 1,024 candidates 0.005. What
    stands here is at least as much, mostly a few times."""

    start: float = 0.15  # pipes, JSON, a first call of the noise, and sealing while many ask at once
    a_number: float = 0.000_1  # of one measure or figure of one group, with what is estimated of it
    a_choice: float = 0.01  # of a quantile of one group, its 1,024 weights counted in
    crossing: float = 0.7  # where sets cross: what must be hidden beside is looked for in so much work at most
    a_crossing: float = 0.000_02  # of a cell of the finest set in a coarser one, where the sets cross
    a_scan: float = 0.03  # from here on per million rows
    a_comparison: float = 0.001  # also a step of arithmetic
    a_list: float = 0.03
    a_join: float = 0.05  # of each side, and of the pairs
    a_grouping: float = 0.1  # one row a person
    a_bounding: float = 0.25  # by the person and the keys, all measures in one pass
    a_keeping: float = 1.5  # at most L0 groups a person
    a_ranking: float = 0.5  # weights by candidate


SHIPPED = Slowest()


def release_time(
    plan: Plan,
    persons: int,
    quantum_ms: int,
    deadline_s: float,
    rows: Mapping[str, int] = UNPUBLISHED,
    slowest: Slowest = SHIPPED,
) -> float:
    """Seconds from hand-over to release: the first of 0.25, 0.5, 1, 2, 4 … and the deadline that is long enough, and not below
    the policy's quantum. ``rows``: the published number of rows of a table, where the policy has one."""
    return step_for(expected(plan, persons, rows, slowest), quantum_ms, deadline_s)


def step_for(slowest_s: float, quantum_ms: int, deadline_s: float) -> float:
    """The step of a plan whose slowest run takes so long."""
    needed = max(ROOM * slowest_s, quantum_ms / 1000)
    if needed > deadline_s:
        raise too_large(
            f"An answer would need more than the {deadline_s:g} s that the policy gives it.",
            "Ask for fewer groups, of fewer tables, or compare less.",
        )
    step = FIRST_STEP_S
    while step < needed:
        step *= 2
    return min(step, deadline_s)


def expected(plan: Plan, persons: int, rows: Mapping[str, int] = UNPUBLISHED, slowest: Slowest = SHIPPED) -> float:
    """The slowest run of a plan at a published size."""
    work = _Work(persons, rows, slowest)
    size, seconds = work.of(plan.relation)
    measures = measured(plan).measures
    seconds += work.looked_up(size, *(key.column for key in plan.keys))
    for one in sets.drawn(plan):
        seconds += _of_set(plan, one, size, measures, slowest)
    if choice.automatic(plan):  # the relation once more, and its rows by person and group
        seconds += slowest.a_choice + work.of(plan.relation)[1] + _of_set(plan, plan.sets[0], size, measures[:1], slowest)
    drawn = DISCOVERED * len(plan.sets) if plan.discovered else plan.cells
    choices = sum(measure.kind == "ranks" for measure in measures)
    numbers = len(measures) + len(plan.figures) + (_written(plan.figures) + _written(plan.having)) // PARTS
    if sets.added(plan) and sets.crossing(plan):
        seconds += slowest.crossing + plan.cells_of(plan.sets[0]) * (len(plan.sets) - 1) * slowest.a_crossing
    return slowest.start + seconds + drawn * (numbers * slowest.a_number + choices * slowest.a_choice)


def _written(part: object) -> int:
    """How many nodes figures and conditions on the answer have, as often as each is reckoned of a row."""
    if isinstance(part, tuple):
        return sum(map(_written, part))
    if not isinstance(part, Node):
        return 0
    names: tuple[str, ...] = part.__slots__  # type: ignore[attr-defined]
    return 1 + sum(_written(getattr(part, name)) for name in names)


def _of_set(plan: Plan, one: sets.Set, size: float, measures: tuple[Measure, ...], slowest: Slowest) -> float:
    """Bounding one person's rows, and adding up, of one grouping set."""
    a_million = slowest.a_scan * len(measures)
    if rows_per_person(plan.relation) > 1:
        a_million += slowest.a_bounding
        if not one_group_a_person(plan, one) and groups_of_a_person(plan, one) < rows_per_person(plan.relation):
            a_million += slowest.a_keeping
    for measure in measures:
        if measure.value is not None:
            a_million += steps_of(measure.value) * slowest.a_comparison
            if measure.kind == "ranks":
                a_million += slowest.a_ranking * (1 + len(candidates(measure.value.domain)) / 1_024)
    return size * a_million


@dataclass(frozen=True, slots=True)
class _Work:
    """Rows (in millions) and seconds of relations."""

    persons: int
    rows: Mapping[str, int]
    slowest: Slowest

    def of(self, relation: Relation) -> tuple[float, float]:
        match relation:
            case Scan(table=table, row_cap=cap):
                rows = self.rows.get(table, self.persons * min(cap, TYPICAL_ROWS)) / 1_000_000
                return rows, rows * self.slowest.a_scan
            case Filter(relation=below, predicate=predicate):
                size, seconds = self.of(below)
                return size, seconds + self.looked_up(size, predicate)
            case Derived(relation=below, columns=columns):
                size, seconds = self.of(below)
                return size, seconds + self.looked_up(size, *columns)
            case Grouped(relation=below, by=by, values=values):
                size, seconds = self.of(below)
                a_million = self.slowest.a_grouping * (1 + len(values) / 4) + (self.slowest.a_bounding if by else 0)
                left = size if by else min(size, self.persons / 1_000_000)
                return left, seconds + size * a_million + self.looked_up(size, *by, *values)
            case Join(left=one, right=other):
                return self._joined(one, other)
            case SemiJoin(left=one, right=other, condition=condition):
                size, seconds = self._joined(one, other)
                kept, _ = self.of(one)
                return kept, seconds + (0 if condition is None else self.looked_up(size, condition))
        raise TypeError("no such relation")

    def _joined(self, one: Relation, other: Relation) -> tuple[float, float]:
        """Each pair of rows of the same person: as many as the larger side, times what one person has on the smaller."""
        (left, seconds), (right, more) = self.of(one), self.of(other)
        each = max(1.0, min(left, right) * 1_000_000 / self.persons)
        pairs = max(left, right) * min(each, rows_per_person(one), rows_per_person(other))
        return pairs, seconds + more + (left + right + pairs) * self.slowest.a_join

    def looked_up(self, size: float, *nodes: Node) -> float:
        """Conditions and values that are computed of every row."""
        return size * sum(steps_of(node) * self.slowest.a_comparison + lists_of(node) * self.slowest.a_list for node in nodes)


def steps_of(node: Node) -> int:
    """How many comparisons and steps of arithmetic a row may take; a short list is one step for every 50 values."""
    if isinstance(node, OneOf):
        own = 0 if _long(node) else 1 + len(node.literals) // 50
    else:
        own = int(not isinstance(node, Column | Value | Constant))
    return own + sum(steps_of(part) for part in _below(node))


def lists_of(node: Node) -> int:
    """In how many lists of codes a row is looked up; a condition on codes is looked up in their dictionary."""
    return int(_long(node)) + sum(lists_of(part) for part in _below(node))


def _long(node: Node) -> bool:
    if isinstance(node, Prefix):
        return True
    column = getattr(node, "column", None)
    return isinstance(column, Expression) and column.domain.kind == "code"


def _below(node: Node) -> list[Node]:
    """The parts of an expression or predicate; domains are no parts."""
    found: list[Node] = []
    for name in getattr(node, "__slots__", ()):
        part = getattr(node, name)
        parts = part if isinstance(part, tuple) else (part,)
        found += [one for one in parts if isinstance(one, Node) and name != "domain"]
    return found
