"""From noisy numbers to a statement: threshold, totals, rounding, interval, record, conditions on what is shown."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.answers import DOMAINS, HELD, MANY_ROWS, REGIMES, answered, draws_of, noisy_of, order_of, plan_of, statistic
from tre.plan.estimate import estimator
from tre.plan.nodes import Combined, Figure, HavingCompare, HavingNot, Literal, OfStatistic, Plan, Sort
from tre.plan.order import Selection
from tre.plan.rounding import rounded, stated_scale
from tre.vault.cells import labels
from tre.vault.suppress import suppress

HALF = 5  # of the 95 % interval of a count with scale 2 to base 5


def counted(plan: Plan, *numbers: int, **more: Any) -> dict[str, Any]:
    return answered(noisy_of([numbers]), order_of(plan, **more))


def test_below_the_threshold_a_row_is_hidden_whole() -> None:
    body = counted(plan_of("region"), 9, 10, -4)
    hidden = {"n": None, "n_low": None, "n_high": None, "suppressed": True}
    shown = {"n": 10, "n_low": 10 - HALF, "n_high": 10 + HALF, "suppressed": False}
    assert body["rows"] == [{"region": "North"} | hidden, {"region": "South"} | shown, {"region": "East"} | hidden]
    assert body["disclosure"]["suppressed"] == 2


def test_the_threshold_is_before_the_rounding() -> None:
    """9 would be rounded to 10 and 13 to 15: the noisy number decides, not what is shown."""
    body = counted(plan_of("region"), 9, 13, 12)
    assert [row["n"] for row in body["rows"]] == [None, 15, 10]


def test_the_noisy_number_of_persons_hides_every_statistic() -> None:
    plan = plan_of("region", statistics=["n", "sum:bmi"])
    body = answered(noisy_of([[9, 10, 100], [90_000, 2_505, 26_003]]), order_of(plan))
    assert [(row["n"], row["sum_bmi"], row["suppressed"]) for row in body["rows"]] == [
        (None, None, True), (10, 250.5, False), (100, 2600.3, False),
    ]  # fmt: skip


def test_persons_that_are_not_shown_hide_too() -> None:
    """The sum alone is asked: its noisy number of persons is drawn for the threshold and not shown."""
    body = answered(noisy_of([[9, 10, 100], [90_000, 2_500, 26_000]]), order_of(plan_of("region", statistics=["sum:bmi"])))
    assert [row["sum_bmi"] for row in body["rows"]] == [None, 250.0, 2600.0]
    assert set(body["rows"][1]) == {"region", "sum_bmi", "sum_bmi_low", "sum_bmi_high", "suppressed"}


def test_the_statement_is_as_the_contract_has_it() -> None:
    plan = plan_of("region")
    body = counted(plan, 100, 103, 107, scale=12.0)
    half = body["rows"][2]["n_high"] - 105
    assert list(body) == sorted(("dataset", "snapshot", "opt_outs_as_of", "plan", "columns", "rows", "disclosure"))
    assert (body["dataset"], body["snapshot"], body["opt_outs_as_of"]) == ("gp", HELD[0].id, HELD[1].as_of)
    assert body["plan"] == order_of(plan).restricted.digest
    assert body["columns"] == [
        {"name": "region", "role": "key", "type": "string"},
        {
            "name": "n",
            "role": "statistic",
            "statistic": "count",
            "type": "integer",
            "mechanism": "discrete gaussian",
            "scale": round(math.sqrt(146), 6),
        },
    ]
    assert body["rows"][2] == {"region": "East", "n": 105, "n_low": 105 - half, "n_high": 105 + half, "suppressed": False}
    assert 24 <= half <= 26


def test_the_record_names_every_rule() -> None:
    record = counted(plan_of("region"), 30, 13, 8, scale=5.0)["disclosure"]
    assert {name: record[name] for name in ("threshold", "rounding", "suppressed", "sandbox")} == {
        "threshold": 10, "rounding": 5, "suppressed": 1, "sandbox": "on",
    }  # fmt: skip
    assert record["policy"].startswith("sha256:")
    assert [rule["rule"] for rule in record["rules"]] == [
        "opt-outs", "contribution bound", "clamping", "noise", "all groups", "threshold", "rounding",
        "complementary suppression", "dominance", "class disclosure",
    ]  # fmt: skip
    assert ", ".join(REGIMES) in record["rules"][0]["how"]
    assert record["near_threshold"] == [1]  # 13 is within two scales of 10; 30 is not; the third is hidden
    assert len(record["warnings"]) == 1 and "threshold" in record["warnings"][0]


def rules_of(body: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {rule["rule"]: rule for rule in body["disclosure"]["rules"]}


def test_base_one_rounds_nothing_and_says_so() -> None:
    body = counted(plan_of("region"), 11, 12, 13, rounding=1)
    assert [row["n"] for row in body["rows"]] == [11, 12, 13]
    assert rules_of(body)["rounding"]["applied"] == "no"
    assert body["columns"][1]["scale"] == 2.0


def test_keys_are_written_in_words() -> None:
    plan = plan_of("sex", "year_of_birth", "weight", "died_on")
    rows = list(labels(plan.keys))
    assert len(rows) == plan.cells == 3 * 6 * 8 * 5
    assert rows[0] == ("F", 1940, "0.0", "2024-02-27")
    assert rows[4] == ("F", 1940, "0.0", None)
    assert rows[8] == ("F", 1940, "0.5", "2024-03-01")
    assert rows[-1] == (None, 1945, None, None)
    body = counted(plan, *(20,) * plan.cells)
    assert [column["type"] for column in body["columns"]] == ["string", "integer", "decimal", "date", "integer"]
    assert [tuple(row[key.alias] for key in plan.keys) for row in body["rows"]] == rows


def test_bands_months_and_truth_are_written_too() -> None:
    plan = plan_of("band", "month", "alive")
    body = counted(plan, *(20,) * plan.cells)
    assert plan.cells == 5 * 4 * 3
    assert [row["band"] for row in body["rows"][::12]] == [0, 10, 20, 30, 40]
    assert [row["month"] for row in body["rows"][:12:3]] == ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01"]
    assert [row["alive"] for row in body["rows"][:3]] == [False, True, None]
    assert [column["type"] for column in body["columns"][:3]] == ["integer", "date", "boolean"]


def test_without_keys_there_is_one_row() -> None:
    assert counted(plan_of(), 44)["rows"] == [{"n": 45, "n_low": 45 - HALF, "n_high": 45 + HALF, "suppressed": False}]


@given(st.integers(-(2**40), 2**40), st.integers(1, 1000))
def test_rounding_goes_to_the_nearest_and_half_up(value: int, base: int) -> None:
    near = rounded(value, base)
    assert near % base == 0
    assert -base < 2 * (near - value) <= base
    assert rounded(near, base) == near


@pytest.mark.parametrize(
    ("value", "base", "shown"),
    [(5, 10, 10), (-5, 10, 0), (15, 10, 20), (1, 2, 2), (-1, 2, 0), (12, 5, 10), (13, 5, 15), (7, 1, 7)],
)
def test_a_half_goes_up(value: int, base: int, shown: int) -> None:
    assert rounded(value, base) == shown


@pytest.mark.parametrize("base", [1, 2, 5, 10])
def test_the_stated_scale_is_the_error_of_rounding_too(base: int) -> None:
    errors = [rounded(value, base) - value for value in range(base)]
    assert stated_scale(3.0, base) == pytest.approx(math.sqrt(9 + sum(e * e for e in errors) / base))
    assert stated_scale(3.0, 5) == pytest.approx(math.sqrt(11))


# -- statistics


def test_every_statistic_is_what_the_estimator_says() -> None:
    """In the units of the answer: kg/m² in tenths, means in thousandths, and the interval around each."""
    names = ["n", "sum:bmi", "avg:bmi", "var:bmi", "stddev:bmi", "quantile:bmi:0.5"]
    plan = plan_of(statistics=names)
    order = order_of(plan, scale=3.0)
    row = [1_000, 265_000, -170_000, -199_000, 259]
    assert len(row) == len(order.draws)
    (body,) = answered(noisy_of([[n] for n in row]), order)["rows"]
    found = dict(zip((one.alias for one in plan.statistics), estimator(plan, order.draws, 5)(row), strict=True))
    units = {"n": 1, "sum_bmi": 0.1, "avg_bmi": 0.001, "var_bmi": 0.0001, "stddev_bmi": 0.001, "quantile_bmi": 0.1}
    for alias, one in units.items():
        estimate = found[alias]
        assert estimate is not None
        assert body[alias] == pytest.approx(estimate.value * one)
        for end, value in (("low", estimate.low), ("high", estimate.high)):
            assert body[f"{alias}_{end}"] == (None if value is None else pytest.approx(value * one))
    assert body["avg_bmi"] == pytest.approx(35 - 17 / 2, abs=0.001)  # the middle of 10 to 60, and C / 2N in tenths
    assert body["avg_bmi_low"] < body["avg_bmi"] < body["avg_bmi_high"]
    assert (body["quantile_bmi"], body["quantile_bmi_low"]) == (25.9, None)


def test_a_ratio_of_few_rows_has_no_interval_and_of_none_no_value() -> None:
    """Twelve rows at scale 3 are not above five scales; none have no mean. The number of persons is above the threshold."""
    plan = plan_of(statistics=["avg:pulse", "n"])
    order = order_of(plan, scale=3.0)
    assert len(order.draws) == 3
    (few,) = answered(noisy_of([[12], [12], [-40]]), order)["rows"]
    (none,) = answered(noisy_of([[12], [-2], [-40]]), order)["rows"]
    assert few["avg_pulse"] is not None and few["avg_pulse_low"] is None and few["avg_pulse_high"] is None
    assert (none["avg_pulse"], none["avg_pulse_low"], none["suppressed"], none["n"]) == (None, None, False, 10)


def test_a_quantile_of_dates_is_a_date() -> None:
    plan = plan_of(statistics=[statistic("quantile:died_on:0.5")])
    body = answered(noisy_of([[50], [19_782]]), order_of(plan))
    assert body["rows"][0]["quantile_died_on"] == "2024-02-29"
    assert body["columns"][0]["type"] == "date"
    assert body["columns"][0]["clamp"] == ["2024-02-27", "2024-03-01"]


def test_decimals_are_written_without_a_float_s_error() -> None:
    plan = plan_of(statistics=["sum:bmi"])
    for n in range(1, 4_000, 7):
        (row,) = answered(noisy_of([[100], [n]]), order_of(plan))["rows"]
        assert Fraction(repr(row["sum_bmi"])) == Fraction(n, 10)


def test_the_columns_tell_bounds_units_and_scales() -> None:
    plan = plan_of("region", statistics=["n", "rows:", "sum:pulse", "avg:pulse", "quantile:pulse:0.9"], relation=MANY_ROWS)
    columns = {one["name"]: one for one in counted_columns(plan)}
    assert columns["n"] == {
        "name": "n", "role": "statistic", "statistic": "count", "type": "integer", "mechanism": "discrete gaussian",
        "scale": round(math.sqrt(6), 6), "max_groups": 3,
    }  # fmt: skip
    assert (columns["rows"]["statistic"], columns["rows"]["max_rows"], columns["rows"]["max_groups"]) == ("rows", 4, 3)
    total = columns["sum_pulse"]
    assert (total["type"], total["unit"], total["clamp"], total["max_rows"], total["scale"]) == ("integer", "1", [0, 200], 4, 2.0)
    mean = columns["avg_pulse"]
    assert (mean["type"], mean["unit"], "scale" in mean) == ("decimal", "0.01", False)
    assert mean["parts"] == [
        {"of": "rows", "mechanism": "discrete gaussian", "scale": 2.0},
        {"of": "distances from the middle", "mechanism": "discrete gaussian", "scale": 1.0},
    ]
    assert (columns["quantile_pulse"]["mechanism"], columns["quantile_pulse"]["q"]) == ("noisy max", "0.9")


def counted_columns(plan: Plan) -> list[dict[str, Any]]:
    order = order_of(plan)
    row = [[50] * 3 for _ in order.draws]
    found: list[dict[str, Any]] = answered(noisy_of(row), order)["columns"]
    return found


def test_clamping_is_warned_of() -> None:
    body = answered(noisy_of([[500], [2_600]]), order_of(plan_of(statistics=["avg:bmi"])))
    assert rules_of(body)["clamping"]["applied"] == "yes"
    assert "avg_bmi" in body["disclosure"]["warnings"][0]
    assert counted(plan_of(), 500)["disclosure"]["warnings"] == []


# -- totals


SETS = ((0, 1), (0,), ())


def test_totals_are_sums_of_noisy_cells_hidden_ones_too() -> None:
    """Base 1, so that every number is seen: 9 is hidden and still in its region's total."""
    plan = plan_of("region", "sex", sets=SETS)
    body = answered(noisy_of([[9, 20, 31, 40, 50, 60, 3, 4, -9]]), order_of(plan, rounding=1))
    totals = {tuple(row["set"]): row for row in body["rows"] if row["set"] != ["region", "sex"]}
    assert totals[()]["n"] == 208 and totals[()]["region"] is None and totals[()]["sex"] is None
    regions = [row["n"] for row in body["rows"] if row["set"] == ["region"]]
    assert regions == [None, 150, None]  # -2 of the East is below the threshold; with 60 shown it would be 208 - 210
    rows = [(row["n"], row["suppressed"]) for row in body["rows"][:3]]
    assert rows == [(None, True), (20, False), (31, False)]  # without the North's total, 9 can be anything
    assert "1 row more hidden" in rules_of(body)["complementary suppression"]["how"]


