"""The law of the noise, through the vault's own function, and what it refuses to draw.

Sizes: the standard error of a sample sd is sd·√((kurtosis − 1)/(4n)): 0.40 % for 31,000 Gaussian draws, 0.37 % for 90,000 Laplace
draws (kurtosis 6). So 2 % is 5.0 and 5.4 standard errors: chance of failure below 1e-6.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from pathlib import Path

import opendp.prelude as dp
import pytest

from tests.privacy.drawing import drawn, five, gaussian, laplace
from tests.vault import building
from tests.vault.answers import MANY_ROWS, ONE_ROW, column, cost, draws_of, exact_of, order_of, plan_of
from tre.loss import UNIT, PrivacyLoss, gaussian_scale, laplace_scale
from tre.plan.candidates import candidates
from tre.plan.estimate import Noise
from tre.plan.measures import measured
from tre.plan.nodes import Column, Domain, Filter, IsNull, Key, Not, Plan, Statistic
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, Draw
from tre.plan.rounding import rounded, stated_scale
from tre.vault import noise
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.exact import ExactBlock, ExactTable
from tre.vault.noise import COUNTER, perturb


def wide(cells: int) -> Plan:
    """A plan of so many public cells: whole numbers from 1."""
    key = Key("place", Column("patients", "place", Domain("integer", False, low=1, high=cells)))
    return Plan("gp", ONE_ROW, (key,), (Statistic("n", "persons"),), ("place", "n"))


def errors(one: Draw, cells: int, value: int = 1_000) -> list[int]:
    plan = wide(cells)
    order = order_of(plan, [one], pure=one.mechanism == LAPLACE)
    (block,) = perturb(exact_of(plan, [[value] * cells]), order).blocks
    assert block.keys is None and block.groups == cells and all(type(number) is int for number in block.numbers[0])
    return [number - value for number in block.numbers[0]]


def discrete_sd(mechanism: str, scale: float) -> float:
    """The sd of the discrete law, from its mass function: below the continuous one where the scale is small."""
    masses = {x: _relative(mechanism, scale, x) for x in range(-20_000, 20_001)}
    return math.sqrt(sum(x * x * m for x, m in masses.items()) / sum(masses.values()))


def _relative(mechanism: str, scale: float, x: int) -> float:
    return math.exp(-(x * x) / (2 * scale * scale)) if mechanism == GAUSSIAN else math.exp(-abs(x) / scale)


@pytest.mark.parametrize(("mechanism", "cells"), [(GAUSSIAN, 31_000), (LAPLACE, 90_000)])
@pytest.mark.parametrize("scale", [0.7, 4.67, 46.7])
def test_the_noise_has_the_stated_law(mechanism: str, cells: int, scale: float) -> None:
    found = errors(Draw(mechanism, scale, 1, 1), cells)
    sd = discrete_sd(mechanism, scale)
    assert statistics.pstdev(found) == pytest.approx(sd, rel=0.02)
    assert abs(statistics.fmean(found)) < 5.3 * sd / math.sqrt(cells)  # two-sided 1.2e-7
    zeros = sum(x == 0 for x in found) / cells
    p = 1 / sum(_relative(mechanism, scale, x) for x in range(-20_000, 20_001))
    assert abs(zeros - p) < 5.3 * math.sqrt(p * (1 - p) / cells)


@pytest.mark.parametrize("kind", ["rows", "sum", "avg", "var"])
def test_the_noise_of_every_measure_has_its_own_scale(kind: str) -> None:
    """31,000 draws of each measure of many rows a person: none gets another's noise, none shares one."""
    cells = 31_000
    plan = wide_of(cells, kind)
    draws = [Draw(GAUSSIAN, 5.0 * (n + 1), one.sensitivity, one.squared_sensitivity) for n, one in enumerate(draws_of(plan))]
    exact = exact_of(plan, [[100 * n] * cells for n in range(len(draws))])
    (block,) = perturb(exact, order_of(plan, draws)).blocks
    off = [[x - 100 * n for x in vector] for n, vector in enumerate(block.numbers)]
    assert len(off) == {"rows": 2, "sum": 2, "avg": 3, "var": 4}[kind]
    for one, draw in zip(off, draws, strict=True):
        assert statistics.pstdev(one) == pytest.approx(draw.scale, rel=0.02)
    for one, other in pairwise(off):
        assert abs(statistics.correlation(one, other)) < 5.3 / math.sqrt(cells)


