"""How far two answers to one question are apart, measure by measure: the exact numbers, and of a quantile the scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.vault.plain import Block
from tre.plan.bound import Bound, sensitivities
from tre.plan.candidates import candidates
from tre.plan.measures import Measure, groups_of_a_person, measured
from tre.plan.nodes import Plan
from tre.plan.sets import drawn
from tre.vault.exact import ExactTable
from tre.vault.noise import scores


@dataclass(frozen=True)
class Moved:
    """Of one measure: for each grouping set by how much each of its groups moved, those that moved."""

    measure: Measure
    bound: Bound
    sets: tuple[tuple[int, ...], ...]

    @property
    def changes(self) -> list[int]:
        return [change for one in self.sets for change in one]

    @property
    def l1(self) -> int:
        return sum(self.changes)

    @property
    def squared_l2(self) -> int:
        return sum(change * change for change in self.changes)


def blocks(exact: ExactTable) -> list[Block]:
    return [(block.keys, list(block.numbers)) for block in exact.blocks]


def moved(plan: Plan, one: Sequence[Block], other: Sequence[Block]) -> Iterator[Moved]:
    """Each measure of a plan, with what is declared of it. A group that was not found has nothing in it."""
    for place, (measure, bound) in enumerate(zip(measured(plan).measures, sensitivities(plan), strict=True)):
        sets = tuple(
            tuple(_changes(measure, _groups(before, place), _groups(after, place)))
            for before, after in zip(one, other, strict=True)
        )
        yield Moved(measure, bound, sets)


def _groups(block: Block, place: int) -> Mapping[Any, Any]:
    keys, vectors = block
    return dict(zip(range(len(vectors[place])) if keys is None else keys, vectors[place], strict=True))


def _changes(measure: Measure, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[int]:
    for group in before.keys() | after.keys():
        if measure.kind == "ranks":
            assert measure.value is not None
            none = (0,) * len(candidates(measure.value.domain))
            pair = [scores(found.get(group, none), measure) for found in (before, after)]
            change = max(abs(one - other) for one, other in zip(*pair, strict=True))
        else:
            change = abs(before.get(group, 0) - after.get(group, 0))
        if change:
            yield change


def within(plan: Plan, one: Sequence[Block], other: Sequence[Block]) -> bool:
    """Whether anything moved; fails where it moved further than is declared."""
    found = list(moved(plan, one, other))
    for each in found:
        bound = each.bound
        assert max(each.changes, default=0) <= bound.cell, each
        assert len(each.changes) <= bound.groups, each
        assert each.l1 <= bound.l1 and each.squared_l2 <= bound.squared_l2, each
        for of, changes in zip(drawn(plan), each.sets, strict=True):
            assert len(changes) <= groups_of_a_person(plan, of), each
    return any(each.changes for each in found)
