"""What is shown becomes a release, on the gateway's side of the pipe: the only maker of a `Release`.

Promises that every byte of a statement follows from the order and from shown numbers; that HAVING, ORDER BY, LIMIT and derived
figures look at what is shown and at nothing else. A row of a grouping set says of which keys it is (``set``) where there is more
than one set: a total's key is null like a NULL's. Imports no engine and no noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tre.plan.estimate import Estimate, unit
from tre.plan.figures import Derived, figures
from tre.plan.figures import shown as numbers_shown
from tre.plan.nodes import Plan, Scalar, Sort, Statistic
from tre.plan.order import Order
from tre.plan.sets import parts
from tre.terms import Release, canonical
from tre.vault.cells import shown as written
from tre.vault.columns import columns_of, number_type
from tre.vault.having import holds
from tre.vault.record import Given, record_of
from tre.vault.shown import Shown
from tre.vault.written import day, keys_of_cells, number


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an answer before it is written. ``keys``: by alias, the keys of its set. ``values``: of statistics and figures,
    exact, in their own units; None where hidden or not defined. ``ends``: by column, all that a row says of a number."""

    one: tuple[int, ...]
    keys: dict[str, Scalar]
    values: dict[str, Fraction | None]
    ends: dict[str, Any]
    near: bool
    hidden: bool


def release(shown: Shown, order: Order) -> Release:
    """The statement, as the contract has it."""
    if shown.bounded is not None:
        order = order.at(shown.bounded.k)
    plan = order.plan
    lines = list(_lines(shown, order))
    passed = [line for line in lines if plan.having is None or (not line.hidden and holds(plan.having, line.values) is True)]
    given = _in_order(passed, plan)[: plan.limit]
    hidden = sum(line.hidden for line in given)
    statement = {
        "dataset": order.snapshot.dataset,
        "snapshot": order.snapshot.id,
        "opt_outs_as_of": order.exclusion.as_of,
        "plan": order.restricted.digest,
        "columns": columns_of(order),
        "rows": [_row(line, plan) for line in given],
        "disclosure": record_of(order, _given(shown, lines, given)),
    }
    return Release(canonical(statement), hidden)


def _given(shown: Shown, lines: Sequence[Line], given: Sequence[Line]) -> Given:
    return Given(
        groups=len(lines),
        hidden=shown.hidden,
        rows=len(given),
        suppressed=sum(line.hidden for line in given),
        near=tuple(at for at, line in enumerate(given) if line.near),
        complementary=shown.complementary,
        bounded=shown.bounded,
    )


def _lines(shown: Shown, order: Order) -> Iterator[Line]:
    """The rows of all sets, each set's in the order of its keys; hidden ones too."""
    plan = order.plan
    looked_at = plan.having is not None or bool(plan.order)
    exact, written = numbers_shown(plan), _ends(plan)
    for block, one in zip(shown.blocks, plan.sets, strict=True):
        keys = [plan.keys[at] for at in one]
        derive = figures(plan, order.draws, order.disclosure.rounding, parts(plan, one))
        labels, aliases = keys_of_cells(keys) if block.keys is None else iter(block.keys), [key.alias for key in keys]
        for label, row in zip(labels, block.rows, strict=True):
            found = (None,) * len(plan.statistics) if row is None else row.numbers
            derived = derive(found)
            values = exact(found) if looked_at else {}
            values |= {
                figure.alias: None if each is None else each.value for figure, each in zip(plan.figures, derived, strict=True)
            }
            named = dict(zip(aliases, label, strict=True))
            yield Line(one, named, values, written((*found, *derived)), row is not None and row.near, row is None)


def _ends(plan: Plan) -> Callable[[Sequence[Estimate | Derived | None]], dict[str, Any]]:
    """From the statistics and figures of a row to each number that is put out with its interval, as they are written."""
    writers = [(statistic.alias, _writer(statistic)) for statistic in plan.statistics]
    writers += [(figure.alias, _figure) for figure in plan.figures]
    columns = [(alias in plan.output, (alias, f"{alias}_low", f"{alias}_high"), write) for alias, write in writers]

    def ends(row: Sequence[Estimate | Derived | None]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for (wanted, names, write), found in zip(columns, row, strict=True):
            if wanted:
                numbers = (None, None, None) if found is None else (found.value, found.low, found.high)
                told |= {name: None if number is None else write(number) for name, number in zip(names, numbers, strict=True)}
        return told

    return ends


def _in_order(lines: list[Line], plan: Plan) -> list[Line]:
    """By ORDER BY, ties by the keys; what is not there after what is, hidden rows last of all. As they come where none was asked:
    a hidden row stands where its keys do."""
    if not plan.order:
        return lines
    for sort in reversed(plan.order):
        lines = _sorted(lines, sort, plan)
    return [*(line for line in lines if not line.hidden), *(line for line in lines if line.hidden)]


def _sorted(lines: list[Line], sort: Sort, plan: Plan) -> list[Line]:
    """Stable: earlier orders hold among equals."""
    domains = {key.alias: key.column.domain for key in plan.keys}

    def value(line: Line) -> Any:
        return line.keys.get(sort.alias) if sort.alias in domains else line.values[sort.alias]

    there = sorted((line for line in lines if value(line) is not None), key=value, reverse=sort.descending)
    return [*there, *(line for line in lines if value(line) is None)]


def _row(line: Line, plan: Plan) -> dict[str, Any]:
    row: dict[str, Any] = {key.alias: written(key.column.domain, line.keys.get(key.alias)) for key in plan.keys} | line.ends
    if len(plan.sets) > 1:
        row["set"] = [plan.keys[at].alias for at in line.one]
    row["suppressed"] = line.hidden
    return row


def _writer(statistic: Statistic) -> Callable[[Any], Any]:
    """How a number of a statistic is written: a fraction of two whole numbers is the double nearest to it."""
    kind, one = number_type(statistic), Fraction(unit(statistic))
    if kind == "date":
        return day
    if kind == "integer":
        return lambda found: number(found * one, kind) if one != 1 else found
    return lambda found: found * one.numerator / one.denominator


def _figure(found: Fraction) -> float:
    """Twelve digits: no more than what is shown can carry."""
    return float(f"{float(found):.12g}")