def test_a_null_key_is_not_a_total() -> None:
    plan = plan_of("sex", sets=((0,), ()))
    body = answered(noisy_of([[20, 30, 40]]), order_of(plan))
    assert [(row["sex"], row["set"], row["n"]) for row in body["rows"]] == [
        ("F", ["sex"], 20), ("M", ["sex"], 30), (None, ["sex"], 40), (None, [], 90),
    ]  # fmt: skip


def test_a_total_has_the_noise_of_its_parts() -> None:
    plan = plan_of("region", "sex", sets=SETS)
    body = answered(noisy_of([[100] * 9]), order_of(plan, scale=20.0))
    widths = {tuple(row["set"]): row["n_high"] - row["n"] for row in body["rows"]}
    assert widths["region", "sex"] < widths["region",] < widths[()]
    assert widths[()] == pytest.approx(3 * 1.96 * 20, abs=5)


def test_sums_are_not_rounded_so_two_are_hidden() -> None:
    """Of the number of persons alone seven shown numbers to base 5 hide the one; of a sum nothing does."""
    plan = plan_of("year_of_birth", sets=((0,), ()))
    persons = [4, 50, 60, 70, 80, 90]
    alone = answered(noisy_of([persons]), order_of(plan))
    both = answered(noisy_of([persons, [n * 260 for n in persons]]), order_of(plan_with_sum()))
    assert alone["disclosure"]["suppressed"] == 1
    assert both["disclosure"]["suppressed"] == 2