def wide_of(cells: int, kind: str) -> Plan:
    """Many rows a person, of which some lack the value: persons, rows and the others are different numbers."""
    value = None if kind == "rows" else column("pulse", "events")
    key = Key("place", Column("events", "place", Domain("integer", False, low=1, high=cells)))
    found = (Statistic("n", "persons"), Statistic("x", kind, value))
    return Plan("gp", MANY_ROWS, (key,), found, ("place", "n", "x"))


@pytest.mark.parametrize("base", [1, 5])
def test_the_stated_scale_of_what_is_shown(base: int) -> None:
    found = [rounded(1_002 + x, base) - 1_002 for x in errors(gaussian(12.0), 31_000)]
    assert statistics.pstdev(found) == pytest.approx(stated_scale(12.0, base), rel=0.02)


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("scale", [1.3, 12.0, 46.7])
@pytest.mark.parametrize("truth", [1_000, 1_002, 1_003])
def test_the_interval_covers(mechanism: str, scale: float, truth: int) -> None:
    """25,000 draws before suppression, through the vault's noise, the rounding and the half-width that is stated."""
    width = Noise(mechanism, scale).half(5)
    found = errors(Draw(mechanism, scale, 1, 1), 25_000, truth)
    inside = sum(abs(rounded(truth + x, 5) - truth) <= width for x in found) / 25_000
    assert inside >= 0.95 - 4.9 * math.sqrt(0.95 * 0.05 / 25_000)
    assert inside < 1 or scale < 2


def test_empty_cells_get_noise_too() -> None:
    found = errors(gaussian(50.0), 400, value=0)
    assert min(found) < 0 < max(found) and len(set(found)) > 100


def test_large_counts_stay_integers() -> None:
    for value in (2**53 + 1, 2**61):
        assert max(map(abs, errors(gaussian(3.0), 1_000, value))) < 100


@pytest.mark.parametrize("rho", [1, 10**6, 243_560_000, 5 * 10**11, UNIT, 7 * UNIT + 1])
def test_a_draw_at_exactly_its_charge_is_drawn(rho: int) -> None:
    assert drawn(order_of(plan_of(), [gaussian(gaussian_scale(1, rho))], PrivacyLoss(rho=rho)))
    assert drawn(order_of(plan_of(), [laplace(laplace_scale(1, rho))], PrivacyLoss(epsilon=rho)))


STATISTICS = ("n", "sum:bmi", "avg:pulse", "var:bmi", "quantile:bmi:0.9")


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize("asked", STATISTICS)
@pytest.mark.parametrize("scale", [0.5, 3.0, 45.3, 1000.0])
def test_a_draw_that_costs_more_than_was_reserved_is_refused(pure: bool, asked: str, scale: float) -> None:
    """By one unit of the ledger, or by one draw that is a little less noisy."""
    plan = plan_of(statistics=[asked])
    draws = draws_of(plan, scale, pure)
    paid = cost(draws, pure)
    less = PrivacyLoss(epsilon=paid.epsilon - 1) if pure else PrivacyLoss(rho=paid.rho - 1)
    assert drawn(order_of(plan, draws, paid))
    assert not drawn(order_of(plan, draws, less)) or less == PrivacyLoss()
    for place, one in enumerate(draws):
        finer = Draw(one.mechanism, one.scale / 1.001, one.sensitivity, one.squared_sensitivity, one.groups)
        assert not drawn(order_of(plan, [*draws[:place], finer, *draws[place + 1 :]], paid))


