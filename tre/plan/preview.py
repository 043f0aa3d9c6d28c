"""What a question would cost and how accurate it would be, said before anything is charged.

Promises to be made from the plan, the quote, the project's stated budget and the policy alone: the same bytes whatever the
records hold and whatever was spent. Warns of what the numbers will not say by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, decimal_text, epsilon_for, loss_text
from tre.plan import choice, sets
from tre.plan.candidates import candidates, spacing
from tre.plan.estimate import unit
from tre.plan.intervals import Noise
from tre.plan.margins import FIXED, MEANS, fixed, of_mean, of_rank, of_spread
from tre.plan.measures import (
    WEIGHT,
    Measure,
    groups_of_a_person,
    measured,
    one_group_a_person,
    policy_groups,
    rows_that_count,
)
from tre.plan.nodes import Column, Domain, Key, Plan, Statistic, rows_per_person
from tre.plan.nodes.base import EPOCH
from tre.plan.order import Draw
from tre.plan.price import Quote
from tre.plan.rounding import stated_scale

SIZES = (0, 5, 10, 20, 50, 100)
ROWS = (20, 100, 1_000, 10_000)
DELTA = Decimal("5e-7")  # the half of a dataset's 1e-6 that pays for the conversion


def preview(plan: Plan, quote: Quote, stated: PrivacyLoss, release_time_s: float | None = None) -> dict[str, Any]:
    """The preview as JSON. ``stated``: the project's stated budget."""
    told: dict[str, Any] = {
        "dataset": plan.dataset,
        "charge": loss_text(quote.loss),
        "share": _share(quote.loss, stated),
        "dataset_charge": loss_text(quote.loss.concentrated()),
        "noisy_numbers": [_number(*pair) for pair in zip(measured(plan).measures, quote.draws, strict=True)],
        "statistics": [_statistic(statistic, plan, quote) for statistic in plan.statistics],
        "keys": [_key(key) for key in plan.keys],
        "groups_of_a_person": sets.groups(plan),
        "cells": None if plan.discovered else plan.cells,
        "shown": [{"persons": persons, "probability": round(quote.p_shown(persons), 4)} for persons in _sizes(quote)],
        "disclosure": {"threshold": quote.threshold, "rounding": quote.rounding},
        "warnings": _warnings(plan, quote, stated),
    }
    if quote.selection is not None:
        told["discovered"] = {
            "threshold": quote.selection.threshold,
            "groups": quote.selection.groups,
            "delta": decimal_text(quote.selection.delta, DELTA_UNIT),
        }
    if quote.choice is not None:
        told["bound"] = _choice(plan, quote)
    if len(plan.sets) > 1:
        told["totals"] = [_total(one, plan, quote) for one in plan.sets]
    return told if release_time_s is None else told | {"release_time_s": release_time_s}


def _choice(plan: Plan, quote: Quote) -> dict[str, Any]:
    """How a bound that was left open is chosen, and for each bound how accurate the answer would be. ``rank_margin``: by how many
    persons the rank of the choice is off, at most, in 95 % of draws. All else on a preview is of the largest bound."""
    assert quote.choice is not None
    ranks, clamped = quote.choice.draws
    noise = Noise(clamped.mechanism, clamped.scale)
    offers = [(offer.k, choice.bounded(plan, offer.k), quote.at(offer.k)) for offer in quote.choice.offers]
    grid = len(offers)
    return {
        "of": [statistic.alias for statistic in choice.automatic(plan)],
        "quantile": choice.QUANTILE,
        "choice": {
            "mechanism": ranks.mechanism,
            "scale": round(ranks.scale, 6),
            "share": float(choice.CHOOSING),
            "rank_margin": of_rank(choice.PLACES, ranks.scale, grid),
        },
        "persons_clamped": {
            "mechanism": clamped.mechanism,
            "scale": round(stated_scale(clamped.scale, quote.rounding), 6),
            "share": float(choice.CLAMPED),
            "margin": noise.half(quote.rounding),
        },
        "bounds": [
            {"max_rows": k, "statistics": [_statistic(statistic, at, its) for statistic in at.statistics]}
            for k, at, its in offers
        ],
    }


