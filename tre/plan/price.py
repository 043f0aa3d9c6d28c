"""Accuracy and loss, one from the other: what a question is charged, and the noise that buys.

Promises that the charge is recomputed from the scales, as exact rationals rounded up, and is never above what was asked; that
a margin is met at the smallest loss; that no scale is 0. From text, policy and the project's stated budget alone: never from
records and never from what was spent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tre.errors import Reason, Refusal
from tre.loss import PrivacyLoss, gaussian_loss, gaussian_scale, laplace_loss, laplace_scale, share_of
from tre.plan.accuracy import covers, half_width, p_shown
from tre.plan.bound import ORDINALS, Bound, sensitivities, sums_fit
from tre.plan.hints import invalid
from tre.plan.nodes import Plan
from tre.plan.order import Draw
from tre.terms import Asking

__all__ = ["SMALLEST_SCALE", "Quote", "half_width", "quote"]

# At 1/16 the Gaussian is 0 but once in e^128 draws, the Laplace but once in 4 million: less would cost more and say the same.
SMALLEST_SCALE = 2.0**-4
LARGEST_SCALE = 2.0**40


@dataclass(frozen=True, slots=True)
class Quote:
    """The charge of one question, and how each of its numbers is drawn. ``draws`` are in the plan's order."""

    loss: PrivacyLoss
    draws: tuple[Draw, ...]
    rounding: int
    threshold: int

    @property
    def margins(self) -> dict[str, int]:
        """The half-width of each number's 95 % interval."""
        return {draw.alias: draw.half_width for draw in self.draws}

    def p_shown(self, persons: int) -> float:
        """The chance that a group of so many persons is shown: that each of its noisy numbers reaches the threshold."""
        chance = 1.0
        for draw in self.draws:
            chance *= p_shown(draw.mechanism, draw.scale, persons, self.threshold)
        return chance


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of accounting: its mechanism, and the two directions between a loss (10^-12) and a scale."""

    mechanism: str
    scale: Callable[[Bound, int], float]
    loss: Callable[[Bound, float], PrivacyLoss]
    amount: Callable[[PrivacyLoss], int]


_CONCENTRATED = _Kind(
    "discrete gaussian",
    lambda bound, rho: gaussian_scale(bound.squared_l2, rho),
    lambda bound, scale: gaussian_loss(bound.squared_l2, scale),
    lambda loss: loss.rho,
)
_PURE = _Kind(
    "discrete laplace",
    lambda bound, epsilon: laplace_scale(bound.l1, epsilon),
    lambda bound, scale: laplace_loss(bound.l1, scale),
    lambda loss: loss.epsilon,
)


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
        raise Refusal(Reason.BOUNDS_MISSING, "Sums of this question may not fit 64 bits.", "Ask of fewer rows a person.")
    kind, bounds = (_PURE if stated.pure else _CONCENTRATED), sensitivities(plan)
    if asking.margin is not None:
        parts = [_part_for_margin(kind, bound, asking.margin, rounding) for bound in bounds]
    else:
        parts = [_whole(kind, stated, asking, default_share) // len(bounds)] * len(bounds)
    draws = tuple(_draw(kind, bound, part, rounding) for bound, part in zip(bounds, parts, strict=True))
    loss = sum((kind.loss(bound, draw.scale) for bound, draw in zip(bounds, draws, strict=True)), PrivacyLoss())
    return Quote(loss, draws, rounding, threshold)


def _whole(kind: _Kind, stated: PrivacyLoss, asking: Asking, default_share: Decimal | Fraction) -> int:
    """The whole charge that was asked, in the project's kind of accounting."""
    own, other = (asking.epsilon, asking.rho) if kind is _PURE else (asking.rho, asking.epsilon)
    if other is not None:
        names = ("pure", "rho", "epsilon") if kind is _PURE else ("concentrated", "epsilon", "rho")
        raise invalid(
            f"This project's accounting is {names[0]}: {names[1]} cannot be charged.", f"State {names[2]}, share or margin."
        )
    if own is not None:
        return own
    if not kind.amount(stated):
        raise Refusal(Reason.BUDGET_EXHAUSTED, "This project has no privacy budget.", "Ask an admin for one.")
    return kind.amount(share_of(stated, asking.share or Fraction(default_share)))


def _draw(kind: _Kind, bound: Bound, part: int, rounding: int) -> Draw:
    """The noise that a part of the charge buys."""
    scale = max(kind.scale(bound, part), SMALLEST_SCALE) if part > 0 else LARGEST_SCALE
    if scale >= LARGEST_SCALE:
        raise invalid("The charge is too small for any answer.", "State a larger share, or a margin.")
    return Draw(bound.alias, kind.mechanism, scale, bound.l1, bound.squared_l2, half_width(kind.mechanism, scale, rounding))


def _part_for_margin(kind: _Kind, bound: Bound, margin: int, rounding: int) -> int:
    """The smallest loss (10^-12) whose half-width is at most the margin."""
    dearest = kind.amount(kind.loss(bound, SMALLEST_SCALE))
    least = half_width(kind.mechanism, SMALLEST_SCALE, rounding)
    if margin < least:
        raise invalid(
            f"A margin of {margin:,} cannot be reached: numbers are rounded to multiples of {rounding}.",
            f"State a margin of {least:,} or more.",
        )
    if margin >= LARGEST_SCALE:
        raise invalid("The margin is larger than any number of the answer.", "State a smaller one.")
    low, high = 0, dearest  # low is not enough, high is
    while high - low > 1:
        middle = (low + high) // 2
        scale = max(kind.scale(bound, middle), SMALLEST_SCALE)
        if covers(kind.mechanism, scale, rounding, margin):
            high = middle
        else:
            low = middle
    return high
