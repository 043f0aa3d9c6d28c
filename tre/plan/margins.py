"""How wide a statistic's 95 % interval will be, told before any record is read.

Counts and sums have one half-width whatever the truth. A mean's depends on how many rows it is of, and on where in its range it
is: it is told at a number of rows, for the worst place (an end of the range) and the best (the middle). A variance's is told for
values spread evenly over the range. A quantile has no interval of its value: what is told is how many rows its rank may be off.

Half-widths are integers in units of `estimate.unit`; None where no interval is promised for so few rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from tre.plan.accuracy import MISS
from tre.plan.bound import score_unit
from tre.plan.candidates import candidates
from tre.plan.estimate import FINE, Spread
from tre.plan.intervals import Noise, Term, ratio
from tre.plan.measures import Measure
from tre.plan.nodes import Statistic

FIXED = ("persons", "rows", "sum")
MEANS = ("avg", "mean_of_persons")


def fixed(kind: str, noise: Noise, rounding: int) -> int:
    """Of a count or a sum."""
    return noise.half(1 if kind == "sum" else rounding)


def of_mean(statistic: Statistic, of_rows: Noise, of_centred: Noise, rows: int, at_end: bool) -> int | None:
    """Of a mean of so many rows, at an end of its range (the widest it can be) or in the middle (the narrowest)."""
    width = _width(statistic)
    ends = ratio([Term(1.0, rows * width if at_end else 0, of_centred)], Term(1.0, rows, of_rows), MISS)
    if ends is None:
        return None
    at = width if at_end else 0
    return math.ceil(FINE // 2 * max(at - ends[0], ends[1] - at) - 1e-6) + 1  # half a unit for each rounding on the way


def of_spread(statistic: Statistic, measure: Measure, noises: Sequence[Noise], rows: int) -> int | None:
    """Of a variance or standard deviation of so many rows whose values are spread evenly over the range: the mean square of 2x -
    (lo + hi) is then w^2 / 3, so that Q is -N w^2 / (3 d)."""
    assert statistic.value is not None
    low, high = statistic.value.domain.ends
    square = round(Fraction(-rows * (high - low) ** 2, 3 * measure.divisor))
    found = Spread(low, high, measure.divisor, *noises).estimate(statistic.kind, rows, 0, square)
    if found is None or found.low is None or found.high is None:
        return None
    return max(found.value - found.low, found.high - found.value)


def of_rank(measure: Measure, scale: float, grid: int | None = None) -> int:
    """By how many rows the rank of a quantile is off in at most 5 % of draws: of m candidates of which one has the score 0, the
    chosen one's is below -scale ln(m / 0.05) in at most 5 % (McSherry and Talwar 2007). Tie-aware: the distance from q N to the
    ranks that the chosen candidate has. ``grid``: m, where the candidates are not those of the measure's value."""
    assert measure.q is not None
    if grid is None:
        assert measure.value is not None
        grid = len(candidates(measure.value.domain))
    scores = scale * math.log(grid / MISS)
    return math.ceil(scores / score_unit(measure.q) / measure.weight)


def _width(statistic: Statistic) -> int:
    assert statistic.value is not None
    low, high = statistic.value.domain.ends
    return high - low