def _share(loss: PrivacyLoss, stated: PrivacyLoss) -> float | None:
    """The fraction of the stated budget, six digits; None where there is none."""
    whole, part = (stated.epsilon, loss.epsilon) if loss.pure else (stated.rho, loss.rho)
    return round(float(Fraction(part, whole)), 6) if whole else None


def _sizes(quote: Quote) -> list[int]:
    """The sizes of groups at which the chance to be shown is told: also where it is a half."""
    return sorted({*SIZES, quote.threshold, 2 * quote.threshold})


def _number(measure: Measure, draw: Draw) -> dict[str, Any]:
    """One number that is drawn and paid for."""
    return {"of": measure.kind, "max_rows": measure.k, "mechanism": draw.mechanism, "scale": round(draw.scale, 6)}


def _statistic(statistic: Statistic, plan: Plan, quote: Quote, parts: int = 1) -> dict[str, Any]:
    found = measured(plan)
    places = found.parts[statistic.alias]
    noises = [Noise(quote.draws[place].mechanism, quote.draws[place].scale, parts) for place in places]
    measures = [found.measures[place] for place in places]
    told: dict[str, Any] = {
        "name": statistic.alias,
        "statistic": statistic.kind,
        "unit": unit(statistic),
        "noisy_numbers": list(places),
        "max_rows": max(measure.k for measure in measures),
        "confidence": 0.95,
    }
    if statistic.value is not None and statistic.value.domain.kind != "boolean" and statistic.kind not in ("rows", "persons"):
        told["clamp"] = _ends(statistic.value.domain)
    return told | _accuracy(statistic, measures, noises, quote.rounding)


def _accuracy(statistic: Statistic, measures: Sequence[Measure], noises: Sequence[Noise], rounding: int) -> dict[str, Any]:
    """The half-width of the 95 % interval, in the statistic's own units (text where the unit is not 1): one where it is the same
    whatever the truth, else at a few numbers of rows."""
    if statistic.kind in FIXED:
        base = 1 if statistic.kind == "sum" else rounding
        return {
            "mechanism": noises[0].mechanism,
            "scale": round(stated_scale(noises[0].spread, base) * float(unit(statistic)), 6),
            "margin": _in_units(statistic, fixed(statistic.kind, noises[0], rounding)),
        }
    if statistic.kind == "quantile":
        ranks, value = measures[1], statistic.value
        assert value is not None
        step = {"every": spacing(value.domain), "of": len(candidates(value.domain))}
        return {"rank_margin": of_rank(ranks, noises[1].scale), "candidates": step}
    if statistic.kind in MEANS:
        return {
            "margins": [
                {
                    "rows": rows,
                    "margin": _in_units(statistic, of_mean(statistic, noises[0], noises[1], rows, at_end=True)),
                    "margin_at_middle": _in_units(statistic, of_mean(statistic, noises[0], noises[1], rows, at_end=False)),
                }
                for rows in ROWS
            ]
        }
    return {
        "margins": [
            {"rows": rows, "margin_if_even": _in_units(statistic, of_spread(statistic, measures[2], noises, rows))}
            for rows in ROWS
        ]
    }


def _in_units(statistic: Statistic, half: int | None) -> int | str | None:
    """An integer where the unit is 1, else decimal text."""
    one = unit(statistic)
    return half if half is None or one == "1" else format(half * Decimal(one), "f")


def _ends(domain: Domain) -> list[str]:
    """The clamp bounds as text: what lies outside counts as the nearer end."""
    if domain.kind == "date":
        return [date.fromordinal(end + EPOCH).isoformat() for end in domain.ends]
    return [format(end * Decimal(domain.grid), "f") for end in domain.ends]


def _key(key: Key) -> dict[str, Any]:
    column = key.column
    return {
        "name": key.alias,
        "column": f"{column.table}.{column.name}" if isinstance(column, Column) else None,
        "keys": "discovered" if key.discovered else "public",
        "values": column.domain.size,
    }


