"""Complementary suppression against a solver: whatever was hidden, no hidden cell is known to within less than the threshold.

The solver (linear programming) knows what a reader knows: every shown cell and total to within half a rounding base, and which
totals are sums of which cells. It shares no code with the rule.
"""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

from tre.plan.rounding import rounded
from tre.vault import complementary
from tre.vault.complementary import Cells, complement

Set = tuple[int, ...]
THRESHOLD = 10


def part_of(sizes: tuple[int, ...], one: Set) -> tuple[int, ...]:
    """Of which cell of a coarser set each finest cell is a part."""
    coarse = list(product(*(range(sizes[at]) for at in one)))
    place = {cell: n for n, cell in enumerate(coarse)}
    return tuple(place[tuple(cell[at] for at in one)] for cell in product(*map(range, sizes)))


def cells_of(sizes: tuple[int, ...], sets: list[Set], finest: list[int], base: int) -> Cells:
    """``sets`` without the finest."""
    parts = tuple(part_of(sizes, one) for one in sets)
    levels = [tuple(finest)]
    for of in parts:
        totals = [0] * (max(of) + 1)
        for cell, total in enumerate(of):
            totals[total] += finest[cell]
        levels.append(tuple(totals))
    known = tuple(tuple((rounded(n, base) - base // 2, rounded(n, base) + (base - 1) // 2) for n in level) for level in levels)
    return Cells(tuple(levels), parts, known)


def narrowest(cells: Cells, hidden: tuple[tuple[bool, ...], ...]) -> float:
    """The smallest width of what a hidden cell or total can be, by linear programming; no number is supposed to be above 0."""
    count = len(cells.persons[0])
    rows, low, high, lines = [], [], [], {}
    for level, of in enumerate(cells.part_of, 1):
        for total in range(len(cells.persons[level])):
            members = np.array([part == total for part in of], dtype=float)
            lines[level, total] = members
            if not hidden[level][total]:
                rows.append(members)
                low.append(cells.shown[level][total][0])
                high.append(cells.shown[level][total][1])
    for cell in range(count):
        lines[0, cell] = np.eye(count)[cell]
    bounds = [(None, None) if hidden[0][n] else cells.shown[0][n] for n in range(count)]
    limits = lil_matrix(np.vstack([*rows, *(-row for row in rows)])).tocsr() if rows else None
    ends = [*high, *(-end for end in low)] if rows else None
    found = math.inf
    for (level, place), line in lines.items():
        if hidden[level][place]:
            reach = [linprog(sign * line, A_ub=limits, b_ub=ends, bounds=bounds, method="highs") for sign in (1, -1)]
            if all(one.status == 0 for one in reach):
                found = min(found, -reach[1].fun - reach[0].fun)
            else:
                assert any(one.status in (3, 4) for one in reach), [one.message for one in reach]
    return found


def primary(cells: Cells) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(n < THRESHOLD for n in level) for level in cells.persons)


ROLLUP: list[Set] = [(0, 1), (0,), ()]
CUBE: list[Set] = [(0,), (1,), ()]
PERSONS = st.integers(-12, 40) | st.integers(-12, 400)


@st.composite
def tables(draw: st.DrawFn, kind: str) -> tuple[Cells, bool]:
    base = draw(st.sampled_from([1, 2, 5, 10]))
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=3 if kind == "rollup" else 2, max_size=3 if kind == "rollup" else 2)))
    sets = ROLLUP if kind == "rollup" else CUBE
    if kind == "cube" and draw(st.booleans()):
        sets = draw(st.sampled_from([[(0,), (1,)], [(0,)], [(1,), ()]]))
    many = math.prod(sizes)
    finest = draw(st.lists(PERSONS, min_size=many, max_size=many))
    return cells_of(sizes, sets, finest, base), kind == "rollup"


def stands(cells: Cells, chain: bool) -> None:
    before = primary(cells)
    hidden = complement(cells, before, chain, THRESHOLD)
    for was, now in zip(before, hidden, strict=True):
        assert all(late or not early for early, late in zip(was, now, strict=True))
    assert narrowest(cells, hidden) >= THRESHOLD - 1e-6


HEAVY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@HEAVY
@given(tables("rollup"))
def test_of_a_hierarchy_nothing_hidden_is_known(table: tuple[Cells, bool]) -> None:
    stands(*table)


@HEAVY
@given(tables("cube"))
def test_of_crossed_margins_nothing_hidden_is_known(table: tuple[Cells, bool]) -> None:
    stands(table[0], False)


