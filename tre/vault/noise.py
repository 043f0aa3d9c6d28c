"""An exact table becomes a noisy one: OpenDP's discrete Gaussian, discrete Laplace or noisy maximum, one draw for each measure.

Promises, before anything is drawn: no draw says of one person less than the measures do; the loss of all draws together is within
the reservation, as an exact comparison of rationals and once more by OpenDP's own privacy maps; the delta of discovered keys is
within the reservation too, reckoned here from threshold, scale and groups; no sum can leave 64 bits (OpenDP saturates silently);
no scale is 0 (OpenDP would give the exact value). Every cell gets noise, empty ones too; of discovered keys every group that
exists does, and those whose noisy number of persons is below the threshold vanish here. The randomness is the operating system's.
There is no seed here, and no other way from exact to noisy. The only importer of opendp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opendp.prelude as dp

from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, gaussian_loss, laplace_loss, of_epsilon, of_rho
from tre.plan import choice
from tre.plan.candidates import candidates
from tre.plan.measures import Measure, groups_of_a_person, measured
from tre.plan.nodes import rows_per_person
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, Choice, Draw, Order
from tre.plan.sets import drawn
from tre.vault.exact import Bins, ExactBlock, ExactContributions, ExactTable, Numbers
from tre.vault.noisy import NoisyBlock, NoisyChoice, NoisyTable
from tre.vault.tail import shown_alone

dp.enable_features("contrib")

# OpenDP rounds each step of its map up: at most 3.1e-16 above the exact rational in 12,000 tries. A double has 53 bits.
_MAP_ROUNDING = Fraction(1, 2**50)
_LARGEST = 2**62  # of an exact value; the other half is the noise's room: `order.LARGEST_SCALE`
_VECTOR = dp.vector_domain(dp.atom_domain(T="i64"))


class NotCovered(Exception):
    """The noise asked for costs more than was reserved, says less of a person than is true, or its numbers may not fit. Nothing
    was drawn."""


@dataclass(slots=True)
class Counter:
    """How many draws were made by this process: one for each measure of each charged answer; where a bound is chosen, one for the
    choice and one for the number of persons beyond it."""

    draws: int = 0


COUNTER = Counter()


def perturb(exact: ExactTable, order: Order) -> NoisyTable:
    """Draws once for each measure, over all groups of all sets that were computed."""
    if order.choice is not None and order.bound is None:
        raise NotCovered
    _whole(exact, order)
    _covered(order)
    _within_64_bits(exact, order)
    measurements = [_measurement(draw, order.reservation.loss.pure) for draw in order.draws]
    return NoisyTable(_drawn(exact, order, measurements))


def choose(exact: ExactContributions, order: Order) -> NoisyChoice:
    """Draws once for the bound and once for the number of persons beyond it; nothing, unless whatever may be chosen is covered by
    what was reserved."""
    offered = order.choice
    if offered is None or order.bound is not None or len(exact.persons) != len(offered.offers) + 1:
        raise NotCovered
    for offer in offered.offers:
        _covered(order.at(offer.k))
    if any(not 0 <= number <= order.max_persons for number in exact.persons):
        raise NotCovered
    return _bound_chosen(exact, offered, *(_measurement(draw, order.reservation.loss.pure) for draw in offered.draws))


def _bound_chosen(exact: ExactContributions, offered: Choice, ranks: Any, clamped: Any) -> NoisyChoice:
    COUNTER.draws += 2
    place = ranks(scores(exact.persons, choice.PLACES)[:-1])
    (beyond,) = clamped([sum(exact.persons[place + 1 :])])
    return NoisyChoice(offered.offers[place].k, beyond)


def _covered(order: Order) -> None:
    """No more is drawn than was reserved, and for no less than one person can do."""
    if any(not (math.isfinite(draw.scale) and draw.scale > 0) for draw in order.draws):
        raise NotCovered
    _as_measured(order)
    _as_chosen(order)
    _within_reservation(order)
    _within_delta(order)


def _as_chosen(order: Order) -> None:
    """One person moves one number on the grid of bounds by one, and the number beyond the chosen one by one."""
    if order.choice is None:
        return
    ranks, clamped = order.choice.draws
    if ranks.mechanism != NOISY_MAX or ranks.sensitivity < score_of_a_person(choice.PLACES) or clamped.mechanism == NOISY_MAX:
        raise NotCovered


def _whole(exact: ExactTable, order: Order) -> None:
    """The table has the plan's shape: else the loss that was reckoned is another table's."""
    plan = order.plan
    measures = measured(plan).measures
    if len(exact.blocks) != len(drawn(plan)):
        raise NotCovered
    for block, one in zip(exact.blocks, drawn(plan), strict=True):
        if (block.keys is not None) != plan.discovered or len(block.numbers) != len(measures):
            raise NotCovered
        if block.keys is None and block.groups != plan.cells_of(one):
            raise NotCovered
        if not all(_fits(vector, measure) for vector, measure in zip(block.numbers, measures, strict=True)):
            raise NotCovered


def _fits(vector: Numbers | Bins, measure: Measure) -> bool:
    """A number a group; of ranks one for each candidate."""
    if measure.kind != "ranks" or measure.value is None:
        return not any(isinstance(one, tuple) for one in vector)
    bins = len(candidates(measure.value.domain))
    return all(isinstance(one, tuple) and len(one) == bins for one in vector)


def _measurement(draw: Draw, pure: bool) -> Any:
    if not (math.isfinite(draw.scale) and draw.scale > 0):
        raise NotCovered
    if draw.mechanism == GAUSSIAN:
        return dp.m.make_gaussian(_VECTOR, dp.l2_distance(T="f64"), scale=draw.scale)
    if draw.mechanism == LAPLACE:
        return dp.m.make_laplace(_VECTOR, dp.l1_distance(T="i64"), scale=draw.scale)
    measure = dp.max_divergence() if pure else dp.zero_concentrated_divergence()
    return dp.m.make_noisy_max(_VECTOR, dp.linf_distance(T="i64", monotonic=False), measure, scale=draw.scale)


def _as_measured(order: Order) -> None:
    """What a draw says of one person is no less than a person who fills groups with k rows each makes of it: not the bound over
    again (`plan.bound` has it), but enough that no draw is of another measure."""
    plan = order.plan
    rows, l0s = rows_per_person(plan.relation), [groups_of_a_person(plan, one) for one in drawn(plan)]
    if order.selection is not None and order.selection.groups < sum(l0s):
        raise NotCovered
    for measure, draw in zip(measured(plan).measures, order.draws, strict=True):
        filled = sum(l0 if measure.kind == "persons" else min(l0, rows // measure.k) for l0 in l0s)
        if draw.mechanism == NOISY_MAX:
            enough = draw.groups >= sum(l0s) and draw.sensitivity >= score_of_a_person(measure)
        elif draw.mechanism == GAUSSIAN:
            enough = draw.squared_sensitivity >= filled * measure.cell**2
        else:
            enough = draw.sensitivity >= filled * measure.cell
        if not enough:
            raise NotCovered


def _within_reservation(order: Order) -> None:
    """Both opinions, each summed over the draws, a choice's among them: ours in exact rationals, OpenDP's map up to its
    rounding."""
    reserved, draws = order.reservation.loss, (*(order.choice.draws if order.choice else ()), *order.draws)
    if any(draw.mechanism == (GAUSSIAN if reserved.pure else LAPLACE) for draw in draws):
        raise NotCovered
    if not sum((_exact_loss(draw, reserved.pure) for draw in draws), PrivacyLoss()).fits(reserved):
        raise NotCovered
    theirs = sum(_their_loss(draw, _measurement(draw, reserved.pure)) for draw in draws)
    held = Fraction(reserved.epsilon if reserved.pure else reserved.rho, UNIT)
    if theirs > held * (1 + _MAP_ROUNDING):
        raise NotCovered


def _exact_loss(draw: Draw, pure: bool) -> PrivacyLoss:
    """Of a noisy maximum: epsilon = 2 s / scale a group, s what one person moves a score (up or down: not monotonic); as rho
    epsilon^2 / 8 (Gumbel noise is the exponential mechanism, whose range is bounded: Cesar and Rogers 2021)."""
    if draw.mechanism == GAUSSIAN:
        return gaussian_loss(draw.squared_sensitivity, draw.scale)
    if draw.mechanism == LAPLACE:
        return laplace_loss(draw.sensitivity, draw.scale)
    epsilon = 2 * Fraction(draw.sensitivity) / Fraction(draw.scale)
    return of_epsilon(draw.groups * epsilon) if pure else of_rho(draw.groups * epsilon**2 / 8)


def _their_loss(draw: Draw, measurement: Any) -> Fraction:
    """OpenDP's map: of the whole vector, or of one group times a person's groups."""
    if draw.mechanism == NOISY_MAX:
        return draw.groups * Fraction(measurement.map(draw.sensitivity))
    return Fraction(measurement.map(_distance(draw)))


def _distance(draw: Draw) -> float | int:
    """How far one person moves the vector; a square root is rounded up."""
    if draw.mechanism == LAPLACE:
        return draw.sensitivity
    root = math.sqrt(draw.squared_sensitivity)
    return root if Fraction(root) ** 2 >= draw.squared_sensitivity else math.nextafter(root, math.inf)


def _within_delta(order: Order) -> None:
    """That a group of one person alone is kept is no likelier than was said, and what was said was reserved."""
    selection = order.selection
    if selection is None:
        return
    if selection.delta > order.reservation.loss.delta or order.draws[0].mechanism != GAUSSIAN:
        raise NotCovered
    if shown_alone(order.draws[0].scale, selection.threshold, selection.groups) * DELTA_UNIT > selection.delta:
        raise NotCovered


def _within_64_bits(exact: ExactTable, order: Order) -> None:
    """By the public number of persons, not by the values: what one person adds to a cell, or moves a score."""
    for measure, draw in zip(measured(order.plan).measures, order.draws, strict=True):
        if order.max_persons * max(measure.cell, draw.sensitivity) >= _LARGEST:
            raise NotCovered
    if any(not -_LARGEST < number < _LARGEST for block in exact.blocks for vector in block.numbers for number in _flat(vector)):
        raise NotCovered


def _flat(vector: Numbers | Bins) -> Sequence[int]:
    return [n for one in vector for n in (one if isinstance(one, tuple) else (one,))]


def _drawn(exact: ExactTable, order: Order, measurements: list[Any]) -> tuple[NoisyBlock, ...]:
    """Sums and counts first, over every group that there is; then quantiles, of the groups that are kept."""
    columns: list[list[tuple[int, ...]]] = [[] for _ in order.draws]
    for place, (draw, measurement) in enumerate(zip(order.draws, measurements, strict=True)):
        if draw.mechanism != NOISY_MAX:
            columns[place] = _vectors(measurement, [block.numbers[place] for block in exact.blocks])
    kept = [_kept(persons, order) for persons in columns[0]]
    measures = measured(order.plan).measures
    for place, (draw, measurement) in enumerate(zip(order.draws, measurements, strict=True)):
        if draw.mechanism == NOISY_MAX:
            columns[place] = _chosen(measurement, measures[place], [block.numbers[place] for block in exact.blocks], kept)
        else:
            columns[place] = [tuple(vector[n] for n in groups) for vector, groups in zip(columns[place], kept, strict=True)]
    return tuple(_block(block, groups, at, columns) for at, (block, groups) in enumerate(zip(exact.blocks, kept, strict=True)))


def _block(exact: ExactBlock, kept: Sequence[int], at: int, columns: list[list[tuple[int, ...]]]) -> NoisyBlock:
    keys = None if exact.keys is None else tuple(exact.keys[n] for n in kept)
    return NoisyBlock(keys, len(kept), tuple(column[at] for column in columns))


def _vectors(measurement: Any, vectors: list[Any]) -> list[tuple[int, ...]]:
    """One call for the vectors of all sets together."""
    COUNTER.draws += 1
    noisy = iter(measurement([n for vector in vectors for n in vector]))
    return [tuple(next(noisy) for _ in vector) for vector in vectors]


def _kept(persons: tuple[int, ...], order: Order) -> Sequence[int]:
    """The groups that stay: all public ones; of discovered ones those whose noisy number of persons reaches the threshold."""
    if order.selection is None:
        return range(len(persons))
    return [place for place, noisy in enumerate(persons) if noisy >= order.selection.threshold]


def _chosen(measurement: Any, measure: Measure, vectors: list[Any], kept: list[Sequence[int]]) -> list[tuple[int, ...]]:
    """The chosen candidate of each kept group."""
    COUNTER.draws += 1
    assert measure.value is not None
    values = candidates(measure.value.domain)
    return [
        tuple(values[measurement(scores(bins[n], measure))] for n in groups) for bins, groups in zip(vectors, kept, strict=True)
    ]


def scores(weights: Sequence[int], measure: Measure) -> list[int]:
    """Of each candidate v, minus the distance from the rank q N to [#(x < v), #(x <= v)], times the denominator of q = a/b:
    -max(0, a N - b #(x <= v), b #(x < v) - a N)."""
    q = Fraction(measure.q or 0)
    rank, below, found = q.numerator * sum(weights), 0, []
    for weight in weights:
        upto = below + q.denominator * weight
        found.append(-max(0, rank - upto, below - rank))
        below = upto
    return found


def score_of_a_person(measure: Measure) -> int:
    """The most that one person's weight moves a score: max(a, b - a) times it."""
    q = Fraction(measure.q or 0)
    return measure.cell * max(q.numerator, q.denominator - q.numerator)