def test_all_draws_together_are_what_is_reserved() -> None:
    plan = plan_of(statistics=["n", "avg:bmi", "quantile:pulse:0.5"])
    draws = draws_of(plan)
    assert len(draws) == 4
    assert drawn(order_of(plan, draws, cost(draws)))
    for place in range(len(draws)):
        assert not drawn(order_of(plan, draws, cost([*draws[:place], *draws[place + 1 :]])))


def test_a_larger_sensitivity_costs_more() -> None:
    """The reservation was for one group a person; the draw says three."""
    paid = cost([gaussian()])
    assert not drawn(order_of(plan_of(), [gaussian(squared_sensitivity=3, sensitivity=3)], paid))


GENEROUS = PrivacyLoss(rho=10**30)


@pytest.mark.parametrize("asked", ["sum:bmi", "avg:bmi", "var:bmi", "quantile:bmi:0.5", "rows:"])
def test_a_draw_of_another_measure_is_refused(asked: str) -> None:
    """However much was reserved: a draw that says less of one person than the measure's bound is not drawn."""
    plan = plan_of("region", statistics=["n", asked], relation=MANY_ROWS)
    draws = draws_of(plan)
    assert drawn(order_of(plan, draws, GENEROUS))
    for place, one in enumerate(draws):
        said = [
            Draw(one.mechanism, one.scale, max(1, one.sensitivity - 1), one.squared_sensitivity, one.groups),
            Draw(one.mechanism, one.scale, one.sensitivity, max(1, one.squared_sensitivity - 1), one.groups),
            Draw(one.mechanism, one.scale, one.sensitivity, one.squared_sensitivity, max(1, one.groups - 1)),
        ]
        of = {GAUSSIAN: said[1:2], NOISY_MAX: [said[0], said[2]]}[one.mechanism]
        for less in of:
            assert less == one or not drawn(order_of(plan, [*draws[:place], less, *draws[place + 1 :]], GENEROUS))


def test_the_kinds_of_accounting_do_not_mix() -> None:
    assert not drawn(order_of(plan_of(), [laplace()], GENEROUS))
    assert not drawn(order_of(plan_of(), [gaussian()], PrivacyLoss(epsilon=10**15)))


