"""The columns of a statement: what each is, how it was made noisy, and in what bounds."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tre.plan.choice import automatic
from tre.plan.estimate import unit
from tre.plan.measures import Measure, measured
from tre.plan.nodes import Figure, Key, Statistic
from tre.plan.nodes.asked import AUTO
from tre.plan.order import Draw, Order
from tre.plan.rounding import stated_scale
from tre.plan.sets import groups
from tre.vault.cells import key_type
from tre.vault.cells import shown as written
from tre.vault.written import number

NAMES = {"persons": "count"}  # all others as the plan's
PARTS = {
    "rows": "rows",
    "persons": "rows",
    "centred": "distances from the middle",
    "square": "squared distances",
    "ranks": "rank",
}


def columns_of(order: Order) -> list[dict[str, Any]]:
    """In the order of the answer's columns."""
    plan = order.plan
    columns = {key.alias: _key_column(key) for key in plan.keys}
    columns |= {statistic.alias: _statistic_column(statistic, order) for statistic in plan.statistics}
    columns |= {figure.alias: _figure_column(figure) for figure in plan.figures}
    return [columns[name] for name in plan.output]


def number_type(statistic: Statistic) -> str:
    """How an answer names the type of a number."""
    if statistic.kind in ("persons", "rows"):
        return "integer"
    assert statistic.value is not None
    kind = statistic.value.domain.kind
    return kind if statistic.kind in ("sum", "quantile") else "decimal"


def _key_column(key: Key) -> dict[str, Any]:
    column = {"name": key.alias, "role": "key", "type": key_type(key.column.domain)}
    return column | {"discovered": True} if key.discovered else column


def _figure_column(figure: Figure) -> dict[str, Any]:
    return {"name": figure.alias, "role": "figure", "type": "decimal"}


def _statistic_column(statistic: Statistic, order: Order) -> dict[str, Any]:
    """A count of persons in one group each has no bounds to tell of."""
    plan = order.plan
    found = measured(plan)
    places = found.parts[statistic.alias]
    column: dict[str, Any] = {
        "name": statistic.alias,
        "role": "statistic",
        "statistic": NAMES.get(statistic.kind, statistic.kind),
        "type": number_type(statistic),
        "mechanism": order.draws[places[-1]].mechanism,
    }
    scales = [_scale(statistic, found.measures[place], order.draws[place], order) for place in places]
    if len(places) == 1:
        column["scale"] = scales[0]
    else:
        names = [PARTS[found.measures[place].kind] for place in places]
        mechanisms = [order.draws[place].mechanism for place in places]
        column["parts"] = [
            {"of": name, "mechanism": mechanism, "scale": scale}
            for name, mechanism, scale in zip(names, mechanisms, scales, strict=True)
        ]
    return column | _bounds(statistic, found.measures[places[-1]], order)


def _bounds(statistic: Statistic, measure: Measure, order: Order) -> dict[str, Any]:
    """Rows of one person that count in one group, groups of one person, clamp bounds."""
    bounds: dict[str, Any] = {}
    l0 = groups(order.plan)
    if statistic.kind != "persons":
        bounds["max_rows"] = measure.k
    if statistic.alias in {one.alias for one in automatic(order.restricted.plan)}:
        bounds["bound"] = AUTO
    if statistic.kind != "persons" or l0 > 1:
        bounds["max_groups"] = l0
    if statistic.value is not None and statistic.kind != "rows":
        domain = statistic.value.domain
        bounds["unit"] = "day" if domain.kind == "date" else unit(statistic)
        bounds["clamp"] = [_end(statistic, end) for end in domain.ends]
    if statistic.q is not None:
        bounds["q"] = statistic.q
    return bounds


def _end(statistic: Statistic, end: int) -> Any:
    assert statistic.value is not None
    domain = statistic.value.domain
    return written(domain, end) if domain.kind == "date" else number(end * Fraction(domain.grid), domain.kind)


def _scale(statistic: Statistic, measure: Measure, draw: Draw, order: Order) -> float:
    """In rows or persons, or in the unit of the value (squared, of squares); of ranks in rows. Rounding is in it where the number
    itself is rounded."""
    if measure.kind in ("persons", "rows"):
        alone = statistic.kind in ("persons", "rows")
        return round(stated_scale(draw.scale, order.disclosure.rounding) if alone else draw.scale, 6)
    assert measure.value is not None
    if measure.kind == "ranks":
        return _six(draw.scale / (Fraction(measure.q or 0).denominator * measure.weight))
    grid = float(measure.value.domain.grid)
    factor = {"sum": grid, "centred": grid / 2, "square": grid * grid * measure.divisor / 8}[measure.kind]
    return _six(draw.scale * factor)


def _six(scale: float) -> float:
    """Six digits."""
    return float(f"{scale:.6g}")
