"""A budget as people state it, the kind of accounting it opens, and a loss in that kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from tre import loss
from tre.budget.tables import MOST
from tre.errors import Reason, Refusal
from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, decimal_text

CONCENTRATED, PURE = "concentrated", "pure"
# Beyond this an epsilon promises nothing, and below it a ceiling fits the ledger's integers.
MOST_EPSILON = 10**6

_NAME = "[a-z0-9][a-z0-9._-]{0,63}"
_SCOPE = re.compile(rf"(?:dataset|project):{_NAME}|researcher:{_NAME}/{_NAME}")


@dataclass(frozen=True, slots=True)
class Stated:
    """(epsilon, delta) of a budget. Delta 0 is pure accounting; ``keys_delta`` is the part set aside for discovered keys, None
    the default half."""

    epsilon: Decimal
    delta: Decimal
    keys_delta: Decimal | None = None

    def __post_init__(self) -> None:
        given = [self.epsilon, self.delta, *([] if self.keys_delta is None else [self.keys_delta])]
        if any(type(number) is not Decimal or not number.is_finite() for number in given):
            raise ValueError("a budget is stated in finite decimals")
        if not 0 <= self.epsilon <= MOST_EPSILON or not 0 <= self.delta < 1:
            raise ValueError("epsilon lies in [0, 10^6] and delta in [0, 1)")
        if self.keys_delta and not 0 < self.keys_delta < self.delta:
            raise ValueError("keys_delta lies in [0, delta)")

    @property
    def nothing(self) -> bool:
        return self.epsilon == 0

    @property
    def kind(self) -> str:
        return CONCENTRATED if self.delta else PURE

    def ceiling(self) -> PrivacyLoss:
        """What it opens, rounded down. An epsilon of 0 opens nothing, whatever delta says."""
        return PrivacyLoss() if self.nothing else loss.budget(self.epsilon, self.delta, self.keys_delta)

    def conversion_delta(self) -> Decimal:
        """The part of delta that pays for turning rho into epsilon."""
        return self.delta - (self.delta / 2 if self.keys_delta is None else self.keys_delta)

    def __str__(self) -> str:
        return f"epsilon {plain(self.epsilon)}, delta {plain(self.delta)}"


def tightens(now: Stated, then: Stated) -> bool:
    """Whether ``then`` promises at least as much as ``now`` and lets no more be spent: what one person may do alone. Another kind
    of accounting is another promise, whatever its numbers: it never merely tightens, unless one of the two opens nothing."""
    stated_no_higher = then.epsilon <= now.epsilon and then.delta <= now.delta
    same_kind = then.nothing or now.nothing or then.kind == now.kind
    return stated_no_higher and same_kind and then.ceiling().fits(now.ceiling())


def scope_kind(scope: str, stated: Stated) -> str:
    """The kind of accounting of a scope under a stated budget. A dataset's is always concentrated."""
    if not _SCOPE.fullmatch(scope):
        raise ValueError("a scope is dataset:NAME, project:NAME or researcher:PROJECT/NAME")
    if not scope.startswith("dataset:"):
        return stated.kind
    if stated.kind == PURE and not stated.nothing:
        raise Refusal(
            Reason.INVALID_REQUEST,
            "A dataset's privacy budget is concentrated: its delta is above 0.",
            "State a delta such as 1e-6.",
        )
    return CONCENTRATED


def in_kind(kind: str, asked: PrivacyLoss) -> PrivacyLoss:
    """A loss as an account of this kind counts it."""
    if kind == CONCENTRATED:
        return asked.concentrated()
    if not asked.pure:
        raise Refusal(
            Reason.INVALID_REQUEST,
            "This privacy budget is pure: it counts epsilon, and this question would cost rho.",
            "Ask with epsilon or share and with public keys, or in a project that states a delta above 0.",
        )
    return asked


def countable(amount: PrivacyLoss) -> bool:
    """Whether the ledger's integers can hold it; what they cannot hold fits no ceiling."""
    return max(amount.rho, amount.epsilon, amount.delta) <= MOST


def plain(number: Decimal) -> str:
    """A decimal without an exponent and without idle zeros."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def loss_text(kind: str, amount: PrivacyLoss) -> dict[str, str | None]:
    """An amount as JSON states it: in the account's kind, 12 digits of rho or epsilon, 18 of delta."""
    return {
        "rho": decimal_text(amount.rho, UNIT) if kind == CONCENTRATED else None,
        "epsilon": decimal_text(amount.epsilon, UNIT) if kind == PURE else None,
        "delta": decimal_text(amount.delta, DELTA_UNIT),
    }