def test_a_table_of_another_shape_is_refused() -> None:
    plan = plan_of("region", statistics=["n", "quantile:bmi:0.5"])
    order, bins = order_of(plan), [(1,) * len(candidates(column("bmi").domain))] * 3
    assert drawn(order, exact_of(plan, [[1, 2, 3], bins]))
    for vectors in ([[1, 2], bins[:2]], [[1, 2, 3]], [[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [(1,)] * 3], [bins, bins]):
        assert not drawn(order, ExactTable((ExactBlock(None, len(vectors[0]), tuple(map(tuple, vectors))),)))
    block = ExactBlock(None, 3, ((1, 2, 3), tuple(bins)))
    assert not drawn(order, ExactTable((block, block)))
    assert not drawn(order, ExactTable((ExactBlock((("North",), ("South",), ("East",)), 3, block.numbers),)))


@pytest.mark.parametrize("sums", ["persons", "bounds", "scores"])
def test_sums_that_may_not_fit_are_refused(sums: str) -> None:
    plan = plan_of(statistics=["sum:bmi"] if sums == "bounds" else ["quantile:bmi:0.123457"] if sums == "scores" else ["n"])
    draws = draws_of(plan, 1e3)
    most = {"persons": 2**62, "bounds": 2**62 // 600 + 1, "scores": 2**62 // 876_543 + 1}[sums]
    assert drawn(order_of(plan, draws, GENEROUS, max_persons=most - 1))
    assert not drawn(order_of(plan, draws, GENEROUS, max_persons=most))


def test_a_count_beyond_half_of_64_bits_is_refused() -> None:
    order = order_of(plan_of())
    assert drawn(order, exact_of(plan_of(), [[2**62 - 1]]))
    assert not drawn(order, exact_of(plan_of(), [[2**62]]))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("asked", ["n", "quantile:bmi:0.5"])
def test_no_scale_is_zero(scale: float, asked: str) -> None:
    """`Draw` refuses 0, negative and endless scales when it is made; the noise looks again."""
    plan = plan_of(statistics=[asked])
    order = order_of(plan, loss=GENEROUS)
    object.__setattr__(order.draws[-1], "scale", scale)
    assert not drawn(order)


@pytest.mark.parametrize("asked", ["n", "quantile:bmi:0.5"])
def test_opendp_says_the_same_map(asked: str) -> None:
    """The second opinion is asked: with a map that says more, our own reckoning alone does not draw."""
    order = order_of(plan_of(statistics=[asked]))
    honest = noise._measurement

    class Louder:
        def __init__(self, one: Draw) -> None:
            self.one = honest(one, False)

        def map(self, distance: float) -> float:
            return float(self.one.map(distance)) * (1 + 1e-9)

    noise._measurement = lambda one, pure: Louder(one)
    try:
        assert not drawn(order)
    finally:
        noise._measurement = honest
    assert drawn(order)
    assert dp.m.make_gaussian(noise._VECTOR, dp.l2_distance(T="f64"), scale=3.0).map(1.0) == pytest.approx(1 / 18)


@pytest.mark.parametrize("pure", [False, True])
def test_one_draw_a_measure_over_all_groups_of_all_sets(pure: bool) -> None:
    """Counted at the noise function: however many groups and sets, each measure is drawn once."""
    many = plan_of("region", "sex", sets=((0, 1), (0,), ()), statistics=["n", "quantile:pulse:0.5"])
    added = plan_of("region", "sex", sets=((0, 1), (0,), ()), statistics=["n", "avg:bmi"])
    for plan, sizes in ((many, (9, 3, 1)), (added, (9,))):
        vectors = [[[five(measure)] * size for measure in measured(plan).measures] for size in sizes]
        before = COUNTER.draws
        noisy = perturb(exact_of(plan, *vectors), order_of(plan, pure=pure))
        assert COUNTER.draws == before + len(measured(plan).measures)
        assert [block.groups for block in noisy.blocks] == list(sizes)


def test_a_total_of_its_own_draw_has_noise_of_its_own() -> None:
    plan = plan_of("region", sets=((0,), ()), statistics=["n", "quantile:bmi:0.5"])
    order, off = order_of(plan, scale=50.0), set()
    bins = (5,) * len(candidates(column("bmi").domain))
    for _ in range(20):
        fine, total = perturb(exact_of(plan, [[100] * 3, [bins] * 3], [[300], [bins]]), order).blocks
        off.add(total.numbers[0][0] - sum(fine.numbers[0]))
    assert len(off) > 5


def test_a_filter_changes_nothing_of_the_noise() -> None:
    plan = plan_of("region")
    narrowed = Plan("gp", Filter(plan.relation, Not(IsNull(column("sex")))), plan.keys, plan.statistics, plan.output)
    assert drawn(order_of(narrowed), exact_of(narrowed, [[1, 2, 3]]))


@pytest.mark.parametrize("asked", [("n",), ("a", "b")])
def test_one_draw_a_measure_and_answer(tmp_path: Path, asked: tuple[str, ...]) -> None:
    """On the whole road: two counts of the same persons are one number, drawn once an answer; no test's silence draws."""
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    held = building.build(store, [building.row(person) for person in range(30)])
    vault = Vault(store.resolve(), Limits(str(work), 1, 1))
    order = building.order_of(building.plan_of("region", "sex", statistics=asked), held)
    for _ in range(3):
        before = COUNTER.draws
        vault.answer(order)
        assert COUNTER.draws == before + 1
    before = COUNTER.draws
    building.Quiet(store, work).answer(building.order_of(building.plan_of(), building.build(store, [])))
    assert COUNTER.draws == before
