"""Complementary suppression where totals are sums of the answer's own cells: no hidden cell can be worked out from what is shown.

Promises that every hidden cell or total could be anything within a width of at least the threshold, given every shown number and
how it was rounded (the true noisy number is within half a base of it), without supposing that numbers are above 0. Looks at noisy
numbers of persons only. A rule of the house about the noisy values, not part of (epsilon, delta).

Where each grouping set is a part of the one before (ROLLUP), the sets form a tree and the widths are exact: what a node can be is
what its own number, the nodes below it and the nodes around it allow. Otherwise (CUBE) a hidden cell must be free altogether: no
combination of the shown totals, taken as if they were not rounded, gives it. Both are met by one rule: hide the next smallest
beside it (of crossing sets, the smallest that asks for the fewest others), and look again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Interval = tuple[int, int] | None  # both ends included; None: anything
Node = tuple[int, int]  # level (0 the finest), place
PRIME = 2**61 - 1  # the field in which combinations of totals, whose factors are 0 and 1, are looked for
# Additions while combinations are looked for, half a second: beyond it totals of hidden cells are hidden. The release time has
# room for it (`plan.steps`).
WORK = 1_000_000


@dataclass(frozen=True, slots=True)
class Cells:
    """``persons``: noisy numbers of the finest set, then of each coarser one. ``part_of``: for each coarser set, of which of its
    cells each finest cell is a part. ``shown``: what is known of a number that is shown."""

    persons: tuple[tuple[int, ...], ...]
    part_of: tuple[tuple[int, ...], ...]
    shown: tuple[tuple[tuple[int, int], ...], ...]


def complement(cells: Cells, hidden: Sequence[Sequence[bool]], chain: bool, least: int) -> tuple[tuple[bool, ...], ...]:
    """What is hidden in the end. ``chain``: each set is a part of the one before. ``least``: the smallest width."""
    marks, effort = [list(level) for level in hidden], Effort()
    while found := _next_in_tree(cells, marks, least) if chain else _next_of_all(cells, marks, effort):
        for level, place in found:
            marks[level][place] = True
    return tuple(map(tuple, marks))


def _next_in_tree(cells: Cells, hidden: list[list[bool]], least: int) -> set[Node]:
    """The nodes to hide next: of the coarsest level where a node is too well known, since a total that is hidden may do for what
    is below it; at most one for each parent."""
    parents = _parents(cells)
    ranges = _ranges(cells, hidden, parents)
    for level in range(len(ranges) - 1, -1, -1):
        found: dict[int, Node] = {}
        for place, known in enumerate(ranges[level]):
            if hidden[level][place] and known is not None and known[1] - known[0] < least:
                above = parents[level][place] if level < len(parents) else place
                found.setdefault(above, _near(cells, hidden, parents, (level, place)))
        if found:
            return set(found.values())
    return set()


def _parents(cells: Cells) -> list[list[int]]:
    """For each level but the last, the place of each node's parent in the next."""
    chain = [range(len(cells.persons[0])), *cells.part_of]
    parents = [[0] * len(level) for level in cells.persons[:-1]]
    for level, upper in enumerate(chain[1:]):
        for below, above in zip(chain[level], upper, strict=True):
            parents[level][below] = above
    return parents


def _near(cells: Cells, hidden: list[list[bool]], parents: list[list[int]], node: Node) -> Node:
    """The smallest shown node beside a node, else its parent, else beside that, …; else the smallest below it; else of all."""
    level, place = node
    while level < len(parents):
        above = parents[level][place]
        beside = [(level, n) for n, parent in enumerate(parents[level]) if parent == above and not hidden[level][n]]
        if beside:
            return _smallest(cells, beside)
        level, place = level + 1, above
        if not hidden[level][place]:
            return level, place
    level, place = node
    below = {place}
    while level > 0:
        level -= 1
        below = {n for n, parent in enumerate(parents[level]) if parent in below}
        if shown := [(level, n) for n in below if not hidden[level][n]]:
            return _smallest(cells, shown)
    return _smallest(cells, [(at, n) for at, marks in enumerate(hidden) for n, mark in enumerate(marks) if not mark])


def _smallest(cells: Cells, nodes: list[Node]) -> Node:
    return min(nodes, key=lambda node: (cells.persons[node[0]][node[1]], node))


def _ranges(cells: Cells, hidden: list[list[bool]], parents: list[list[int]]) -> list[list[Interval]]:
    """What each node can be, exactly: the sums of a tree meet in one node each."""
    own: list[list[Interval]] = [
        [None if mark else known for mark, known in zip(marks, level, strict=True)]
        for marks, level in zip(hidden, cells.shown, strict=True)
    ]
    below, sums = [own[0]], []
    for level, up in enumerate(parents):
        sums.append(_sums(below[level], up, len(own[level + 1])))
        below.append([_both(mine, total.interval) for mine, total in zip(own[level + 1], sums[level], strict=True)])
    around: list[list[Interval]] = [[None] * len(own[-1])]
    for level in range(len(parents) - 1, -1, -1):
        above = [_both(mine, out) for mine, out in zip(own[level + 1], around[0], strict=True)]
        around.insert(0, [sums[level][up].rest(above[up], part) for up, part in zip(parents[level], below[level], strict=True)])
    return [[_both(one, other) for one, other in zip(*pair, strict=True)] for pair in zip(below, around, strict=True)]


