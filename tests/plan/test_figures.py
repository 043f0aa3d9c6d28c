"""Derived figures: values of what is shown, intervals that cover, none where nothing can be promised."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from tests.plan.laws import draws as drawn
from tests.plan.made import AGE, COST, KIND, PATIENTS, PRESSURE, SEX, VISITS, WEIGHT, asking, number
from tre.plan.accuracy import half_width
from tre.plan.estimate import Estimate, estimator
from tre.plan.figures import Derived, figures, shown, value_of
from tre.plan.measures import measured
from tre.plan.nodes import Combined, Literal, Number, OfStatistic, Plan
from tre.plan.order import GAUSSIAN, LAPLACE, NOISY_MAX, Draw

HUNDRED = Literal("100.0")


def over(left: Number, right: Number) -> Combined:
    return Combined("/", left, right)


PERCENTAGE = Combined("*", HUNDRED, over(OfStatistic("a"), OfStatistic("b")))


def of_counts(figure: Number = PERCENTAGE) -> Plan:
    statistics = (number("persons", alias="b"), number("rows", WEIGHT, "a"), number("sum", AGE, "s"))
    return asking(PATIENTS, *statistics, keys=(SEX,), figures={"f": figure})


def draws_of(plan: Plan, mechanism: str = GAUSSIAN, scale: float = 4.67) -> tuple[Draw, ...]:
    return tuple(
        Draw(NOISY_MAX if m.kind == "ranks" else mechanism, scale * max(1, m.cell // m.k if m.kind != "square" else m.cell), 1, 1)
        for m in measured(plan).measures
    )


def derived(plan: Plan, numbers: tuple[int, ...], mechanism: str = GAUSSIAN, scale: float = 4.67) -> Derived | None:
    draws = draws_of(plan, mechanism, scale)
    (found,) = figures(plan, draws, 5)(estimator(plan, draws, 5)(numbers))
    return found


def test_a_value_is_of_what_is_shown() -> None:
    found = derived(of_counts(), (198, 51, 4_000))
    assert found is not None and found.value == Fraction(100 * 50, 200)  # both rounded to 5
    assert found.low is not None and found.high is not None and found.low < 25 < found.high


def test_hidden_parts_and_zeros_are_null() -> None:
    values = {"a": Fraction(3), "b": None, "c": Fraction(0)}
    a, b, c = OfStatistic("a"), OfStatistic("b"), OfStatistic("c")
    assert value_of(over(a, b), values) is value_of(over(a, c), values) is value_of(Combined("+", over(a, c), a), values) is None
    assert value_of(Combined("-", Combined("*", a, a), Literal("1.5")), values) == Fraction(15, 2)
    plan = of_counts()
    assert figures(plan, draws_of(plan), 5)((None, Estimate(5, 0, 9), Estimate(5, 0, 9))) == (None,)


def test_a_denominator_is_above_five_scales() -> None:
    for persons, sure in ((20, False), (25, False), (30, True)):
        found = derived(of_counts(), (persons, 5, 100), scale=5.0)
        assert found is not None and (found.low is not None) == sure
    unsure = over(OfStatistic("a"), Combined("-", OfStatistic("b"), OfStatistic("a")))
    found = derived(of_counts(unsure), (300, 260, 0), scale=5.0)
    assert found is not None and found.value == Fraction(260, 40) and found.low is None
    found = derived(of_counts(unsure), (300, 200, 0), scale=5.0)
    assert found is not None and found.low is not None


def test_one_part_has_its_own_interval() -> None:
    plan = of_counts(Combined("*", OfStatistic("b"), Literal("2")))
    found = derived(plan, (200, 0, 0))
    assert found is not None and found.low == 2 * (200 - half_width(GAUSSIAN, 4.67, 5))
    turned = derived(of_counts(Combined("-", Literal("0"), OfStatistic("b"))), (200, 0, 0))
    assert turned is not None and turned.high == -(200 - half_width(GAUSSIAN, 4.67, 5))


@pytest.mark.parametrize("mechanism", [GAUSSIAN, LAPLACE])
@pytest.mark.parametrize(
    "figure",
    [
        PERCENTAGE,
        over(OfStatistic("s"), OfStatistic("b")),
        over(OfStatistic("a"), Combined("+", OfStatistic("a"), OfStatistic("b"))),
    ],
)
def test_figures_of_counts_and_sums_are_covered(mechanism: str, figure: Number) -> None:
    plan, size, truth = of_counts(figure), 4_000, (203, 61, 9_870)
    draws = draws_of(plan, mechanism)
    estimate, derive = estimator(plan, draws, 5), figures(plan, draws, 5)
    exact = value_of(figure, {"b": Fraction(truth[0]), "a": Fraction(truth[1]), "s": Fraction(truth[2])})
    places = measured(plan).parts
    assert exact is not None and [places[name] for name in ("b", "a", "s")] == [(0,), (1,), (2,)]
    noises = [drawn(mechanism, draw.scale, size, at).tolist() for at, draw in enumerate(draws)]
    covered = 0
    for noise in zip(*noises, strict=True):
        (found,) = derive(estimate(tuple(n + z for n, z in zip(truth, noise, strict=True))))
        assert found is not None and found.low is not None and found.high is not None
        covered += found.low <= exact <= found.high
    assert covered / size >= 0.95


def of_means(figure: Number) -> Plan:
    statistics = (
        number("avg", AGE, "m"),
        number("avg", WEIGHT, "w"),
        number("stddev", AGE, "d"),
        number("quantile", AGE, "q", q="0.5"),
    )
    return asking(PATIENTS, *statistics, keys=(SEX,), figures={"f": figure})


def test_a_difference_of_means_is_covered() -> None:
    """Several parts: each mean's interval is stretched to what misses half as often."""
    plan, size = of_means(Combined("-", OfStatistic("w"), OfStatistic("m"))), 3_000
    draws = draws_of(plan)
    kinds = [(measure.kind, measure.value) for measure in measured(plan).measures]
    truth = {("persons", None): 400, ("centred", AGE): -9_000, ("rows", WEIGHT): 300, ("centred", WEIGHT): 60_000}
    numbers = [truth.get(kind, 100) for kind in kinds]
    exact = Fraction(110) + Fraction(60_000, 600) / 10 - (60 - Fraction(9_000, 800))
    estimate, derive = estimator(plan, draws, 5), figures(plan, draws, 5)
    noises = [
        drawn(GAUSSIAN, draw.scale, size, at).tolist() if draw.mechanism == GAUSSIAN else [0] * size
        for at, draw in enumerate(draws)
    ]
    covered = 0
    widest = Fraction(0)
    for noise in zip(*noises, strict=True):
        (found,) = derive(estimate(tuple(n + z for n, z in zip(numbers, noise, strict=True))))
        assert found is not None and found.low is not None and found.high is not None
        covered += found.low <= exact <= found.high
        widest = max(widest, found.high - found.low)
    assert covered / size >= 0.95 and widest < 100


