"""The disclosure record of a release: every small-number and noise rule by name, what was done or why it is met without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tre.loss import DELTA_UNIT, decimal_text
from tre.plan.choice import QUANTILE, automatic
from tre.plan.measures import measured
from tre.plan.order import Order
from tre.plan.rounding import stated_scale
from tre.plan.sets import added, groups
from tre.vault.shown import Bounded


@dataclass(frozen=True, slots=True)
class Given:
    """What was given of an answer: ``groups`` and ``hidden`` before HAVING and LIMIT, ``rows`` and ``suppressed`` after them;
    ``near``: the places of the rows given that are near the threshold."""

    groups: int
    hidden: int
    rows: int
    suppressed: int
    near: tuple[int, ...]
    complementary: int
    bounded: Bounded | None = None


def record_of(order: Order, given: Given) -> dict[str, Any]:
    """As JSON. ``near_threshold``: the rows (counted from 0) whose noisy number of persons is within two scales of the threshold:
    that they are shown at all makes them look larger."""
    rules = order.disclosure
    record: dict[str, Any] = {
        "threshold": rules.threshold,
        "rounding": rules.rounding,
        "suppressed": given.suppressed,
        "near_threshold": list(given.near),
        "rules": _rules(order, given),
        "warnings": _warnings(order, given),
        "policy": rules.policy,
        "sandbox": rules.sandbox,
    } | _exempt(order)
    return record if given.bounded is None else record | {"bound": _chosen(order, given.bounded)}


def _exempt(order: Order) -> dict[str, Any]:
    exemptions = order.restricted.exemptions
    return {"exemptions": list(exemptions)} if exemptions else {}


def _chosen(order: Order, bounded: Bounded) -> dict[str, Any]:
    """The bound that was chosen, of which columns, and how many persons have more rows in a group than it: null where that is
    below the threshold."""
    assert order.choice is not None
    draw, clamped = order.choice.clamped, bounded.clamped
    return {
        "max_rows": bounded.k,
        "of": [one.alias for one in automatic(order.restricted.plan)],
        "among": [offer.k for offer in order.choice.offers],
        "persons_clamped": None if clamped is None else clamped.value,
        "persons_clamped_low": None if clamped is None else clamped.low,
        "persons_clamped_high": None if clamped is None else clamped.high,
        "suppressed": clamped is None,
        "mechanism": draw.mechanism,
        "scale": round(stated_scale(draw.scale, order.disclosure.rounding), 6),
    }


def _rule(name: str, applied: bool, how: str) -> dict[str, str]:
    return {"rule": name, "applied": "yes" if applied else "no", "how": how}


def _rules(order: Order, given: Given) -> list[dict[str, str]]:
    rules, regimes = order.disclosure, ", ".join(order.restricted.regimes) or "none"
    mechanisms = " and ".join(sorted({draw.mechanism for draw in order.draws}))
    where = "every group that exists" if order.selection else "every cell, empty cells too"
    return [
        _rule("opt-outs", True, f"people who objected are left out before counting; regimes: {regimes}{_lifted(order)}"),
        _rule("contribution bound", True, _bound(order)),
        *_choice(order, given),
        _clamping(order),
        _rule("noise", True, f"{mechanisms} noise on {where}"),
        _groups(order),
        *_discovered(order),
        _rule("threshold", True, f"a row whose noisy number of persons is below {rules.threshold} is hidden whole"),
        _rule(
            "rounding",
            rules.rounding > 1,
            f"counts to multiples of {rules.rounding} after the noise, half-way up; the scale and the interval include it",
        ),
        _complementary(order, given),
        *_asked(order, given),
        _rule("dominance", False, "met by the bound on what one person adds, and by the noise"),
        _rule("class disclosure", False, "met by the noise: no cell is known to be empty or full"),
    ]


def _lifted(order: Order) -> str:
    """Under which exemptions the other regimes do not apply; the register says whose and until when."""
    named = ", ".join(order.restricted.exemptions)
    return f"; the others are lifted by the exemption {named}" if named else ""


def _bound(order: Order) -> str:
    plan = order.plan
    rows = max(measure.k for measure in measured(plan).measures)
    return (
        f"one person counts in at most {_many(groups(plan), 'group')}, there with at most {_many(rows, 'row')};"
        " of more rows each weighs less, of more groups some are left out"
    )


def _choice(order: Order, given: Given) -> list[dict[str, str]]:
    if order.choice is None or given.bounded is None:
        return []
    grid, clamped = ", ".join(str(offer.k) for offer in order.choice.offers), given.bounded.clamped
    beyond = f"fewer than {order.disclosure.threshold}" if clamped is None else f"about {clamped.value:,}"
    how = (
        f"of the bounds {grid} one was chosen by a noisy maximum, near the {QUANTILE} quantile over persons of the most rows in"
        f" one group: {given.bounded.k:,}; {beyond} persons, a noisy number, have more"
    )
    return [_rule("choice of the bound", True, how)]


def _many(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def _clamped(order: Order) -> list[str]:
    """The statistics whose values are forced into bounds."""
    return [one.alias for one in order.plan.statistics if one.value is not None and one.kind != "rows"]


def _clamping(order: Order) -> dict[str, str]:
    names = _clamped(order)
    how = f"values beyond the clamp bounds count as the bound: {', '.join(names)}" if names else "no values are added up"
    return _rule("clamping", bool(names), how)


def _groups(order: Order) -> dict[str, str]:
    if order.selection:
        return _rule("all groups", False, "the groups are found in the records, under the rule for discovered keys")
    return _rule("all groups", True, "the groups are the policy's list, whether or not anybody is in them")


def _discovered(order: Order) -> list[dict[str, str]]:
    selection = order.selection
    if selection is None:
        return []
    most, delta = order.disclosure.max_rows_out, decimal_text(selection.delta, DELTA_UNIT)
    how = (
        f"a group is given only if its noisy number of persons is {selection.threshold} or more; that one of the"
        f" {_many(selection.groups, 'group')} of one person alone is given has a chance of at most {delta};"
        f" of more than {most:,} rows those of the most people are given"
    )
    return [_rule("discovered keys", True, how)]


def _complementary(order: Order, given: Given) -> dict[str, str]:
    plan = order.plan
    if not added(plan):
        how = "no total is given that shown cells could be taken from"
        if len(plan.sets) > 1:
            how = "met by the noise: every total has noise of its own"
        return _rule("complementary suppression", False, how)
    how = (
        "totals are sums of the answer's noisy cells, hidden ones too: a total of m cells has noise of sqrt(m) times the scale;"
        f" {_many(given.complementary, 'row')} more hidden, so that no hidden row is known from shown ones to within less than"
        f" {order.disclosure.threshold}"
    )
    return _rule("complementary suppression", True, how)


def _asked(order: Order, given: Given) -> list[dict[str, str]]:
    """What the question itself left out, of what is shown."""
    plan = order.plan
    if plan.having is None and plan.limit is None:
        return []
    left = given.groups - given.rows
    return [
        _rule(
            "conditions on the answer",
            True,
            f"HAVING, ORDER BY and LIMIT looked at what is shown: {_many(left, 'row')} left out,"
            f" of which {given.hidden - given.suppressed:,} hidden",
        )
    ]


def _warnings(order: Order, given: Given) -> list[str]:
    found = []
    if names := _clamped(order):
        found.append(
            f"Values beyond the clamp bounds count as the bound, and of persons with more rows than the bound each row weighs"
            f" less: {', '.join(names)} may be off by more than the interval says, which is about the noise alone."
        )
    if given.near:
        found.append("Rows within two scales of the threshold look larger than they are: smaller ones were hidden.")
    return found
