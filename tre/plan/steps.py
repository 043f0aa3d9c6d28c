"""When an answer is released: a step of time chosen before any record is touched, from the plan and the policy's published size.

Promises that the step depends on nothing else, and is at least four times the slowest run that was expected of such a plan on a
busy machine. A plan that needs more than the deadline is refused. The table here is the conservative one that ships with the
code; `calibration` has what was measured on one machine, for the classes of plans below.
"""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.hints import too_large
from tre.plan.nodes import And, Compare, Filter, IsNull, Not, OneOf, Or, Plan, Predicate, Relation

FIRST_STEP_S = 0.25
ROOM = 4  # a release time is at least so many times the slowest run


@dataclass(frozen=True, slots=True)
class Slowest:
    """The slowest run to expect, in seconds. Measured with DuckDB 2.0 on one thread of a quiet machine, per million persons: a
    count by 7 groups 0.004 (with an anti-join 0.017, at 60 million persons 0.030), by 9,000 groups 0.007, a comparison 0.0003, a
    list of 50,000 codes 0.015; 10,000 noisy cells 0.5 on a busy one. What stands here is at least as much, mostly a few times."""

    start: float = 0.1  # pipes, JSON, a first call of the noise, and sealing while many ask at once
    a_cell: float = 0.000_1
    a_million_persons: float = 0.03
    a_comparison: float = 0.001  # these two per million persons
    a_list: float = 0.03


SHIPPED = Slowest()


def release_time(plan: Plan, persons: int, quantum_ms: int, deadline_s: float, slowest: Slowest = SHIPPED) -> float:
    """Seconds from hand-over to release: the first of 0.25, 0.5, 1, 2, 4 … and the deadline that is long enough, and not below
    the policy's quantum."""
    return step_for(expected(plan, persons, slowest), quantum_ms, deadline_s)


def step_for(slowest_s: float, quantum_ms: int, deadline_s: float) -> float:
    """The step of a plan whose slowest run takes so long."""
    needed = max(ROOM * slowest_s, quantum_ms / 1000)
    if needed > deadline_s:
        raise too_large(
            f"An answer would need more than the {deadline_s:g} s that the policy gives it.",
            "Ask for fewer groups, or compare less.",
        )
    step = FIRST_STEP_S
    while step < needed:
        step *= 2
    return min(step, deadline_s)


def expected(plan: Plan, persons: int, slowest: Slowest = SHIPPED) -> float:
    """The slowest run of a plan at a published size."""
    comparisons, lists = _work(plan.relation)
    a_million = slowest.a_million_persons + comparisons * slowest.a_comparison + lists * slowest.a_list
    return slowest.start + plan.cells * slowest.a_cell + persons / 1_000_000 * a_million


CODES = 5_000  # a longer list of codes counts as several


@dataclass(frozen=True, slots=True)
class PlanClass:
    """Plans of at most so many cells, comparisons for a row, and lists of codes that a row is looked up in. Whatever else a plan
    may come to hold is one more bound here."""

    cells: int
    comparisons: int
    lists: int

    def __str__(self) -> str:
        return f"{self.cells} cells, {self.comparisons} comparisons, {self.lists} lists"

    def within(self, other: PlanClass) -> bool:
        """Whether the other class holds whatever this one does."""
        return self.cells <= other.cells and self.comparisons <= other.comparisons and self.lists <= other.lists


WORK = ((0, 0), (10, 0), (10, 2))
# The smaller first: a plan is of the first that holds it.
CLASSES = tuple(PlanClass(cells, *work) for cells in (10, 100, 1_000, 10_000) for work in WORK)


def class_of(plan: Plan) -> PlanClass | None:
    """The first class that holds a plan; None for a plan beyond all of them."""
    size = PlanClass(plan.cells, *_work(plan.relation, CODES))
    return next((one for one in CLASSES if size.within(one)), None)


def _work(node: Relation | Predicate, codes: int = 50_000) -> tuple[int, int]:
    """How many comparisons a row may take, and in how many lists of ``codes`` codes it is looked up."""
    match node:
        case Filter(relation, predicate):
            return _sum(_work(relation, codes), _work(predicate, codes))
        case And(parts) | Or(parts):
            return _sum(*(_work(part, codes) for part in parts))
        case Not(part):
            return _work(part, codes)
        case OneOf(column, literals):
            return (0, -(-len(literals) // codes)) if column.domain.kind == "code" else (1 + len(literals) // 50, 0)
        case Compare(column=column):
            return (0, 1) if column.domain.kind == "code" else (1, 0)
        case IsNull():
            return 1, 0
    return 0, 0


def _sum(*works: tuple[int, int]) -> tuple[int, int]:
    return sum(work[0] for work in works), sum(work[1] for work in works)
