"""What a question would cost and how accurate it would be, said before anything is charged.

Promises to be made from the plan, the quote, the project's stated budget and the policy alone: the same bytes whatever the
records hold and whatever was spent. Warns of what the numbers will not say by themselves.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tre.loss import UNIT, PrivacyLoss, decimal_text, epsilon_for, loss_text
from tre.plan.nodes import Key, Plan
from tre.plan.order import Draw
from tre.plan.price import Quote
from tre.plan.rounding import stated_scale

SIZES = (0, 5, 10, 20, 50, 100)
DELTA = Decimal("5e-7")  # the half of a dataset's 1e-6 that pays for the conversion


def preview(plan: Plan, quote: Quote, stated: PrivacyLoss, release_time_s: float | None = None) -> dict[str, Any]:
    """The preview as JSON. ``stated``: the project's stated budget."""
    told: dict[str, Any] = {
        "dataset": plan.dataset,
        "charge": loss_text(quote.loss),
        "share": _share(quote.loss, stated),
        "dataset_charge": loss_text(quote.loss.concentrated()),
        "statistics": [_statistic(draw, plan, quote.rounding) for draw in quote.draws],
        "keys": [_key(key) for key in plan.keys],
        "cells": plan.cells,
        "shown": [{"persons": persons, "probability": round(quote.p_shown(persons), 4)} for persons in SIZES],
        "disclosure": {"threshold": quote.threshold, "rounding": quote.rounding},
        "warnings": _warnings(plan, quote, stated),
    }
    return told if release_time_s is None else told | {"release_time_s": release_time_s}


def _share(loss: PrivacyLoss, stated: PrivacyLoss) -> float | None:
    """The fraction of the stated budget, six digits; None where there is none."""
    whole, part = (stated.epsilon, loss.epsilon) if loss.pure else (stated.rho, loss.rho)
    return round(float(Fraction(part, whole)), 6) if whole else None


def _statistic(draw: Draw, plan: Plan, rounding: int) -> dict[str, Any]:
    kinds = {statistic.alias: statistic.kind for statistic in plan.statistics}
    return {
        "name": draw.alias,
        "statistic": kinds[draw.alias],
        "mechanism": draw.mechanism,
        "scale": round(stated_scale(draw.scale, rounding), 6),
        "margin": draw.half_width,
        "confidence": 0.95,
    }


def _key(key: Key) -> dict[str, Any]:
    return {
        "name": key.alias,
        "column": f"{key.column.table}.{key.column.name}",
        "keys": "public",
        "values": key.column.domain.size,
    }


def _warnings(plan: Plan, quote: Quote, stated: PrivacyLoss) -> list[str]:
    warnings = []
    scale = max(draw.scale for draw in quote.draws)
    if not quote.loss.fits(stated):
        warnings.append("The charge is above the project's whole budget: this question would be refused.")
    if len(quote.draws) > 1:
        warnings.append(
            f"{len(quote.draws)} columns ask for the same number and share the charge: asked once, it is more accurate."
        )
    empty = quote.p_shown(0)
    if empty >= 0.05:
        warnings.append(
            f"An empty group is shown with probability {empty:.2f}: a small number may be nobody. Ask for a smaller margin."
        )
    if scale >= 1:
        near = round(quote.threshold + 2 * scale)
        warnings.append(f"Shown numbers below {near:,} are biased upwards: those that noise pushed down are hidden.")
    if quote.rounding > 1 and (quote.rounding**2 - 1) / 12 > scale**2:
        warnings.append(f"Rounding to {quote.rounding} is a larger error than the noise: a larger margin would cost less.")
    if quote.loss.pure:
        warnings.append(_pure(quote.loss))
    return warnings


def _pure(loss: PrivacyLoss) -> str:
    rho = loss.concentrated().rho
    return (
        f"The dataset's ceiling counts this pure charge as rho {decimal_text(rho, UNIT)}:"
        f" alone it takes a dataset of about ({epsilon_for(rho, DELTA):.1f}, 1e-6)."
    )
