"""The public values among which a median or quantile is chosen: of the domain alone, never of the records.

Promises at most 1,024 of them, sorted, the first the domain's low end, each a value that the domain has, evenly far apart. A
row counts at the largest candidate that is at most its value.
"""

from __future__ import annotations

from functools import lru_cache

from tre.plan.nodes import Domain, first_day, period_of

MOST = 1_024


@lru_cache(maxsize=256)
def candidates(domain: Domain) -> tuple[int, ...]:
    """In grid steps, or days since 1970-01-01: every value of a small domain, else every n-th."""
    low, high = domain.ends
    if domain.kind == "date" and domain.period != "day":
        first, last = (period_of(domain.period, end) for end in (low, high))
        numbers = range(first, last + 1, spacing(domain))
        return tuple(max(low, first_day(domain.period, number)) for number in numbers)
    return tuple(range(low, high + 1, spacing(domain)))


def spacing(domain: Domain) -> int:
    """How far apart two candidates are: grid steps or days, or periods where the domain is one of months, quarters, years."""
    values = (domain.size or 0) - domain.nullable
    return -(-values // MOST) * domain.stride