@dataclass(slots=True)
class _Sum:
    """The sum of the nodes below one node: of those that are bounded, and how many are not."""

    low: int = 0
    high: int = 0
    unbounded: int = 0

    @property
    def interval(self) -> Interval:
        return None if self.unbounded else (self.low, self.high)

    def rest(self, whole: Interval, part: Interval) -> Interval:
        """What one part can be, given the whole and all other parts."""
        if whole is None or self.unbounded > (part is None):
            return None
        low, high = part or (0, 0)
        return whole[0] - (self.high - high), whole[1] - (self.low - low)


def _sums(parts: list[Interval], up: list[int], size: int) -> list[_Sum]:
    sums = [_Sum() for _ in range(size)]
    for part, above in zip(parts, up, strict=True):
        total = sums[above]
        if part is None:
            total.unbounded += 1
        else:
            total.low, total.high = total.low + part[0], total.high + part[1]
    return sums


def _both(one: Interval, other: Interval) -> Interval:
    if one is None or other is None:
        return one or other
    return max(one[0], other[0]), min(one[1], other[1])


Row = dict[int, int]


@dataclass(slots=True)
class Effort:
    """How many additions were made."""

    made: int = 0


def _next_of_all(cells: Cells, hidden: list[list[bool]], effort: Effort) -> set[Node]:
    """The nodes to hide next, of sets that cross."""
    totals = _totals(cells)
    unknown = {node: {n for n in members if hidden[0][n]} for node, members in totals.items()}
    equations = {node: parts for node, parts in unknown.items() if parts and not hidden[node[0]][node[1]]}
    covered = [
        (level, n)
        for level, marks in enumerate(hidden)
        for n, mark in enumerate(marks)
        if level and mark and not unknown[level, n]
    ]
    if covered:  # a hidden total of shown cells alone
        return {_smallest(cells, [(0, n) for n in totals[node]]) for node in covered}
    reduced = _reduced(equations.values(), effort)
    if reduced is None:
        return set(equations)
    known = [n for n, row in reduced.items() if len(row) == 1]
    found = {_beside(cells, hidden, totals, equations, n) for n in known}
    for node, parts in unknown.items():
        if hidden[node[0]][node[1]] and not _reduce(dict.fromkeys(parts, 1), reduced, effort):
            found |= {_beside(cells, hidden, totals, equations, min(parts))}
    return found


def _totals(cells: Cells) -> dict[Node, list[int]]:
    """The finest cells of every total."""
    found: dict[Node, list[int]] = {}
    for level, part_of in enumerate(cells.part_of, 1):
        for cell, total in enumerate(part_of):
            found.setdefault((level, total), []).append(cell)
    return found


def _beside(
    cells: Cells, hidden: list[list[bool]], totals: dict[Node, list[int]], equations: dict[Node, set[int]], cell: int
) -> Node:
    """A shown cell that shares a total with this one, of the total with the fewest hidden: the smallest of those that leave the
    fewest other totals with a first hidden cell, which would ask for another. Where there is none, the smallest total."""
    of = sorted((len(parts), node) for node, parts in equations.items() if cell in parts)
    for _, node in of:
        if shown := [n for n in totals[node] if not hidden[0][n]]:
            return 0, min(shown, key=lambda n: (_fresh(cells, hidden, equations, n), cells.persons[0][n], n))
    return _smallest(cells, [node for _, node in of])


def _fresh(cells: Cells, hidden: list[list[bool]], equations: dict[Node, set[int]], cell: int) -> int:
    """How many shown totals of a cell have no hidden cell yet."""
    nodes = [(level, part_of[cell]) for level, part_of in enumerate(cells.part_of, 1)]
    return sum(node not in equations and not hidden[node[0]][node[1]] for node in nodes)


def _reduced(equations: Iterable[set[int]], effort: Effort) -> dict[int, Row] | None:
    """The equations solved for one unknown each, which is in no other (Gauss and Jordan, sparse, in a prime field). None when
    that takes too long."""
    solved: dict[int, Row] = {}
    for parts in equations:
        if effort.made > WORK:
            return None
        row = _reduce(dict.fromkeys(parts, 1), solved, effort)
        if not row:
            continue
        pivot = min(row)
        inverse = pow(row[pivot], -1, PRIME)
        row = {n: factor * inverse % PRIME for n, factor in row.items()}
        for other in solved.values():
            if pivot in other:
                _take(other, row, other[pivot], effort)
        solved[pivot] = row
    return solved


def _reduce(row: Row, solved: dict[int, Row], effort: Effort) -> Row:
    """What is left of a row when what is solved is put in."""
    for n in [n for n in row if n in solved]:
        _take(row, solved[n], row[n], effort)
    return row


def _take(row: Row, other: Row, factor: int, effort: Effort) -> None:
    effort.made += len(other)
    for n, value in other.items():
        left = (row.get(n, 0) - factor * value) % PRIME
        if left:
            row[n] = left
        else:
            row.pop(n, None)
