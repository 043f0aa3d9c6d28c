"""The second opinion is itself checked where a mistake would be easy: completed months against the engine's own function."""

from __future__ import annotations

import random
from datetime import date

import duckdb

from tests.properties import slow
from tre.plan import nodes as n

DATES = n.Domain("date", False, low=n.days("2000-01-01"), high=n.days("2030-12-31"))


def test_completed_months_and_years_are_the_engines() -> None:
    dice = random.Random(4)
    pairs = [(dice.randint(*DATES.ends), dice.randint(*DATES.ends)) for _ in range(3_000)]
    ends = [n.days(f"{year}-{month:02}-{slow._days_in(date(year, month, 1))}") for year in (2023, 2024) for month in range(1, 13)]
    pairs += [(one, other) for one in ends for other in ends]
    pairs += [(one + dice.randint(-3, 3), other + dice.randint(-3, 3)) for one in ends for other in ends]
    with duckdb.connect() as connection:
        told = connection.execute(
            "SELECT date_sub('month', a, b), date_sub('year', a, b), date_sub('day', a, b) FROM (SELECT DATE '1970-01-01' +"
            " unnest($1::INTEGER[]) AS a, DATE '1970-01-01' + unnest($2::INTEGER[]) AS b)",
            [[one for one, _ in pairs], [other for _, other in pairs]],
        ).fetchall()
    a, b = n.Column("t", "a", DATES), n.Column("t", "b", DATES)
    for (one, other), seen in zip(pairs, told, strict=True):
        row = {("t", "a"): one, ("t", "b"): other}
        spans = [n.elapsed(unit, a, b) for unit in ("month", "year", "day")]
        assert tuple(slow.value(span, row) for span in spans) == seen, (slow.day(one), slow.day(other))
        assert all(span.domain.ends[0] <= at <= span.domain.ends[1] for span, at in zip(spans, seen, strict=True))