def plan_with_sum() -> Plan:
    return plan_of("year_of_birth", sets=((0,), ()), statistics=["n", "sum:bmi"])


def test_totals_of_their_own_draw_hide_nothing_more() -> None:
    plan = plan_of("region", sets=((0,), ()), statistics=["n", "quantile:bmi:0.5"])
    body = answered(noisy_of([[5, 50, 60], [260, 260, 260]], [[118], [262]]), order_of(plan))
    assert [row["suppressed"] for row in body["rows"]] == [True, False, False, False]
    assert rules_of(body)["complementary suppression"]["applied"] == "no"


# -- discovered keys


def discovered(*pairs: tuple[str | None, int], **more: Any) -> dict[str, Any]:
    plan = plan_of("practice", **more.pop("plan", {}))
    order = order_of(plan, selection=Selection(8, 1, 10**15), **more)
    return answered(noisy_of([[n for _, n in pairs]], keys=[[(code,) for code, _ in pairs]]), order)


def test_discovered_keys_come_in_the_order_of_their_values() -> None:
    body = discovered(("b", 30), (None, 40), ("a", 20), ("B", 9))
    assert [(row["practice"], row["n"], row["suppressed"]) for row in body["rows"]] == [
        ("B", None, True), ("a", 20, False), ("b", 30, False), (None, 40, False),
    ]  # fmt: skip
    rule = rules_of(body)["discovered keys"]
    assert "is 8 or more" in rule["how"] and "0.001000000000000000" in rule["how"]
    assert rules_of(body)["all groups"]["applied"] == "no"
    assert body["columns"][0] == {"name": "practice", "role": "key", "type": "string", "discovered": True}


