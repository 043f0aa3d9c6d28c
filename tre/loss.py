"""Privacy loss: the value, its arithmetic and the conversions, all in integers and rounded against the asker.

Promises that a loss is never understated and a budget never overstated. Never a float between two rooms, and no rule about
who may spend: only the formulae.

Units: ``rho`` and ``epsilon`` in 10^-12, ``delta`` in 10^-18.
Sources: Bun and Steinke 2016 (zCDP); Canonne, Kamath and Steinke 2020 (discrete Gaussian; the tight conversion, Cor. 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

UNIT = 10**12
DELTA_UNIT = 10**18


def decimal_text(amount: int, unit: int) -> str:
    """An integer amount as a decimal with all its digits, never a float."""
    whole, part = divmod(amount, unit)
    return f"{whole}.{part:0{len(str(unit)) - 1}d}"


def _up(value: Fraction, unit: int) -> int:
    return math.ceil(value * unit)


def _down(value: Fraction, unit: int) -> int:
    return math.floor(value * unit)


@dataclass(frozen=True, slots=True)
class PrivacyLoss:
    """What an answer costs or a budget holds. Concentrated: rho (and delta for discovered keys). Pure: epsilon alone."""

    rho: int = 0
    epsilon: int = 0
    delta: int = 0

    def __post_init__(self) -> None:
        parts = (self.rho, self.epsilon, self.delta)
        if any(type(part) is not int for part in parts):
            raise TypeError("a privacy loss is made of integers")
        if any(part < 0 for part in parts):
            raise ValueError("a privacy loss is never negative")
        if self.epsilon and (self.rho or self.delta):
            raise ValueError("a privacy loss is concentrated or pure, not both")

    def __add__(self, other: PrivacyLoss) -> PrivacyLoss:
        return PrivacyLoss(self.rho + other.rho, self.epsilon + other.epsilon, self.delta + other.delta)

    def fits(self, ceiling: PrivacyLoss) -> bool:
        """Whether this loss, or a sum of losses, lies within a ceiling."""
        return self.rho <= ceiling.rho and self.epsilon <= ceiling.epsilon and self.delta <= ceiling.delta

    @property
    def pure(self) -> bool:
        return self.epsilon > 0

    def concentrated(self) -> PrivacyLoss:
        """The same loss as rho: a pure epsilon counts as epsilon^2 / 2 (Bun and Steinke 2016, Prop. 1.4)."""
        if not self.epsilon:
            return self
        return PrivacyLoss(rho=_up(Fraction(self.epsilon, UNIT) ** 2 / 2, UNIT))


def loss_text(loss: PrivacyLoss) -> dict[str, str | None]:
    """A loss as a release states it."""
    return {
        "rho": None if loss.pure else decimal_text(loss.rho, UNIT),
        "epsilon": decimal_text(loss.epsilon, UNIT) if loss.pure else None,
        "delta": decimal_text(loss.delta, DELTA_UNIT) if loss.delta else "0",
    }


def of_rho(rho: Fraction) -> PrivacyLoss:
    """A concentrated loss, rounded up."""
    return PrivacyLoss(rho=_up(rho, UNIT))


def of_epsilon(epsilon: Fraction) -> PrivacyLoss:
    """A pure loss, rounded up."""
    return PrivacyLoss(epsilon=_up(epsilon, UNIT))


def share_of(ceiling: PrivacyLoss, share: Fraction) -> PrivacyLoss:
    """A fraction of a stated budget, rounded down, so that equal shares never add up to more than the whole."""
    if not 0 < share <= 1:
        raise ValueError("a share lies in (0, 1]")
    return PrivacyLoss(_down(Fraction(ceiling.rho, UNIT) * share, UNIT), _down(Fraction(ceiling.epsilon, UNIT) * share, UNIT), 0)


def keys_delta_of(stated: PrivacyLoss, rho: int) -> int:
    """What a question of discovered keys charges of a stated budget's keys-delta (10^-18): the fraction of it that its rho is of
    the stated rho, rounded down, never more than all."""
    return stated.delta * min(rho, stated.rho) // stated.rho if stated.rho else 0


def gaussian_loss(squared_sensitivity: int, scale: float) -> PrivacyLoss:
    """The loss of one discrete Gaussian vector draw: Delta^2 / (2 sigma^2), Delta^2 the *squared* L2 sensitivity (an integer,
    so that no square root of L0 is ever rounded)."""
    return of_rho(Fraction(squared_sensitivity) / (2 * Fraction(scale) ** 2))


def laplace_loss(sensitivity: int, scale: float) -> PrivacyLoss:
    """The loss of one discrete Laplace vector draw of L1 sensitivity ``sensitivity``: Delta / b."""
    return of_epsilon(Fraction(sensitivity) / Fraction(scale))


def noisy_max_loss(groups: int, sensitivity: int, scale: float, pure: bool) -> PrivacyLoss:
    """The loss of one noisy maximum in each of ``groups`` groups that one person is in, each score moving by at most
    ``sensitivity`` either way: e = 2 Delta / scale a group. Gumbel noise is the exponential mechanism, of range e, which is
    e^2 / 8 in zCDP (Cesar and Rogers 2021); exponential noise is pure e (Ding et al. 2021)."""
    e = 2 * Fraction(sensitivity) / Fraction(scale)
    return of_epsilon(groups * e) if pure else of_rho(groups * e * e / 8)


@lru_cache(maxsize=4096)
def gaussian_scale(squared_sensitivity: int, rho: int) -> float:
    """The smallest float sigma whose loss, rounded up, is at most ``rho`` (10^-12)."""
    if rho <= 0:
        raise ValueError("no loss, no answer")
    scale = math.sqrt(squared_sensitivity / (2 * (rho / UNIT)))
    return _smallest(scale, lambda sigma: gaussian_loss(squared_sensitivity, sigma).rho <= rho)


@lru_cache(maxsize=4096)
def laplace_scale(sensitivity: int, epsilon: int) -> float:
    """The smallest float b whose loss, rounded up, is at most ``epsilon`` (10^-12)."""
    if epsilon <= 0:
        raise ValueError("no loss, no answer")
    return _smallest(sensitivity / (epsilon / UNIT), lambda b: laplace_loss(sensitivity, b).epsilon <= epsilon)


def _smallest(start: float, enough: Callable[[float], bool]) -> float:
    scale = start * (1 - 2**-51)  # the float above is within two steps of the true root
    while not enough(scale):
        scale = math.nextafter(scale, math.inf)
    return scale


def budget(epsilon: Decimal, delta: Decimal, keys_delta: Decimal | None = None) -> PrivacyLoss:
    """The ceiling that a stated (epsilon, delta) opens, rounded down.

    ``delta`` 0 is pure accounting. Otherwise ``keys_delta`` (default delta / 2) is set aside for discovered keys and the rest
    pays for the conversion to rho.
    """
    if epsilon < 0 or delta < 0 or delta >= 1:
        raise ValueError("epsilon is at least 0 and delta lies in [0, 1)")
    if delta == 0:
        return PrivacyLoss(epsilon=_down(Fraction(epsilon), UNIT))
    for_keys = delta / 2 if keys_delta is None else keys_delta
    if not 0 <= for_keys < delta:
        raise ValueError("keys_delta lies in [0, delta)")
    return PrivacyLoss(rho=rho_within(epsilon, delta - for_keys), delta=_down(Fraction(for_keys), DELTA_UNIT))


def rho_within(epsilon: Decimal, delta: Decimal) -> int:
    """The largest rho (10^-12, rounded down) whose tight conversion at ``delta`` is at most ``epsilon``."""
    if epsilon <= 0:
        return 0
    low, high = 0, _up(Fraction(epsilon), UNIT)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _delta_at(middle, epsilon) <= delta else (low, middle)
    return low


def epsilon_for(rho: int, delta: Decimal) -> Decimal:
    """The epsilon (six digits, rounded up) that a rho amounts to at ``delta``: for people, not for the ledger."""
    step = Decimal("0.000001")
    low, high = 0, 1
    while high < 10**12 and _delta_at(rho, high * step) > delta:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _delta_at(rho, middle * step) <= delta else (middle, high)
    return high * step if rho else Decimal(0)


def _delta_at(rho: int, epsilon: Decimal) -> Decimal:
    """An upper bound of delta(epsilon): exp((a-1)(a rho - epsilon)) / (a-1) (1 - 1/a)^a. Every a > 1 gives a valid bound, so a is
    searched in floats and the bound computed in 40 digits."""
    if rho == 0:
        return Decimal(0)
    a = Decimal(_best_order(rho / UNIT, float(epsilon)))
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(rho) / UNIT
        exponent = (a - 1) * (a * exact - epsilon) - (a - 1).ln() + a * (1 - 1 / a).ln()
        return exponent.exp() * (1 + Decimal(10) ** -30) if exponent < 0 else Decimal(1)


def _best_order(rho: float, epsilon: float) -> float:
    """The a > 1 that minimises the convex log-bound, by bisection of its derivative."""

    def slope(a: float) -> float:
        return (2 * a - 1) * rho - epsilon + math.log1p(-1 / a)

    low, high = 1 + 1e-9, (epsilon + 1) / (2 * rho) + 2
    while slope(high) < 0:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return high
