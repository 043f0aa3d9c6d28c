"""A noisy table becomes what may be shown, and that becomes a release: the only maker of a `Release`.

Promises, in this order: a row whose noisy number of persons is below the threshold is hidden whole; what stays is rounded; each
number carries its 95 % noise interval; the disclosure record names every rule that was applied and every one that was met another
way. Looks at noisy numbers only.

`suppress` runs in the worker, `release` on the gateway's side of the pipe: a worker can say numbers and "hidden", and every other
byte of a statement follows from the order. Imports no engine and no noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tre.plan.nodes import Key
from tre.plan.order import Draw, Order
from tre.plan.rounding import rounded, stated_scale
from tre.terms import Release, canonical
from tre.vault.cells import key_type, labels
from tre.vault.noisy import NoisyTable


class NotShown(Exception):
    """Numbers that no answer to this order can have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """``rows``: for every cell a rounded number a statistic, or None where the whole row is hidden."""

    rows: tuple[tuple[int, ...] | None, ...]


def suppress(noisy: NoisyTable, order: Order) -> Shown:
    """Hides, then rounds. Where an answer has several noisy numbers of the same persons, the smallest decides."""
    rules = order.disclosure
    rows = zip(*noisy.counts, strict=True)
    return Shown(tuple(None if min(row) < rules.threshold else tuple(rounded(n, rules.rounding) for n in row) for row in rows))


def shown_from(reply: Any, order: Order) -> Shown:
    """What a worker said, believed only if an answer to this order can look so. `NotShown` otherwise."""
    plan, rules = order.restricted.plan, order.disclosure
    if type(reply) is not list or len(reply) != plan.cells:
        raise NotShown
    least, most = rounded(rules.threshold, rules.rounding), 2**63
    for row in reply:
        if row is None:
            continue
        if type(row) is not list or len(row) != len(plan.statistics):
            raise NotShown
        if not all(type(n) is int and least <= n <= most and rounded(n, rules.rounding) == n for n in row):
            raise NotShown
    return Shown(tuple(row if row is None else tuple(row) for row in reply))


def release(shown: Shown, order: Order) -> Release:
    """The statement, as the contract has it."""
    plan = order.restricted.plan
    rows = [_row(label, numbers, order) for label, numbers in zip(labels(plan.keys), shown.rows, strict=True)]
    hidden = sum(numbers is None for numbers in shown.rows)
    statement = {
        "dataset": order.snapshot.dataset,
        "snapshot": order.snapshot.id,
        "opt_outs_as_of": order.exclusion.as_of,
        "plan": order.restricted.digest,
        "columns": _columns(order),
        "rows": rows,
        "disclosure": _disclosure(order, shown, hidden),
    }
    return Release(canonical(statement), hidden)


def _row(label: Sequence[str | int | None], numbers: tuple[int, ...] | None, order: Order) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip((key.alias for key in order.restricted.plan.keys), label, strict=True))
    for place, draw in enumerate(order.draws):
        number = None if numbers is None else numbers[place]
        row[draw.alias] = number
        row[f"{draw.alias}_low"] = None if number is None else number - draw.half_width
        row[f"{draw.alias}_high"] = None if number is None else number + draw.half_width
    return row | {"suppressed": numbers is None}


def _columns(order: Order) -> list[dict[str, Any]]:
    plan = order.restricted.plan
    columns = {key.alias: _key_column(key) for key in plan.keys}
    columns |= {draw.alias: _statistic_column(draw, order.disclosure.rounding) for draw in order.draws}
    return [columns[name] for name in plan.output]


def _key_column(key: Key) -> dict[str, Any]:
    return {"name": key.alias, "role": "key", "type": key_type(key.column.domain)}


def _statistic_column(draw: Draw, rounding: int) -> dict[str, Any]:
    return {
        "name": draw.alias,
        "role": "statistic",
        "statistic": "count",
        "type": "integer",
        "mechanism": draw.mechanism,
        "scale": round(stated_scale(draw.scale, rounding), 6),
    }


def _disclosure(order: Order, shown: Shown, hidden: int) -> dict[str, Any]:
    rules = order.disclosure
    return {
        "threshold": rules.threshold,
        "rounding": rules.rounding,
        "suppressed": hidden,
        "near_threshold": _near_threshold(order, shown),
        "rules": _rules(order),
        "policy": rules.policy,
        "sandbox": rules.sandbox,
    }


def _near_threshold(order: Order, shown: Shown) -> list[int]:
    """The rows (counted from 0) shown within two scales of the threshold: that they are shown at all makes them look larger."""
    limits = [order.disclosure.threshold + 2 * draw.scale for draw in order.draws]
    return [
        place
        for place, numbers in enumerate(shown.rows)
        if numbers is not None and any(n < limit for n, limit in zip(numbers, limits, strict=True))
    ]


def _rules(order: Order) -> list[dict[str, str]]:
    """Every rule, by name: what was done, or why it is met without being done."""
    rules, regimes = order.disclosure, ", ".join(order.restricted.regimes) or "none"
    mechanisms = " and ".join(sorted({draw.mechanism for draw in order.draws}))
    return [
        {"rule": "opt-outs", "applied": "yes", "how": f"people who objected are left out before counting; regimes: {regimes}"},
        {"rule": "noise", "applied": "yes", "how": f"{mechanisms} noise on every cell, empty cells too"},
        {"rule": "all groups", "applied": "yes", "how": "the groups are the policy's list, whether or not anybody is in them"},
        {
            "rule": "threshold",
            "applied": "yes",
            "how": f"a row whose noisy number of persons is below {rules.threshold} is hidden whole",
        },
        {
            "rule": "rounding",
            "applied": "yes" if rules.rounding > 1 else "no",
            "how": f"to multiples of {rules.rounding} after the noise, half-way up; the scale and the interval include it",
        },
        {
            "rule": "complementary suppression",
            "applied": "no",
            "how": "no total is given that shown cells could be taken from",
        },
        {"rule": "dominance", "applied": "no", "how": "met by the bound: one person adds at most 1 to a count, and by the noise"},
        {"rule": "class disclosure", "applied": "no", "how": "met by the noise: no cell is known to be empty or full"},
    ]
