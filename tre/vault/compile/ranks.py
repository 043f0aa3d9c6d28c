"""The weights of a quantile: of each group, how much of its persons' rows stand at each public candidate.

A row weighs trunc(W min(n, k) / n) of W parts, n the person's rows of the group that have a value; where a person has one row, it
weighs 1. A row counts at the largest candidate that is at most its value. The pairs of person and group that are kept are those
that the sums keep.
"""

from __future__ import annotations

from tre.plan.candidates import candidates, spacing
from tre.plan.measures import Measure
from tre.plan.nodes import Domain, Expression, period_of, rows_per_person
from tre.vault.compile.expressions import number, value
from tre.vault.compile.relations import reads, rows, scope_of
from tre.vault.compile.text import Gathered, Scope, day, integer
from tre.vault.compile.top import Asked, keys_as, rank_of


def weights(it: Asked, measure: Measure, gathered: Gathered) -> str:
    """SELECT keys k0 …, the candidate's place b, the weight there m0, the largest weight of one person in one group x0."""
    assert measure.value is not None
    core = rows(it.relation, reads(*it.keys, measure.value), gathered)
    keys = keys_as(it.keys, core, gathered)
    place = _place(measure.value, scope_of(core, gathered))
    names = [f"k{place}" for place in range(len(it.keys))]
    if rows_per_person(it.relation) == 1:
        each = f"SELECT {', '.join([*keys, f'{place} AS b', 'count(*) AS m0'])} FROM {core.after_from}"
        by = ", ".join(str(place) for place in range(1, len(keys) + 2))
        return f"SELECT {', '.join([*names, 'b', 'm0', '1 AS x0'])} FROM ({each} GROUP BY {by}) WHERE (b IS NOT NULL)"
    by = ", ".join(str(place) for place in range(1, len(keys) + 3))
    listed = [f"{core.person} AS person", *keys, f"{place} AS b", "count(*) AS n", *rank_of(core, it.l0)]
    at_places = f"(SELECT {', '.join(listed)} FROM {core.after_from} GROUP BY {by})"
    pair = f"(PARTITION BY {', '.join(['person', *names])})"
    first = f", bit_xor(r) OVER {pair} AS q" if it.l0 is not None else ""
    of_pairs = f"(SELECT *, sum(CASE WHEN b IS NULL THEN 0 ELSE n END) OVER {pair} AS t{first} FROM {at_places})"
    kept = of_pairs if it.l0 is None else _bounded(of_pairs, names, it.l0)
    parts = measure.weight
    weight = f"{parts} * least(t, {measure.k}) // t"
    total = ", ".join([*names, "b", f"sum(n * ({weight})) AS m0", f"max(t * ({weight})) AS x0"])
    grouped = ", ".join([*names, "b"])
    return f"SELECT {total} FROM {kept} WHERE (b IS NOT NULL) GROUP BY {grouped}"


def _bounded(pairs: str, names: list[str], l0: int) -> str:
    order = ", ".join(f"{name} NULLS LAST" for name in ["q", *names])
    numbered = f"(SELECT *, dense_rank() OVER (PARTITION BY person ORDER BY {order}) AS g FROM {pairs})"
    return f"(SELECT * FROM {numbered} WHERE (g <= {l0}))"


def _place(of: Expression, scope: Scope) -> str:
    """The place of the largest candidate that is at most a value: candidates are evenly far apart, in steps or in periods."""
    domain = of.domain
    if domain.kind == "date" and domain.period != "day":
        first = period_of(domain.period, domain.ends[0]) + {"month": 12, "quarter": 4, "year": 1}[domain.period] * 1970
        return f"(({_period(domain.period, value(of, scope))} - {first}) // {spacing(domain)})"
    low = candidates(domain)[0]
    if domain.kind == "date":
        return f"(({value(of, scope)} - {day(low)}) // {spacing(domain)})"
    return f"(({number(of, scope)} - {integer(low)}) // {spacing(domain)})"


def _period(period: str, date: str) -> str:
    """The number of a date's month, quarter or year, counted from the year 0."""
    return {
        "month": f"(12 * year({date}) + month({date}) - 1)",
        "quarter": f"(4 * year({date}) + quarter({date}) - 1)",
        "year": f"year({date})",
    }[period]


def places(domain: Domain) -> int:
    """How many candidates there are."""
    return len(candidates(domain))