def test_of_too_many_groups_those_of_the_most_people_are_kept() -> None:
    body = discovered(("a", 20), ("b", 60), ("c", 30), ("d", 60), ("e", 25), max_rows_out=3)
    assert [row["practice"] for row in body["rows"]] == ["b", "c", "d"]
    assert "of more than 3 rows" in rules_of(body)["discovered keys"]["how"]


def test_no_group_is_an_answer() -> None:
    body = discovered()
    assert body["rows"] == [] and body["disclosure"]["suppressed"] == 0


# -- conditions on what is shown


def region_rows(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["region"], row["n"]) for row in body["rows"]]


def test_having_looks_at_what_is_shown() -> None:
    """13 is shown as 15: it passes n >= 15; hidden rows pass nothing, not even what is not so."""
    least = HavingCompare(">=", OfStatistic("n"), Literal("15"))
    body = counted(plan_of("region", having=least), 13, 12, 9)
    assert region_rows(body) == [("North", 15)]
    assert "2 rows left out, of which 1 hidden" in rules_of(body)["conditions on the answer"]["how"]
    assert region_rows(counted(plan_of("region", having=HavingNot(least)), 13, 12, 9)) == [("South", 10)]


def test_order_and_limit_look_at_what_is_shown() -> None:
    """11 and 12 are both shown as 10 and come by their keys; the hidden row is last whichever way."""
    for descending, rows in ((False, ["South", "East", "North"]), (True, ["South", "East", "North"])):
        body = counted(plan_of("region", order=(Sort("n", descending),)), 9, 12, 11)
        assert [row["region"] for row in body["rows"]] == rows
    body = counted(plan_of("region", order=(Sort("n", True),), limit=2), 13, 100, 50)
    assert region_rows(body) == [("South", 100), ("East", 50)]
    body = counted(plan_of("region", order=(Sort("region"),), limit=2), 13, 100, 50)
    assert region_rows(body) == [("East", 50), ("North", 15)]


