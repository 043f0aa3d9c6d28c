"""Accuracy and loss, one from the other: what a question is charged, and the noise that buys.

Promises that the charge is recomputed from the scales, as exact rationals rounded up, and is never above what was asked; that
a margin is met at the smallest loss; that no scale is 0; that discovered keys are paid for in delta. From text, policy and the
project's stated budget alone: never from records and never from what was spent.

The charge is split equally over the noisy numbers (`measures`), after the choice of a bound has had its part where one is asked
for (`choice`). A margin is for

    counts                     every count of the question, where it is one number; else those that are named
    sums                       by name, in the value's own unit
    means                      by name, and only at a stated number of rows (``margin_at``), wherever in its range the mean is
    variances and quantiles    not offered: how wide theirs are depends on the values; state a share and read the preview

and a noisy number that no margin speaks of, as the persons behind a sum, is charged as much as the least of the others.

A quantile is chosen by a noisy maximum over the scores -max(0, a N - b A, b B - a N) (`bound.score_change`), integers, with
Gumbel noise of ``Draw.scale`` (exponential in a pure project); rho = L0 e^2 / 8, e = 2 ``Draw.sensitivity`` / scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tre.errors import Reason, Refusal
from tre.loss import (
    PrivacyLoss,
    gaussian_loss,
    gaussian_scale,
    keys_delta_of,
    laplace_loss,
    laplace_scale,
    noisy_max_loss,
    share_of,
)
from tre.plan import choice, sets
from tre.plan.accuracy import covers, half_width, p_shown
from tre.plan.bound import ORDINALS, Bound, rows_fit, score_change, sensitivities, sums_fit
from tre.plan.estimate import FINE
from tre.plan.hints import did_you_mean, invalid, quoted
from tre.plan.intervals import Noise
from tre.plan.margins import FIXED, MEANS, of_mean
from tre.plan.measures import Measure, measured
from tre.plan.nodes import Plan, Statistic
from tre.plan.order import GAUSSIAN, LAPLACE, LARGEST_SCALE, NOISY_MAX, Choice, Draw, Offer, Selection
from tre.plan.selection import tau
from tre.terms import Asking

__all__ = ["LARGEST_SCALE", "SMALLEST_SCALE", "Quote", "half_width", "quote"]

# At 1/16 the Gaussian is 0 but once in e^128 draws, the Laplace but once in 4 million: less would cost more and say the same.
SMALLEST_SCALE = 2.0**-4


@dataclass(frozen=True, slots=True)
class Quote:
    """The charge of one question, and how each of its noisy numbers is drawn. ``draws``: one a measure, in their order.
    ``threshold``: the noisy number of persons below which a group is not shown: the policy's, or of discovered keys tau where it
    is larger, and then ``selection`` says so. Where a bound is to be chosen, ``choice`` says how, and the
    draws are those of the largest."""

    loss: PrivacyLoss
    draws: tuple[Draw, ...]
    rounding: int
    threshold: int
    selection: Selection | None = None
    choice: Choice | None = None

    def p_shown(self, persons: int, parts: int = 1) -> float:
        """The chance that a group of so many persons is shown, its number one draw or added up from ``parts`` cells."""
        draw = self.draws[0]
        return p_shown(draw.mechanism, draw.scale, persons, self.threshold, parts)

    @property
    def scales(self) -> dict[str, float]:
        """The scale of each draw, by its place: what another answer to the same question is compared by. Where a bound is to be
        chosen, those of the choice and of every offer: which will be drawn is not known."""
        return {str(place): draw.scale for place, draw in enumerate(self._every_draw)}

    @property
    def bounds(self) -> list[tuple[str, int, int, int]]:
        """The bounds in force and the mechanisms: what two answers to the same question share."""
        return [(draw.mechanism, draw.sensitivity, draw.squared_sensitivity, draw.groups) for draw in self._every_draw]

    @property
    def _every_draw(self) -> tuple[Draw, ...]:
        if self.choice is None:
            return self.draws
        return (*self.choice.draws, *(draw for offer in self.choice.offers for draw in offer.draws))

    def at(self, k: int) -> Quote:
        """What is drawn for the same charge where the bound is ``k``."""
        assert self.choice is not None
        offer = self.choice.offer(k)
        threshold = self.threshold if offer.selection is None else offer.selection.threshold
        return Quote(self.loss, offer.draws, self.rounding, threshold, offer.selection)


@dataclass(frozen=True, slots=True)
class _Number:
    """One noisy number under one kind of accounting: both directions between a loss (10^-12) and a scale."""

    measure: Measure
    bound: Bound
    pure: bool

    @property
    def mechanism(self) -> str:
        return NOISY_MAX if self.measure.kind == "ranks" else LAPLACE if self.pure else GAUSSIAN

    def loss(self, scale: float) -> PrivacyLoss:
        if self.mechanism == NOISY_MAX:
            return noisy_max_loss(self.bound.groups, self.bound.cell, scale, self.pure)
        if self.pure:
            return laplace_loss(self.bound.l1, scale)
        return gaussian_loss(self.bound.squared_l2, scale)

    def scale(self, part: int) -> float:
        """The smallest whose loss is at most ``part``. Of a noisy maximum L0 (2 s / b)^2 / 8 is a Gaussian's L0 s^2 / (2 b^2),
        and L0 2 s / b a Laplace's of twice the sensitivity."""
        if self.pure:
            return laplace_scale(self.bound.l1 * (2 if self.mechanism == NOISY_MAX else 1), part)
        return gaussian_scale(self.bound.squared_l2, part)

    def draw(self, part: int) -> Draw:
        """The noise that a part of the charge buys."""
        scale = max(self.scale(part), SMALLEST_SCALE) if part > 0 else LARGEST_SCALE
        if scale >= LARGEST_SCALE:
            raise invalid("The charge is too small for any answer.", "State a larger share, or a margin.")
        if self.mechanism == NOISY_MAX:
            return Draw(NOISY_MAX, scale, self.bound.cell, self.bound.cell**2, self.bound.groups)
        return Draw(self.mechanism, scale, self.bound.l1, self.bound.squared_l2, self.bound.groups)

    def noise(self, part: int) -> Noise:
        return Noise(self.mechanism, max(self.scale(part), SMALLEST_SCALE))

    @property
    def dearest(self) -> int:
        """What the smallest scale costs."""
        return _amount(self.loss(SMALLEST_SCALE), self.pure)