@pytest.mark.parametrize("name", ["d", "q"])
def test_what_has_no_interval_among_several(name: str) -> None:
    plan = of_means(over(OfStatistic("m"), OfStatistic(name)))
    row = tuple(
        Estimate(n, n - 10, n + 10) if alias != "q" else Estimate(n, None, None)
        for alias, n in zip("mwdq", (4_000, 900, 300, 40), strict=True)
    )
    (found,) = figures(plan, draws_of(plan), 5)(row)
    assert found is not None and found.low is found.high is None


def test_means_at_an_end_and_pure_means_have_none_among_several() -> None:
    plan = of_means(Combined("-", OfStatistic("m"), OfStatistic("w")))
    inside = tuple(Estimate(n, n - 10, n + 10) for n in (4_000, 100_000, 300, 40))
    at_end = (Estimate(12_000, 11_000, 12_000), *inside[1:])
    assert [
        one is not None and one.low is not None for row in (inside, at_end) for one in figures(plan, draws_of(plan), 5)(row)
    ] == [
        True,
        False,
    ]
    (found,) = figures(plan, draws_of(plan, LAPLACE), 5)(inside)
    assert found is not None and found.low is None


def test_a_rate_is_of_exact_units() -> None:
    plan = asking(
        VISITS,
        number("sum", COST, "events"),
        number("sum", PRESSURE, "days"),
        keys=(KIND,),
        figures={"rate": over(Combined("*", Literal("365250"), OfStatistic("events")), OfStatistic("days"))},
    )
    draws = draws_of(plan)
    row = estimator(plan, draws, 5)((100, 1_234, 98_765))
    assert shown(plan)(row) == {"events": 1_234, "days": 98_765}
    (found,) = figures(plan, draws, 5)(row)
    assert found is not None and found.value == Fraction(365_250 * 1_234, 98_765)


def test_totals_have_wider_intervals() -> None:
    plan = asking(
        PATIENTS,
        number("persons", alias="b"),
        number("rows", WEIGHT, "a"),
        keys=(SEX,),
        sets=((0,), ()),
        figures={"f": PERCENTAGE},
    )
    draws = draws_of(plan)
    widths = []
    for parts in (1, 4):
        (found,) = figures(plan, draws, 5, parts)(estimator(plan, draws, 5, parts)((1_000, 300)))
        assert found is not None and found.low is not None and found.high is not None
        widths.append(found.high - found.low)
    assert widths[1] > widths[0] * math.sqrt(3)


def test_what_is_beyond_a_double_is_null() -> None:
    """A statement cannot write it; and a fault would be charged."""
    ten = Literal("1" + "0" * 59)
    product: Number = OfStatistic("b")
    for _ in range(5):
        product = Combined("*", product, ten)
    assert derived(of_counts(Combined("*", product, ten)), (198, 51, 4_000)) is None
    edge = derived(of_counts(Combined("*", product, Literal("10"))), (198, 51, 4_000))
    assert edge is not None and math.isfinite(float(edge.value))


def test_denominators_in_denominators_take_no_longer() -> None:
    """Forty: were each looked at twice, this would not end."""
    number: Number = OfStatistic("b")
    for _ in range(40):
        number = over(OfStatistic("b"), number)
    found = derived(of_counts(number), (198, 51, 4_000))
    assert found is not None and found.low is not None and found.high is not None and found.low < found.value < found.high
