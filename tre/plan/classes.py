"""The classes of plans that `tre doctor --calibrate` measures: persons of a table with one row a person, by public keys.

Promises that a plan of a class does no other kind of work than the class's own questions, and no more of it. Plans of any other
kind are of no class: for them the table that ships stands, longer where it has to be for one of their kinds (`tre.plan.kinds`).
"""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.measures import measured
from tre.plan.nodes import And, Column, Compare, Constant, Filter, IsNull, Not, OneOf, Or, Plan, Predicate, Relation, Scan

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
    """The first class that holds a plan; None for a plan beyond all of them, or of another kind of work."""
    if (
        plan.discovered
        or len(plan.sets) > 1
        or plan.figures
        or plan.having
        or [one.kind for one in measured(plan).measures] != ["persons"]
    ):
        return None
    work = _of_relation(plan.relation)
    if work is None or not all(isinstance(key.column, Column) for key in plan.keys):
        return None
    size = PlanClass(plan.cells, *work)
    return next((one for one in CLASSES if size.within(one)), None)


Work = tuple[int, int]


def _of_relation(relation: Relation) -> Work | None:
    match relation:
        case Scan(row_cap=1):
            return 0, 0
        case Filter(below, predicate):
            return _sum(_of_relation(below), _work(predicate))
    return None


def _work(node: Predicate) -> Work | None:
    """How many comparisons of a column a row may take, and in how many lists of `CODES` codes it is looked up."""
    match node:
        case And(parts) | Or(parts):
            return _sum(*map(_work, parts))
        case Not(part):
            return _work(part)
        case OneOf(column=Column(domain=domain), literals=literals):
            return (0, -(-len(literals) // CODES)) if domain.kind == "code" else (1 + len(literals) // 50, 0)
        case Compare(column=Column(domain=domain)):
            return (0, 1) if domain.kind == "code" else (1, 0)
        case IsNull(column=Column()):
            return 1, 0
        case Constant():
            return 0, 0
    return None


def _sum(*works: Work | None) -> Work | None:
    known = [work for work in works if work is not None]
    return (sum(one for one, _ in known), sum(other for _, other in known)) if len(known) == len(works) else None