def _amount(loss: PrivacyLoss, pure: bool) -> int:
    return loss.epsilon if pure else loss.rho


def quote(
    plan: Plan,
    stated: PrivacyLoss,
    asking: Asking,
    default_share: Decimal | Fraction,
    rounding: int,
    threshold: int,
    max_persons: int = ORDINALS,
) -> Quote:
    """What a plan is charged under a project's stated budget, for the accuracy or the charge that was asked."""
    if not sums_fit(plan, max_persons):
        raise Refusal(
            Reason.BOUNDS_MISSING,
            "Sums of this question may not fit 64 bits.",
            "Clamp the values to a narrower range, ask of fewer rows a person, or state a quantile with fewer digits.",
        )
    if not rows_fit(plan):
        raise Refusal(
            Reason.BOUNDS_MISSING,
            "The rows of one person may be too many to be weighed: what they add up to may not fit 126 bits.",
            "Clamp the values to a narrower range, join fewer tables of many rows, or add up by person first.",
        )
    if choice.automatic(plan):
        return _quote_of_choice(plan, stated, asking, default_share, rounding, threshold)
    numbers = _numbers(plan, stated.pure)
    if asking.margin is not None:
        parts = _parts_for_margins(plan, numbers, asking, rounding)
    else:
        parts = [_whole(stated, asking, default_share) // len(numbers)] * len(numbers)
    draws = tuple(number.draw(part) for number, part in zip(numbers, parts, strict=True))
    loss = sum((number.loss(draw.scale) for number, draw in zip(numbers, draws, strict=True)), PrivacyLoss())
    selection = _selection(plan, stated, loss, draws[0], threshold) if plan.discovered else None
    if selection is not None:
        loss, threshold = loss + PrivacyLoss(delta=selection.delta), selection.threshold
    return Quote(loss, draws, rounding, threshold, selection)


def _numbers(plan: Plan, pure: bool) -> list[_Number]:
    pairs = zip(measured(plan).measures, sensitivities(plan), strict=True)
    return [_Number(measure, bound, pure) for measure, bound in pairs]


def _quote_of_choice(
    plan: Plan, stated: PrivacyLoss, asking: Asking, default_share: Decimal | Fraction, rounding: int, threshold: int
) -> Quote:
    """Where a bound is to be chosen: the choice and the number of persons beyond it take their parts of the charge, and for each
    bound the rest is split equally, so that it costs the same whichever is chosen."""
    choice.check(plan)
    if asking.margin is not None:
        raise invalid(
            "No margin can be promised while the bound is to be chosen: each bound has another.",
            "State a share, and the preview says the margin for each bound; or state a bound, bound => 3.",
        )
    whole, pure = _whole(stated, asking, default_share), stated.pure
    change = score_change(choice.QUANTILE, 1)
    choosing = _Number(choice.PLACES, Bound(1, 1, change, change, change * change), pure)
    beyond = _Number(choice.BEYOND, Bound(1, 1, 1, 1, 1), pure)
    ranks, clamped = choosing.draw(int(whole * choice.CHOOSING)), beyond.draw(int(whole * choice.CLAMPED))
    chosen = choosing.loss(ranks.scale) + beyond.loss(clamped.scale)
    found: dict[int, tuple[Draw, ...]] = {}
    losses: list[PrivacyLoss] = []
    for k in choice.bounds(plan):
        numbers = _numbers(choice.bounded(plan, k), pure)
        found[k] = tuple(number.draw((whole - _amount(chosen, pure)) // len(numbers)) for number in numbers)
        pairs = zip(numbers, found[k], strict=True)
        losses.append(chosen + sum((number.loss(draw.scale) for number, draw in pairs), PrivacyLoss()))
    loss = max(losses, key=lambda one: _amount(one, pure))
    offers = tuple(
        Offer(k, draws, _selection(plan, stated, loss, draws[0], threshold) if plan.discovered else None)
        for k, draws in found.items()
    )
    last = offers[-1]
    if last.selection is not None:
        loss, threshold = loss + PrivacyLoss(delta=last.selection.delta), last.selection.threshold
    return Quote(loss, last.draws, rounding, threshold, last.selection, Choice(ranks, clamped, offers))


def _selection(plan: Plan, stated: PrivacyLoss, loss: PrivacyLoss, persons: Draw, threshold: int) -> Selection:
    """Discovered keys charge the fraction of keys-delta that the question charges of rho."""
    mend = "Group by columns whose keys are public, or"
    if stated.pure:
        raise Refusal(
            Reason.STATISTIC_NOT_OFFERED,
            "Groups cannot be found in the records under pure accounting: that takes a delta.",
            f"{mend} ask for a project with a delta above 0.",
        )
    if not stated.delta:
        raise Refusal(
            Reason.STATISTIC_NOT_OFFERED,
            "This project has no delta for groups that are found in the records.",
            f"{mend} ask an admin for a budget whose keys_delta is above 0.",
        )
    delta = keys_delta_of(stated, loss.rho)
    if not delta:
        raise invalid("The charge is too small to find groups in the records.", f"{mend} state a larger share.")
    groups = sets.groups(plan)
    return Selection(max(threshold, tau(persons.scale, groups, delta)), groups, delta)


def _whole(stated: PrivacyLoss, asking: Asking, default_share: Decimal | Fraction) -> int:
    """The whole charge that was asked, in the project's kind of accounting."""
    own, other = (asking.epsilon, asking.rho) if stated.pure else (asking.rho, asking.epsilon)
    if other is not None:
        names = ("pure", "rho", "epsilon") if stated.pure else ("concentrated", "epsilon", "rho")
        raise invalid(
            f"This project's accounting is {names[0]}: {names[1]} cannot be charged.", f"State {names[2]}, share or margin."
        )
    if own is not None:
        return own
    if not _amount(stated, stated.pure):
        raise Refusal(Reason.BUDGET_EXHAUSTED, "This project has no privacy budget.", "Ask an admin for one.")
    return _amount(share_of(stated, asking.share or Fraction(default_share)), stated.pure)


def _parts_for_margins(plan: Plan, numbers: Sequence[_Number], asking: Asking, rounding: int) -> list[int]:
    """For each noisy number the smallest loss (10^-12) at which every margin is kept."""
    needed: dict[int, int] = {}
    places = measured(plan).parts
    for statistic, margin in _margins(plan, asking.margin):
        own = [numbers[place] for place in places[statistic.alias]]
        part = (
            _part_for_mean(statistic, own, margin, asking.margin_at)
            if statistic.kind in MEANS
            else _part_for_number(statistic, own[0], margin, rounding)
        )
        for place in places[statistic.alias]:
            needed[place] = max(part, needed.get(place, 0))
    least = min(needed.values())
    return [needed.get(place, least) for place in range(len(numbers))]


def _margins(plan: Plan, margin: int | Mapping[str, Fraction] | None) -> list[tuple[Statistic, Fraction]]:
    """The statistics that a margin is for."""
    known = {statistic.alias: statistic for statistic in plan.statistics}
    if not isinstance(margin, Mapping):
        others = [alias for alias, statistic in known.items() if statistic.kind not in ("persons", "rows")]
        if others:
            raise invalid(
                f"One margin is for counts alone; {quoted(others[0])} is another statistic.",
                "State a margin for each by its name, or a share.",
            )
        return [(statistic, Fraction(margin or 0)) for statistic in known.values()]
    for alias in margin:
        if alias not in known:
            raise invalid(
                f"No statistic of this question is called {quoted(alias)}.",
                did_you_mean(alias, list(known), "State margins by the names of the statistics."),
            )
        if known[alias].kind not in (*FIXED, *MEANS):
            raise invalid(
                f"No margin is offered for {quoted(alias)}: how wide its interval is depends on the values.",
                "State a share; the preview says how accurate it would be.",
            )
    return [(known[alias], m) for alias, m in margin.items()]


def _part_for_number(statistic: Statistic, number: _Number, margin: Fraction, rounding: int) -> int:
    """Of a count or a sum: the smallest loss whose half-width is at most the margin."""
    base, grid = (1, _grid(statistic)) if statistic.kind == "sum" else (rounding, Decimal(1))
    steps, least = int(margin / Fraction(grid)), half_width(number.mechanism, SMALLEST_SCALE, base)
    if steps < least:
        raise invalid(
            f"A margin of {_said(margin)} cannot be reached: numbers are rounded to multiples of {base}.",
            f"State a margin of {least:,} or more.",
        )
    if steps >= LARGEST_SCALE:
        raise invalid("The margin is larger than any number of the answer.", "State a smaller one.")
    return _smallest(number.dearest, lambda part: covers(number.mechanism, number.noise(part).scale, base, steps))


def _part_for_mean(statistic: Statistic, own: Sequence[_Number], margin: Fraction, rows: int | None) -> int:
    """The smallest loss, for each of rows and centred sum, at which the interval of a mean of so many rows is within the margin
    wherever in its range the mean is."""
    if rows is None:
        raise invalid(
            f"How accurate {quoted(statistic.alias)} is depends on how many rows it is of.",
            "Add `margin_at`, a number of rows of a group for which the margin is to hold; or state a share.",
        )
    fine = int(margin / Fraction(_grid(statistic)) * FINE)

    def enough(part: int) -> bool:
        half = of_mean(statistic, own[0].noise(part), own[1].noise(part), rows, at_end=True)
        return half is not None and half <= fine

    dearest = max(number.dearest for number in own)
    if not enough(dearest):
        raise invalid(
            f"A margin of {_said(margin)} cannot be reached for a mean of {rows:,} rows.",
            "State a larger margin, or more rows in `margin_at`.",
        )
    return _smallest(dearest, enough)


def _smallest(dearest: int, enough: Callable[[int], bool]) -> int:
    """The least part that is enough, between nothing and one that is known to be."""
    low, high = 0, dearest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _grid(statistic: Statistic) -> Decimal:
    assert statistic.value is not None
    return Decimal(statistic.value.domain.grid)


def _said(margin: Fraction) -> str:
    """A margin as a person writes it."""
    return f"{int(margin):,}" if margin.denominator == 1 else f"{float(margin):g}"
