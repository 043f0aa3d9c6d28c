"""What one person adds to a group, as text: of rows (a person has one) or of the person's aggregates (n rows, their sum).

Integers only, wide enough by the domains' bounds. ``//`` cuts towards zero, as the weights min(n, k) / n must.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tre.plan.measures import Measure
from tre.plan.nodes import Expression
from tre.vault.compile.expressions import number, value
from tre.vault.compile.text import Scope, integer, largest, wide


def of_rows(measure: Measure, scope: Scope) -> str:
    """The sum over persons of which each has one row."""
    counted = "count(*)" if measure.value is None else f"count({value(measure.value, scope)})"
    if measure.kind in ("persons", "rows"):
        return counted
    assert measure.value is not None
    total = f"coalesce(sum({value(measure.value, scope)}), 0)"
    if measure.kind == "sum":
        return total
    if measure.kind == "centred":  # of 2x - c each: one addition a row, where the cast and the product would be three
        return f"(2 * {total} - {integer(sum(measure.value.domain.ends))} * {counted})"
    return f"coalesce(sum({_square(measure, scope)} // {measure.divisor}), 0)"


def _square(measure: Measure, scope: Scope) -> str:
    """2 (2x - c)^2 - w^2 of one row."""
    assert measure.value is not None
    low, high = measure.value.domain.ends
    kind = wide(4 * (high - low) ** 2)
    centred = f"(2 * {number(measure.value, scope)} - {integer(low + high)})"
    if kind != "BIGINT":
        centred = f"CAST({centred} AS {kind})"
    return f"(2 * {centred} * {centred} - {(high - low) ** 2})"


@dataclass(slots=True)
class Aggregates:
    """The aggregates of one person's rows in one group, each once, as columns a0, a1, …. ``rows``: the most rows of a person."""

    scope: Scope
    rows: int
    texts: list[str] = field(default_factory=list)

    def _place(self, text: str) -> str:
        if text not in self.texts:
            self.texts.append(text)
        return f"a{self.texts.index(text)}"

    def count(self, of: Expression | None) -> str:
        return self._place("count(*)" if of is None or not of.domain.nullable else f"count({value(of, self.scope)})")

    def sum(self, of: Expression) -> str:
        kind = wide(self.rows * largest(of))
        return self._place(f"CAST(sum({value(of, self.scope)}) AS {kind})")

    def squares(self, measure: Measure) -> str:
        assert measure.value is not None
        low, high = measure.value.domain.ends
        kind = wide(self.rows * (high - low) ** 2)
        return self._place(f"CAST(sum({_square(measure, self.scope)}) AS {kind})")


def of_person(measure: Measure, have: Aggregates) -> str:
    """What one person adds to one group."""
    n, k = have.count(measure.value), measure.k
    if measure.kind == "persons":
        return "1" if have.texts[int(n[1:])] == "count(*)" else f"least({n}, 1)"
    if measure.kind == "rows":
        return f"least({n}, {k})"
    assert measure.value is not None
    low, high = measure.value.domain.ends
    if measure.kind == "square":
        total, bound, divisor = have.squares(measure), have.rows * (high - low) ** 2, measure.divisor
    elif measure.kind == "sum":
        total, bound, divisor = have.sum(measure.value), have.rows * largest(measure.value), 1
    else:
        bound, divisor = 4 * have.rows * largest(measure.value), 1
        total = f"(2 * {_as(wide(bound), have.sum(measure.value))} - {integer(low + high)} * {n})"
    return f"coalesce({_weighed(total, n, k, bound, divisor, have.rows)}, 0)"


def _weighed(total: str, n: str, k: int, bound: int, divisor: int, rows: int) -> str:
    """trunc(total min(n, k) / (n divisor))."""
    whole = total if divisor == 1 else f"{total} // {divisor}"
    if rows <= k:
        return whole
    weighed = f"{_as(wide(bound * k), total)} * {k} // " + (n if divisor == 1 else f"({n} * {divisor})")
    return f"CASE WHEN {n} <= {k} THEN {whole} ELSE {weighed} END"


def _as(kind: str, text: str) -> str:
    return text if kind == "BIGINT" else f"CAST({text} AS {kind})"