@pytest.mark.parametrize("chain", [True, False])
def test_without_the_rule_a_hidden_cell_is_known(chain: bool) -> None:
    """The naive answer falls: with primary suppression alone the solver finds hidden cells; most random tables have one."""
    rng, fallen = np.random.default_rng(7), 0
    for _ in range(40):
        sizes = (2, 3, 2) if chain else (3, 3)
        finest = [int(n) for n in rng.integers(5, 40, math.prod(sizes))]
        cells = cells_of(sizes, ROLLUP if chain else CUBE, finest, 1)
        before = primary(cells)
        fallen += narrowest(cells, before) < THRESHOLD
        stands(cells, chain)
    assert fallen >= 20


@pytest.mark.parametrize("base", [1, 5])
def test_larger_tables_stand_too(base: int) -> None:
    rng = np.random.default_rng(base)
    for _ in range(3):
        finest = [int(n) for n in rng.integers(0, 60, 7 * 9)]
        stands(cells_of((7, 9), CUBE, finest, base), False)
        finest = [int(n) for n in rng.integers(0, 60, 4 * 5 * 3)]
        stands(cells_of((4, 5, 3), ROLLUP, finest, base), True)
        stands(cells_of((4, 5, 3), [(0, 1), (1, 2), (0,), ()], finest, base), False)


def test_the_widths_of_a_hierarchy_are_the_solver_s() -> None:
    """Exact, not only safe: what the tree says is what linear programming says."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        sizes = (2, 2, 3)
        cells = cells_of(sizes, ROLLUP, [int(n) for n in rng.integers(-5, 60, 12)], 5)
        hidden = [[bool(b) for b in rng.integers(0, 2, len(level))] for level in cells.persons]
        ranges = complementary._ranges(cells, hidden, complementary._parents(cells))
        widths = [
            math.inf if known is None else known[1] - known[0]
            for level, places in enumerate(ranges)
            for place, known in enumerate(places)
            if hidden[level][place]
        ]
        solved = narrowest(cells, tuple(map(tuple, hidden)))
        assert min(widths, default=math.inf) == pytest.approx(solved)


def test_rounding_alone_hides_a_cell_of_many() -> None:
    """Seven regions to base 5: the total leaves the hidden one 4 for each shown number, 28 in all. Nothing more is hidden."""
    cells = cells_of((7,), [()], [4, 50, 60, 70, 80, 90, 100], 5)
    assert complement(cells, primary(cells), True, THRESHOLD) == primary(cells)
    assert narrowest(cells, primary(cells)) == 28


def test_the_next_smallest_is_hidden() -> None:
    cells = cells_of((4,), [()], [4, 50, 20, 70], 1)
    assert complement(cells, primary(cells), True, THRESHOLD) == ((True, False, True, False), (False,))


def test_a_group_that_is_alone_takes_its_total_with_it() -> None:
    """One sex in a region: the region's total is the cell."""
    cells = cells_of((1, 1), [(0,)], [9], 1)
    assert complement(cells, ((True,), (False,)), True, THRESHOLD) == ((True,), (True,))
    assert complement(cells, ((True,), (False,)), False, THRESHOLD) == ((True,), (True,))


def test_a_bridge_is_seen() -> None:
    """Every row and column has two hidden cells or none, yet one is known: it joins two squares that share no row and column."""
    sizes = (4, 4)
    hidden_cells = {(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (3, 3)}
    finest = [9 if cell in hidden_cells else 50 for cell in product(range(4), range(4))]
    cells = cells_of(sizes, [(0,), (1,)], finest, 1)
    before = primary(cells)
    assert narrowest(cells, before) < 1e-6
    stands(cells, False)


def test_a_table_too_large_for_the_search_hides_every_total_of_a_hidden_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complementary, "WORK", -1)
    rng = np.random.default_rng(1)
    cells = cells_of((4, 4), CUBE, [int(n) for n in rng.integers(5, 40, 16)], 1)
    hidden = complement(cells, primary(cells), False, THRESHOLD)
    assert hidden[0] == primary(cells)[0] and any(hidden[1]) and hidden[3] == (True,)
    assert narrowest(cells, hidden) == math.inf


def test_ten_thousand_cells_take_a_second() -> None:
    import time

    rng, begun = np.random.default_rng(2), time.process_time()
    finest = [int(n) for n in rng.integers(0, 60, 9_800)]
    cells = cells_of((98, 100), [(0,), ()], finest, 5)
    complement(cells, primary(cells), True, THRESHOLD)
    assert time.process_time() - begun < 20


def test_sets_that_cross_are_done_long_before_the_release_time() -> None:
    """1,296 cells in sixteen sets: the search for combinations ends, and what takes its place is quick."""
    import time

    sizes, rng = (6, 6, 6, 6), np.random.default_rng(3)
    sets = [one for size in (3, 2, 1, 0) for one in combinations(range(4), size)]
    cells = cells_of(sizes, sets, [int(n) for n in rng.exponential(20, 1_296)], 5)
    begun = time.process_time()
    complement(cells, primary(cells), False, THRESHOLD)
    assert time.process_time() - begun < 4
