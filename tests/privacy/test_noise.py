"""The law of the noise, through the vault's own function, and what it refuses to draw.

Sizes: the standard error of a sample sd is sd·√((kurtosis − 1)/(4n)): 0.40 % for 31,000 Gaussian draws, 0.37 % for 90,000 Laplace
draws (kurtosis 6). So 2 % is 5.0 and 5.4 standard errors: chance of failure below 1e-6.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import opendp.prelude as dp
import pytest

from tests.vault.building import Quiet, build, cost, draw, order_of, plan_of, row
from tre.loss import UNIT, PrivacyLoss, gaussian_scale, laplace_scale
from tre.plan.accuracy import half_width
from tre.plan.order import Draw, Order
from tre.plan.rounding import rounded, stated_scale
from tre.terms import Exclusion, Snapshot
from tre.vault import noise
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits
from tre.vault.exact import ExactTable
from tre.vault.noise import COUNTER, NotCovered, perturb

GAUSSIAN, LAPLACE = "discrete gaussian", "discrete laplace"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Exclusion]:
    return build(tmp_path_factory.mktemp("store"), [])


def errors(held: tuple[Snapshot, Exclusion], one: Draw, cells: int, value: int = 1_000) -> list[int]:
    exact = ExactTable(((value,) * cells,), cells)
    (noisy,) = perturb(exact, order_of(plan_of(), held, [one])).counts
    assert len(noisy) == cells and all(type(number) is int for number in noisy)
    return [number - value for number in noisy]


def discrete_sd(mechanism: str, scale: float) -> float:
    """The sd of the discrete law, from its mass function: below the continuous one where the scale is small."""
    if mechanism == GAUSSIAN:
        masses = {x: math.exp(-(x * x) / (2 * scale * scale)) for x in range(-2_000, 2_001)}
    else:
        masses = {x: math.exp(-abs(x) / scale) for x in range(-20_000, 20_001)}
    return math.sqrt(sum(x * x * m for x, m in masses.items()) / sum(masses.values()))


@pytest.mark.parametrize(("mechanism", "cells"), [(GAUSSIAN, 31_000), (LAPLACE, 90_000)])
@pytest.mark.parametrize("scale", [0.7, 4.67, 46.7])
def test_the_noise_has_the_stated_law(held: tuple[Snapshot, Exclusion], mechanism: str, cells: int, scale: float) -> None:
    found = errors(held, draw(mechanism=mechanism, scale=scale), cells)
    sd = discrete_sd(mechanism, scale)
    assert statistics.pstdev(found) == pytest.approx(sd, rel=0.02)
    assert abs(statistics.fmean(found)) < 5.3 * sd / math.sqrt(cells)  # two-sided 1.2e-7
    zeros = sum(x == 0 for x in found) / cells
    p = 1 / sum(_relative(mechanism, scale, x) for x in range(-20_000, 20_001))
    assert abs(zeros - p) < 5.3 * math.sqrt(p * (1 - p) / cells)


def _relative(mechanism: str, scale: float, x: int) -> float:
    return math.exp(-(x * x) / (2 * scale * scale)) if mechanism == GAUSSIAN else math.exp(-abs(x) / scale)


@pytest.mark.parametrize("base", [1, 5])
def test_the_stated_scale_of_what_is_shown(held: tuple[Snapshot, Exclusion], base: int) -> None:
    found = [rounded(1_002 + x, base) - 1_002 for x in errors(held, draw(scale=12.0), 31_000)]
    assert statistics.pstdev(found) == pytest.approx(stated_scale(12.0, base), rel=0.02)


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("scale", [1.3, 12.0, 46.7])
@pytest.mark.parametrize("truth", [1_000, 1_002, 1_003])
def test_the_interval_covers(held: tuple[Snapshot, Exclusion], mechanism: str, scale: float, truth: int) -> None:
    """25,000 draws before suppression, through the vault's noise, the rounding and the price's half-width."""
    width = half_width(mechanism, scale, 5)
    found = errors(held, draw(mechanism=mechanism, scale=scale), 25_000, truth)
    inside = sum(abs(rounded(truth + x, 5) - truth) <= width for x in found) / 25_000
    assert inside >= 0.95 - 4.9 * math.sqrt(0.95 * 0.05 / 25_000)
    assert inside < 1 or scale < 2


def test_empty_cells_get_noise_too(held: tuple[Snapshot, Exclusion]) -> None:
    found = errors(held, draw(scale=50.0), 400, value=0)
    assert min(found) < 0 < max(found) and len(set(found)) > 100


def test_large_counts_stay_integers(held: tuple[Snapshot, Exclusion]) -> None:
    for value in (2**53 + 1, 2**61):
        assert max(map(abs, errors(held, draw(scale=3.0), 1_000, value))) < 100


@pytest.mark.parametrize("rho", [1, 10**6, 243_560_000, 5 * 10**11, UNIT, 7 * UNIT + 1])
def test_a_draw_at_exactly_its_charge_is_drawn(held: tuple[Snapshot, Exclusion], rho: int) -> None:
    one = draw(scale=gaussian_scale(1, rho))
    assert drawn(order_of(plan_of(), held, [one], PrivacyLoss(rho=rho)))
    one = draw(scale=laplace_scale(1, rho), mechanism=LAPLACE)
    assert drawn(order_of(plan_of(), held, [one], PrivacyLoss(epsilon=rho)))


def drawn(order: Order, value: int = 5) -> bool:
    """Whether it was drawn; a refusal draws nothing at all."""
    before = COUNTER.draws
    try:
        perturb(ExactTable(((value,),) * len(order.draws), 1), order)
    except NotCovered:
        assert COUNTER.draws == before
        return False
    assert COUNTER.draws == before + len(order.draws)
    return True


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize("scale", [0.5, 3.0, 45.3, 1000.0])
def test_a_draw_that_costs_more_than_was_reserved_is_refused(
    held: tuple[Snapshot, Exclusion], mechanism: str, scale: float
) -> None:
    one = draw(scale=scale, mechanism=mechanism)
    paid = cost([one])
    less = PrivacyLoss(rho=paid.rho - 1) if paid.rho else PrivacyLoss(epsilon=paid.epsilon - 1)
    assert drawn(order_of(plan_of(), held, [one], paid))
    assert not drawn(order_of(plan_of(), held, [one], less)) or less == PrivacyLoss()
    assert not drawn(order_of(plan_of(), held, [draw(scale=scale / 1.001, mechanism=mechanism)], paid))


def test_two_draws_cost_both(held: tuple[Snapshot, Exclusion]) -> None:
    plan = plan_of(statistics=("a", "b"))
    draws = [draw("a"), draw("b")]
    assert drawn(order_of(plan, held, draws, cost(draws)))
    assert not drawn(order_of(plan, held, draws, cost(draws[:1])))
    assert not drawn(order_of(plan, held, draws, PrivacyLoss(rho=cost(draws).rho - 1)))


def test_a_larger_sensitivity_costs_more(held: tuple[Snapshot, Exclusion]) -> None:
    """The reservation was for one group a person; the draw says three."""
    paid = cost([draw()])
    assert not drawn(order_of(plan_of(), held, [draw(squared_sensitivity=3, sensitivity=3)], paid))
    for squared in range(1, 200):
        one = draw(squared_sensitivity=squared, sensitivity=squared)
        assert drawn(order_of(plan_of(), held, [one], cost([one])))


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
def test_a_pure_reservation_pays_for_laplace_alone_and_the_other_way(held: tuple[Snapshot, Exclusion], mechanism: str) -> None:
    wrong = PrivacyLoss(rho=10**15) if mechanism == LAPLACE else PrivacyLoss(epsilon=10**15)
    assert not drawn(order_of(plan_of(), held, [draw(mechanism=mechanism)], wrong))


def test_what_may_leave_64_bits_is_not_drawn(held: tuple[Snapshot, Exclusion]) -> None:
    assert drawn(order_of(plan_of(), held, max_persons=2**62 - 1))
    assert not drawn(order_of(plan_of(), held, max_persons=2**62))
    assert not drawn(order_of(plan_of(), held), value=2**62)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 5e-324, 1e-200])
def test_no_scale_without_noise(held: tuple[Snapshot, Exclusion], scale: float) -> None:
    """`Draw` refuses 0, negative and endless scales when it is made; the noise looks again."""
    one = draw()
    object.__setattr__(one, "scale", scale)
    with pytest.raises(NotCovered):
        perturb(ExactTable(((5,),), 1), order_of(plan_of(), held, [one], PrivacyLoss(rho=10**18)))


def test_opendp_says_the_same_map(held: tuple[Snapshot, Exclusion]) -> None:
    """The second opinion is asked: with a map that says more, our own reckoning alone does not draw."""
    order = order_of(plan_of(), held)
    honest = noise._measurement

    class Louder:
        def map(self, distance: float) -> float:
            return float(honest(order.draws[0]).map(distance)) * (1 + 1e-12)

    noise._measurement = lambda one: Louder()  # type: ignore[assignment]
    try:
        assert not drawn(order)
    finally:
        noise._measurement = honest
    assert dp.m.make_gaussian(noise._VECTOR, dp.l2_distance(T="f64"), scale=3.0).map(1.0) == pytest.approx(1 / 18)


@pytest.mark.parametrize("statistics_asked", [("n",), ("a", "b")])
def test_one_draw_a_statistic_and_answer(tmp_path: Path, statistics_asked: tuple[str, ...]) -> None:
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    held = build(store, [row(person) for person in range(30)])
    vault = Vault(store.resolve(), Limits(str(work), 1, 1))
    order = order_of(plan_of("region", "sex", statistics=statistics_asked), held)
    for _ in range(3):
        before = COUNTER.draws
        vault.answer(order)
        assert COUNTER.draws == before + len(statistics_asked)
    before = COUNTER.draws
    Quiet(store, work).answer(order_of(plan_of(), build(store, [])))
    assert COUNTER.draws == before