def test_hidden_rows_are_last_by_key_even_when_ordered_by_key() -> None:
    body = counted(plan_of("region", order=(Sort("region", True),)), 50, 9, 8)
    assert region_rows(body) == [("North", 50), ("South", None), ("East", None)]


def test_a_number_that_is_not_shown_can_order() -> None:
    plan = plan_of("region", statistics=["n", "sum:bmi"], output=("region", "sum_bmi"), order=(Sort("n", True),))
    body = answered(noisy_of([[20, 40, 30], [500, 400, 300]]), order_of(plan))
    assert [row["region"] for row in body["rows"]] == ["South", "East", "North"]
    assert "n" not in body["rows"][0] and [column["name"] for column in body["columns"]] == ["region", "sum_bmi"]


def test_figures_are_of_what_is_shown() -> None:
    share = Figure("share", Combined("/", Combined("*", Literal("100.0"), OfStatistic("rows_pulse")), OfStatistic("n")))
    plan = plan_of("region", statistics=["n", "rows:pulse"], figures=(share,), order=(Sort("share", True),))
    body = answered(noisy_of([[1_000, 52, 9], [333, 26, 9]]), order_of(plan))
    assert [(row["region"], row["share"]) for row in body["rows"]] == [("South", 50.0), ("North", 33.5), ("East", None)]
    assert body["rows"][1]["share_low"] < 33.5 < body["rows"][1]["share_high"]
    assert body["columns"][-1] == {"name": "share", "role": "figure", "type": "decimal"}


def test_near_the_threshold_is_told_of_the_rows_that_are_given() -> None:
    body = counted(plan_of("region", order=(Sort("n", True),)), 11, 9, 100)
    assert body["disclosure"]["near_threshold"] == [1]


@given(st.lists(st.integers(-100, 200), min_size=3, max_size=3), st.integers(5, 40), st.integers(1, 20))
def test_a_row_is_hidden_by_its_noisy_number_alone(noisy: list[int], threshold: int, rounding: int) -> None:
    order = order_of(plan_of("region"), threshold=threshold, rounding=rounding)
    (block,) = suppress(noisy_of([noisy]), order).blocks
    assert [row is None for row in block.rows] == [n < threshold for n in noisy]


def test_domains_are_all_tried() -> None:
    """Every kind of key that a plan can have is written in one of the tests above."""
    assert {domain.kind for domain in DOMAINS.values()} == {"category", "integer", "decimal", "date", "boolean", "code"}
    assert len(draws_of(plan_of())) == 1