def _total(one: sets.Set, plan: Plan, quote: Quote) -> dict[str, Any]:
    """One grouping set: what it costs, and of its counts and sums the half-widths; beside them what a draw of its own would give
    at the same charge, all sets sharing it."""
    free, parts = sets.added(plan), sets.parts(plan, one)
    told: dict[str, Any] = {
        "keys": [plan.keys[place].alias for place in one],
        "cells": None if plan.discovered else plan.cells_of(one),
        "groups_of_a_person": groups_of_a_person(plan, one),
        "made": "added from the finest set's noisy cells, for nothing" if free and one != plan.sets[0] else "drawn",
        "margins": _margins(plan, quote, 1.0, parts),
    }
    if free:
        told["margins_if_each_set_were_drawn"] = _margins(plan, quote, _drawn_apart(plan, quote), 1)
    return told


def _drawn_apart(plan: Plan, quote: Quote) -> float:
    """By what every scale grows where one person is in a group of each set: L0 is their number."""
    apart = float(len(plan.sets))
    return apart if quote.loss.pure else apart**0.5


def _margins(plan: Plan, quote: Quote, factor: float, parts: int) -> dict[str, int | str | None]:
    places = measured(plan).parts
    found = {}
    for statistic in plan.statistics:
        if statistic.kind in FIXED:
            draw = quote.draws[places[statistic.alias][0]]
            noise = Noise(draw.mechanism, draw.scale * factor, parts)
            found[statistic.alias] = _in_units(statistic, fixed(statistic.kind, noise, quote.rounding))
    return found


def _warnings(plan: Plan, quote: Quote, stated: PrivacyLoss) -> list[str]:
    warnings = []
    if not quote.loss.fits(stated):
        warnings.append("The charge is above the project's whole budget: this question would be refused.")
    warnings += _of_plan(plan)
    empty = quote.p_shown(0)
    if empty >= 0.05 and not plan.discovered:
        warnings.append(
            f"An empty group is shown with probability {empty:.2f}: a small number may be nobody. Ask for a smaller margin."
        )
    scale = quote.draws[0].scale
    if scale >= 1:
        near = round(quote.threshold + 2 * scale)
        warnings.append(f"Shown numbers of persons below {near:,} are biased upwards: those that noise pushed down are hidden.")
    if quote.rounding > 1 and (quote.rounding**2 - 1) / 12 > scale**2:
        warnings.append(f"Rounding to {quote.rounding} is a larger error than the noise: a larger margin would cost less.")
    if quote.loss.pure:
        warnings.append(_pure(quote.loss))
    return warnings


def _of_plan(plan: Plan) -> list[str]:
    """What the bounds do, which no interval tells."""
    warnings, places = [], measured(plan).parts
    if choice.automatic(plan):
        warnings.append(
            "A bound is chosen from the records, under noise that the charge pays for: accuracy is told for the largest, and for"
            " each under `bound`."
        )
    alike = {places[one.alias] for one in plan.statistics}
    if len(alike) < len(plan.statistics):
        warnings.append("Some columns ask for the same number: they are drawn once and shown twice, for one charge.")
    if any(one.kind not in ("persons", "rows", "quantile") for one in plan.statistics):
        warnings.append("Values beyond the clamp bounds count as the nearer bound; the intervals are of the clamped values.")
    most = rows_per_person(plan.relation)
    of_rows = [one for one in plan.statistics if one.kind not in ("persons", "mean_of_persons")]
    if any(rows_that_count(plan, one) < most for one in of_rows):
        warnings.append(
            "Of one person with more rows in a group than max_rows, each row counts for less, as if they were max_rows in all;"
            " the intervals are of what is counted so."
        )
    if any(_cut(plan, one) for one in sets.drawn(plan)):
        warnings.append("Of one person in more groups than the policy's max_groups, that many are kept, whatever their values.")
    if any(measure.kind == "ranks" and measure.weight > 1 for measure in measured(plan).measures):
        warnings.append(f"In a quantile of many rows a person, a row weighs a multiple of 1/{WEIGHT:,}.")
    return warnings


def _cut(plan: Plan, one: sets.Set) -> bool:
    """Whether a person may be in more groups of a set than are kept."""
    return not one_group_a_person(plan, one) and policy_groups(plan.relation) <= groups_of_a_person(plan, one) < rows_per_person(
        plan.relation
    )


def _pure(loss: PrivacyLoss) -> str:
    rho = loss.concentrated().rho
    return (
        f"The dataset's ceiling counts this pure charge as rho {decimal_text(rho, UNIT)}:"
        f" alone it takes a dataset of about ({epsilon_for(rho, DELTA):.1f}, 1e-6)."
    )
