"""A noisy table becomes what may be shown: inside the worker, the last to see what a hidden row holds.

Promises, in this order: totals that are sums of the answer's own cells are added from the noisy ones, hidden ones too, before
anything is rounded; a row whose noisy number of persons is below the threshold is hidden whole; where totals were added, further
rows are hidden until none can be worked out; of discovered keys no more rows are kept than the policy allows, those of the most
people; what stays is rounded and carries its 95 % noise interval. Looks at noisy numbers only. Imports no engine and no noise.
"""

from __future__ import annotations

from collections.abc import Sequence

from tre.plan.estimate import estimator
from tre.plan.measures import measured
from tre.plan.nodes import Plan, Scalar
from tre.plan.order import Order
from tre.plan.rounding import rounded
from tre.plan.sets import added, cell_of, crossing, parts
from tre.vault.complementary import Cells, complement
from tre.vault.noisy import NoisyBlock, NoisyChoice, NoisyTable
from tre.vault.shown import Block, Bounded, Row, Shown, clamped, near_limit
from tre.vault.written import place

Vector = tuple[int, ...]


def suppress(noisy: NoisyTable, order: Order, chosen: NoisyChoice | None = None) -> Shown:
    """Adds, hides, then rounds. ``chosen``: the bound, where one was left open; the persons beyond it are a small number too."""
    plan, rules = order.plan, order.disclosure
    blocks = [_ordered(block, plan, one) for block, one in zip(noisy.blocks, plan.sets, strict=False)]
    if added(plan):
        blocks += [_added(blocks[0], plan, one) for one in plan.sets[1:]]
    primary = [tuple(persons < rules.threshold for persons in block.numbers[0]) for block in blocks]
    hidden = _complemented(blocks, primary, order) if added(plan) else primary
    kept = _kept(blocks, rules.max_rows_out if plan.discovered else None)
    shown = tuple(_block(*each, order) for each in zip(blocks, hidden, kept, plan.sets, strict=True))
    return Shown(shown, sum(map(sum, hidden)) - sum(map(sum, primary)), None if chosen is None else _bounded(chosen, order))


def _bounded(chosen: NoisyChoice, order: Order) -> Bounded:
    return Bounded(chosen.k, None if chosen.clamped < order.disclosure.threshold else clamped(chosen.clamped, order))


def _ordered(block: NoisyBlock, plan: Plan, one: tuple[int, ...]) -> NoisyBlock:
    """Discovered groups in the order of their values, whatever order they came in."""
    if block.keys is None:
        return block
    domains = [plan.keys[at].column.domain for at in one]
    keys = block.keys
    order = sorted(range(block.groups), key=lambda n: place(domains, keys[n]))
    return NoisyBlock(
        tuple(keys[n] for n in order), block.groups, tuple(tuple(vector[n] for n in order) for vector in block.numbers)
    )


def _added(finest: NoisyBlock, plan: Plan, one: tuple[int, ...]) -> NoisyBlock:
    """A coarser set, each of its cells the sum of noisy cells."""
    part_of, size = cell_of(plan, one), plan.cells_of(one)
    totals = [[0] * size for _ in finest.numbers]
    for vector, total in zip(finest.numbers, totals, strict=True):
        for cell, number in zip(part_of, vector, strict=True):
            total[cell] += number
    return NoisyBlock(None, size, tuple(map(tuple, totals)))


def _complemented(blocks: Sequence[NoisyBlock], primary: list[tuple[bool, ...]], order: Order) -> list[tuple[bool, ...]]:
    """Complementary suppression, the sets from the finest to the coarsest."""
    plan, rules = order.plan, order.disclosure
    ranks = sorted(range(len(plan.sets)), key=lambda at: -len(plan.sets[at]))
    sets = [plan.sets[at] for at in ranks]
    base = rules.rounding if all(found == (0,) for found in measured(plan).parts.values()) else 1
    persons = tuple(blocks[at].numbers[0] for at in ranks)
    cells = Cells(persons, tuple(cell_of(plan, one) for one in sets[1:]), tuple(_known(level, base) for level in persons))
    hidden = complement(cells, [primary[at] for at in ranks], not crossing(plan), rules.threshold)
    found = dict(zip(ranks, hidden, strict=True))
    return [found[at] for at in range(len(ranks))]


def _known(level: Vector, base: int) -> tuple[tuple[int, int], ...]:
    """What a shown number of persons says of the noisy one. Base 1, all of it, where anything else of the row is shown too: a sum
    is not rounded."""
    shown = [rounded(persons, base) for persons in level]
    return tuple((number - base // 2, number + (base - 1) // 2) for number in shown)


def _kept(blocks: Sequence[NoisyBlock], most: int | None) -> list[Sequence[int]]:
    """The places that stay: all, or the groups of the most people over all sets."""
    every = [(-persons, at, n) for at, block in enumerate(blocks) for n, persons in enumerate(block.numbers[0])]
    if most is None or len(every) <= most:
        return [range(block.groups) for block in blocks]
    chosen = {(at, n) for _, at, n in sorted(every)[:most]}
    return [[n for n in range(block.groups) if (at, n) in chosen] for at, block in enumerate(blocks)]


def _block(block: NoisyBlock, hidden: Sequence[bool], kept: Sequence[int], one: tuple[int, ...], order: Order) -> Block:
    plan = order.plan
    estimate = estimator(plan, order.draws, order.disclosure.rounding, parts(plan, one))
    limit, rows = near_limit(order, one), list(zip(*block.numbers, strict=True))
    keys: tuple[tuple[Scalar, ...], ...] | None = None if block.keys is None else tuple(block.keys[n] for n in kept)
    return Block(keys, tuple(None if hidden[n] else Row(rows[n][0] < limit, estimate(rows[n])) for n in kept))
