"""What a worker may say of an answer: numbers that were rounded and hidden rows, and nothing else; and when it is believed.

Promises that what crosses the pipe is believed only if an answer to this order can look so: the order's sets, cells and
statistics; whole numbers, counts on the rounding grid with the intervals that the order's noise has, numbers of persons no lower
than the threshold; discovered keys that their domains can hold, in their order, no more than the policy's rows. Looks at nothing
exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tre.plan.candidates import candidates
from tre.plan.estimate import Estimate
from tre.plan.intervals import Noise
from tre.plan.measures import measured
from tre.plan.nodes import Scalar, Statistic
from tre.plan.order import Order
from tre.plan.rounding import rounded
from tre.plan.sets import added, parts
from tre.vault.written import holds, place

LARGEST = 2**120  # of any number of an answer; counts and sums stay below 2^63


class NotShown(Exception):
    """Numbers that no answer to this order can have."""


@dataclass(frozen=True, slots=True)
class Row:
    """One group that is shown. ``near``: its noisy number of persons is within two scales of the threshold. ``numbers``: of each
    statistic its estimate, None where it is not defined."""

    near: bool
    numbers: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One grouping set. ``keys``: None for the dense public cells, in their order. A row that is None is hidden."""

    keys: tuple[tuple[Scalar, ...], ...] | None
    rows: tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class Bounded:
    """The bound that was chosen, and how many persons have more rows in a group; None where that is below the threshold."""

    k: int
    clamped: Estimate | None


@dataclass(frozen=True, slots=True)
class Shown:
    """The grouping sets in the plan's order. ``complementary``: how many rows were hidden so that others cannot be worked out.
    ``bounded``: None where no bound was left open."""

    blocks: tuple[Block, ...]
    complementary: int = 0
    bounded: Bounded | None = None

    @property
    def hidden(self) -> int:
        return sum(row is None for block in self.blocks for row in block.rows)


def shown_to_json(shown: Shown) -> dict[str, Any]:
    """For the pipe to the gateway."""
    blocks = [_block_to_json(block) for block in shown.blocks]
    told: dict[str, Any] = {"blocks": blocks, "complementary": shown.complementary}
    if shown.bounded is None:
        return told
    clamped = shown.bounded.clamped
    return told | {"bounded": [shown.bounded.k, *([] if clamped is None else [clamped.value])]}


def _block_to_json(block: Block) -> dict[str, Any]:
    rows = [
        None if row is None else [row.near, *(one and [one.value, one.low, one.high] for one in row.numbers)]
        for row in block.rows
    ]
    return {"keys": None if block.keys is None else [list(key) for key in block.keys], "rows": rows}


def shown_from(reply: Any, order: Order) -> Shown:
    """What a worker said, if it is believed. `NotShown` otherwise."""
    names = {"blocks", "complementary"} | ({"bounded"} if order.choice is not None else set())
    if type(reply) is not dict or set(reply) != names:
        raise NotShown
    bounded = None if order.choice is None else _bounded_from(reply["bounded"], order)
    if bounded is not None:
        order = order.at(bounded.k)
    plan = order.plan
    blocks, complementary = reply["blocks"], reply["complementary"]
    if type(blocks) is not list or len(blocks) != len(plan.sets) or type(complementary) is not int:
        raise NotShown
    found = tuple(_block_from(block, one, order) for block, one in zip(blocks, plan.sets, strict=True))
    shown = Shown(found, complementary, bounded)
    if not 0 <= complementary <= (shown.hidden if added(plan) else 0):
        raise NotShown
    if plan.discovered and sum(len(block.rows) for block in shown.blocks) > order.disclosure.max_rows_out:
        raise NotShown
    return shown


def _bounded_from(reply: Any, order: Order) -> Bounded:
    """A bound of the grid; of the persons beyond it a rounded number no lower than the threshold, or nothing."""
    assert order.choice is not None
    if type(reply) is not list or len(reply) not in (1, 2) or any(type(one) is not int for one in reply):
        raise NotShown
    if reply[0] not in (offer.k for offer in order.choice.offers):
        raise NotShown
    if len(reply) == 1:
        return Bounded(reply[0], None)
    base = order.disclosure.rounding
    if reply[1] % base or not rounded(order.disclosure.threshold, base) <= reply[1] < 2**63:
        raise NotShown
    return Bounded(reply[0], clamped(reply[1], order))


def clamped(noisy: int, order: Order) -> Estimate:
    """The number of persons beyond the chosen bound, rounded, with its interval."""
    assert order.choice is not None
    draw, base = order.choice.clamped, order.disclosure.rounding
    value, half = rounded(noisy, base), Noise(draw.mechanism, draw.scale).half(base)
    return Estimate(value, value - half, value + half)


