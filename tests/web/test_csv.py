"""A release as CSV and in words: totals are told from NULL keys, hidden numbers from none, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from tests.vault.answers import noisy_of, order_of, plan_of
from tre.client import Release
from tre.plan.nodes import Combined, Figure, Literal, OfStatistic
from tre.plan.order import Order
from tre.terms import canonical
from tre.vault.noisy import NoisyTable
from tre.vault.release import release
from tre.vault.suppress import suppress
from tre.web.csv import release_as_csv


def statement(noisy: NoisyTable, order: Order) -> bytes:
    return release(suppress(noisy, order), order).statement


def lines(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(release_as_csv(raw).decode(), newline="")))


def in_words(raw: bytes) -> list[list[str]]:
    return Release(json.loads(raw)).table


def test_totals_are_told_from_null_keys() -> None:
    raw = statement(noisy_of([[20, 30, 9]]), order_of(plan_of("sex", sets=((0,), ()))))
    found = lines(raw)
    assert [(row["sex"], row["set"], row["n"], row["suppressed"]) for row in found] == [
        ("F", "sex", "20", "false"), ("M", "sex", "30", "false"), ("", "sex", "", "true"), ("", "", "60", "false"),
    ]  # fmt: skip
    assert list(found[0]) == ["sex", "n", "n_low", "n_high", "set", "suppressed"]
    assert in_words(raw) == [["sex", "n"], ["F", "20"], ["M", "30"], ["NULL", "suppressed"], ["all", "60"]]


def test_a_plain_answer_has_no_column_of_sets() -> None:
    raw = statement(noisy_of([[20, 30, 9]]), order_of(plan_of("region")))
    assert list(lines(raw)[0]) == ["region", "n", "n_low", "n_high", "suppressed"]


def test_decimals_truth_and_figures_are_as_in_json() -> None:
    double = Figure("double", Combined("*", Literal("2"), OfStatistic("sum_bmi")))
    plan = plan_of("alive", statistics=["sum:bmi", "avg:bmi"], figures=(double,))
    raw = statement(noisy_of([[1_000] * 3, [26_003] * 3, [-170_001] * 3]), order_of(plan))
    rows = json.loads(raw)["rows"]
    for told, row in zip(lines(raw), rows, strict=True):
        assert told["alive"] == {True: "true", False: "false", None: ""}[row["alive"]]
        for name in ("sum_bmi", "avg_bmi_low", "double", "double_high"):
            assert told[name] == repr(row[name])
    assert rows[0]["sum_bmi"] == 2600.3 and rows[0]["double"] == 5200.6


def test_a_number_that_is_not_defined_is_empty_and_not_suppressed() -> None:
    plan = plan_of(statistics=["avg:pulse", "n"])
    raw = statement(noisy_of([[50], [-3], [10]]), order_of(plan))
    (row,) = lines(raw)
    assert (row["avg_pulse"], row["n"], row["suppressed"]) == ("", "50", "false")
    assert in_words(raw)[1] == ["NULL", "50"]


def test_a_discovered_key_is_no_formula() -> None:
    plan = plan_of("practice")
    raw = statement(noisy_of([[50]], keys=[[("=1+2",)]]), order_of(plan))
    assert lines(raw)[0]["practice"] == "'=1+2"
    body: dict[str, Any] = json.loads(raw)
    assert canonical(body) == raw and body["rows"][0]["practice"] == "=1+2"