def _block_from(block: Any, one: tuple[int, ...], order: Order) -> Block:
    plan = order.plan
    if type(block) is not dict or set(block) != {"keys", "rows"} or type(block["rows"]) is not list:
        raise NotShown
    keys = _keys_from(block["keys"], one, order)
    if len(block["rows"]) != (plan.cells_of(one) if keys is None else len(keys)):
        raise NotShown
    believed = _Believed(order, one)
    return Block(keys, tuple(None if row is None else believed.row(row) for row in block["rows"]))


def _keys_from(keys: Any, one: tuple[int, ...], order: Order) -> tuple[tuple[Scalar, ...], ...] | None:
    plan = order.plan
    if not plan.discovered:
        if keys is not None:
            raise NotShown
        return None
    domains = [plan.keys[at].column.domain for at in one]
    if type(keys) is not list or not all(type(key) is list and len(key) == len(domains) for key in keys):
        raise NotShown
    if not all(holds(domain, literal) for key in keys for domain, literal in zip(domains, key, strict=True)):
        raise NotShown
    places = [place(domains, key) for key in keys]
    if any(not before < after for before, after in pairwise(places)):
        raise NotShown
    return tuple(tuple(key) for key in keys)


class _Believed:
    """Rows of one grouping set, as the order's noise can make them."""

    def __init__(self, order: Order, one: tuple[int, ...]) -> None:
        plan, rules = order.plan, order.disclosure
        self._plan, self._rules = plan, rules
        self._persons = [measured(plan).parts[one.alias] == (0,) for one in plan.statistics]
        self._grids = [_grid(statistic, order, one) for statistic in plan.statistics]
        self._limit = near_limit(order, one)

    def row(self, row: Any) -> Row:
        statistics = self._plan.statistics
        if type(row) is not list or len(row) != 1 + len(statistics) or type(row[0]) is not bool:
            raise NotShown
        numbers = tuple(self._number(one, at, row[0]) for at, one in enumerate(row[1:]))
        return Row(row[0], numbers)

    def _number(self, one: Any, at: int, near: bool) -> Estimate | None:
        statistic = self._plan.statistics[at]
        if one is None:
            if statistic.kind in ("persons", "rows", "sum"):
                raise NotShown
            return None
        if type(one) is not list or len(one) != 3 or not all(type(n) is int or n is None for n in one) or one[0] is None:
            raise NotShown
        try:
            found = Estimate(*one)
        except ValueError:
            raise NotShown from None
        grid = self._grids[at]
        if not (_of_many(found, statistic) if grid is None else _of_one_number(found, *grid)):
            raise NotShown
        if self._persons[at] and not self._as_persons(found.value, near):
            raise NotShown
        return found

    def _as_persons(self, value: int, near: bool) -> bool:
        """No lower than the threshold, and on the side of the limit that was said."""
        base = self._rules.rounding
        if value < rounded(self._rules.threshold, base):
            return False
        return value <= rounded(self._limit - 1, base) if near else value >= rounded(self._limit, base)


def _grid(statistic: Statistic, order: Order, one: tuple[int, ...]) -> tuple[int, int] | None:
    """Of a number that stands for itself, the base that it is rounded to and the half-width of its interval."""
    if statistic.kind not in ("persons", "rows", "sum"):
        return None
    (place,) = measured(order.plan).parts[statistic.alias]
    draw, base = order.draws[place], 1 if statistic.kind == "sum" else order.disclosure.rounding
    return base, Noise(draw.mechanism, draw.scale, parts(order.plan, one)).half(base)


def _of_one_number(found: Estimate, base: int, half: int) -> bool:
    """What is rounded is rounded already, and says its interval."""
    value = found.value
    return abs(value) < 2**63 and value % base == 0 and (found.low, found.high) == (value - half, value + half)


def near_limit(order: Order, one: tuple[int, ...]) -> int:
    """From this noisy number of persons on a row is two scales or more above the threshold."""
    spread = order.draws[0].scale * parts(order.plan, one) ** 0.5
    return order.disclosure.threshold + int(-(-2 * spread // 1))


def _of_many(found: Estimate, statistic: Statistic) -> bool:
    """A ratio or a quantile: in its range, its interval around it."""
    assert statistic.value is not None
    low, high = statistic.value.domain.ends
    if statistic.kind == "quantile":
        return found.value in candidates(statistic.value.domain) and found.low is None
    ends = (found.value, found.value) if found.low is None or found.high is None else (found.low, found.high)
    if not -LARGEST < ends[0] <= found.value <= ends[1] < LARGEST:
        return False
    return (
        (100 * low <= ends[0] and ends[1] <= 100 * high) if "mean" in statistic.kind or statistic.kind == "avg" else ends[0] >= 0
    )
