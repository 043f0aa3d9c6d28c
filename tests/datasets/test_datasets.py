"""Any data set by a policy file alone: two public ones are loaded and asked, and every number is where pandas and the stated
noise say that it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.datasets.world import (
    POLICIES,
    SCALES,
    Answer,
    Values,
    World,
    every,
    near,
    near_deviation,
    near_mean,
    near_rank,
    on_grid,
    opened,
    pd,
    scale,
)
from tre.plan.candidates import candidates, spacing
from tre.plan.measures import square_divisor
from tre.plan.nodes import Domain
from tre.policy import read_policies

YEARS, SEXES = range(1984, 1989), ("female", "male")
CHAPTERS = read_policies(POLICIES).datasets["flchain"].tables["people"].columns["chapter"].values
RULES = {
    "opt-outs", "contribution bound", "clamping", "noise", "all groups", "threshold", "rounding", "complementary suppression",
    "dominance", "class disclosure",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("datasets")) as made:
        yield made


@pytest.fixture(scope="module")
def years(world: World) -> pd.DataFrame:
    """The registry; nobody has more rows or groups than the policy's bounds, which therefore change nothing."""
    frame = world.frames["rwm"]
    assert len(frame) == 19_609 and frame["id"].nunique() == 6_127 and frame["id"].value_counts().max() == 5
    return frame


@pytest.fixture(scope="module")
def people(world: World) -> pd.DataFrame:
    frame = world.frames["flchain"]
    assert len(frame) == 7_874 and frame["number"].is_unique
    return frame


def values(frame: pd.DataFrame, name: str, low: int, high: int, grid: str = "1", k: int = 1) -> Values:
    """A column clamped to its ends, in grid steps."""
    value = frame[name] if grid == "1" else on_grid(frame[name], grid)
    return Values(frame["id" if "id" in frame else "number"], value.clip(low, high), low, high, grid, k)


def recorded(answer: Answer, groups: int, rows: int, *more: str, clamped: bool = False) -> None:
    """The disclosure record of an answer: every rule by name, the bounds in force, what was hidden."""
    record = answer.release["disclosure"]
    assert set(answer.rules) == RULES | set(more)
    assert (record["threshold"], record["rounding"]) == (10, 5) and record["suppressed"] == sum(
        r["suppressed"] for r in answer.rows
    )
    bound = answer.rules["contribution bound"]["how"]
    assert f" {groups} group{'s' * (groups > 1)}," in bound and f" {rows} row{'s' * (rows > 1)};" in bound, bound
    assert answer.rules["clamping"]["applied"] == ("yes" if clamped else "no")
    assert "local, national, type-1" in answer.rules["opt-outs"]["how"]
    assert answer.rules["all groups"]["applied"] == ("no" if "discovered keys" in more else "yes")
    assert record["sandbox"] in ("on", "off") and record["policy"].startswith("sha256:")


def counted(row: dict[str, Any], alias: str, truth: int, answer: Answer, cells: int = 1) -> None:
    """A count, or that it was hidden where it may be."""
    if row["suppressed"]:
        assert row[alias] is None and truth <= 10 + SCALES * scale(answer.columns[alias]) * cells**0.5
    else:
        near(row[alias], truth, answer.columns[alias], cells=cells)


# ------------------------------------------------------------------------------------------------------------ many rows a person
def test_person_years_and_persons_by_year(world: World, years: pd.DataFrame) -> None:
    sql = "SELECT year, COUNT(*) AS person_years, COUNT(DISTINCT person) AS persons FROM years GROUP BY year"
    answer = world.ask("rwm", sql)
    assert answer.labels == every(YEARS)
    recorded(answer, groups=5, rows=5)
    for year, found in years.groupby("year"):
        counted(answer.row(year), "person_years", len(found), answer)
        counted(answer.row(year), "persons", found["id"].nunique(), answer)


def test_persons_against_person_years_and_a_bound_that_was_asked(world: World, years: pd.DataFrame) -> None:
    sql = """SELECT COUNT(*) AS person_years, COUNT(DISTINCT person) AS persons, COUNT(*, bound => 2) AS two,
      SUM(clamp(visits, 0, 30), bound => 2) AS visits FROM years"""
    answer = world.ask("rwm", sql.replace("COUNT(*, bound => 2) AS two,", "COUNT(visits, bound => 2) AS two,"))
    recorded(answer, groups=1, rows=5, clamped=True)
    (row,) = answer.rows
    bounded = values(years, "visits", 0, 30, k=2)
    counted(row, "person_years", 19_609, answer)
    counted(row, "persons", 6_127, answer)
    counted(row, "two", bounded.rows, answer)
    assert bounded.rows < 19_609 - SCALES * scale(answer.columns["two"]), "the bound is seen in the number"
    near(row["visits"], bounded.sum, answer.columns["visits"], base=1)
    assert answer.columns["visits"]["max_rows"] == 2 and answer.columns["visits"]["clamp"] == [0, 30]


def test_mean_and_deviation_of_visits_by_year_and_sex(world: World, years: pd.DataFrame) -> None:
    sql = "SELECT year, sex, AVG(clamp(visits, 0, 30)) AS mean, STDDEV(clamp(visits, 0, 30)) AS sd FROM years GROUP BY year, sex"
    answer = world.ask("rwm", sql)
    assert answer.labels == every(YEARS, SEXES)
    recorded(answer, groups=5, rows=5, clamped=True)
    all_of_them = values(years, "visits", 0, 30, k=5)
    for (year, sex), found in years.groupby(["year", "sex"]):
        own, row = all_of_them.of(years.index.isin(found.index)), answer.row(year, sex)
        assert not row["suppressed"]
        near_mean(row["mean"], own, answer.columns["mean"])
        near_deviation(row["sd"], own, answer.columns["sd"], square_divisor(30, 5))


def test_proportion_with_a_hospital_stay(world: World, years: pd.DataFrame) -> None:
    answer = world.ask("rwm", "SELECT sex, PROPORTION(stays > 0) AS stayed, COUNT(*) AS n FROM years GROUP BY sex")
    recorded(answer, groups=2, rows=5, clamped=True)
    stayed = years.assign(stayed=(years["stays"] > 0).astype("int64"))
    for sex, found in stayed.groupby("sex"):
        near_mean(answer.row(sex)["stayed"], values(found, "stayed", 0, 1, k=5), answer.columns["stayed"])
        counted(answer.row(sex), "n", len(found), answer)


def test_median_income_by_education(world: World, years: pd.DataFrame) -> None:
    answer = world.ask("rwm", "SELECT education, MEDIAN(income) AS income FROM years GROUP BY education")
    assert answer.labels == every(("not high school", "high school", "university", "graduate school"))
    recorded(answer, groups=4, rows=5, clamped=True)
    domain = Domain("decimal", False, low=0, high=4_000, grid="0.01")
    for education, found in years.groupby("education"):
        own = values(found, "income", 0, 4_000, "0.01", k=5)
        shown = answer.row(education)["income"]
        near_rank(shown, own, answer.columns["income"], spacing(domain), len(candidates(domain)))


def test_mean_over_persons(world: World, years: pd.DataFrame) -> None:
    answer = world.ask("rwm", "SELECT sex, MEAN_OF_PERSONS(clamp(visits, 0, 30)) AS mean FROM years GROUP BY sex")
    recorded(answer, groups=2, rows=1, clamped=True)
    for sex, found in years.groupby("sex"):
        own = values(found, "visits", 0, 30, k=1)
        assert own.rows == found["id"].nunique()
        near_mean(answer.row(sex)["mean"], own, answer.columns["mean"])
    with pytest.raises(AssertionError):  # the comparison sees the difference between the sexes
        near_mean(answer.row("female")["mean"], values(years[years["sex"] == "male"], "visits", 0, 30), answer.columns["mean"])


def test_totals_with_noise_of_their_own(world: World, years: pd.DataFrame) -> None:
    answer = world.ask("rwm", "SELECT year, sex, COUNT(*) AS n FROM years GROUP BY ROLLUP (year, sex)")
    recorded(answer, groups=11, rows=5)
    assert answer.rules["complementary suppression"]["applied"] == "no"
    assert answer.labels == [*every(YEARS, SEXES), *every(YEARS, (None,)), (None, None)]
    for row in answer.rows:
        found = years[(years["year"] == row["year"]) | ("year" not in row["set"])]
        found = found[(found["sex"] == row["sex"]) | ("sex" not in row["set"])]
        counted(row, "n", len(found), answer)


def test_years_of_schooling_as_discovered_keys(world: World, years: pd.DataFrame) -> None:
    answer = world.ask("rwm", "SELECT schooling, COUNT(DISTINCT person) AS persons FROM years GROUP BY schooling")
    recorded(answer, 5, 1, "discovered keys")
    truth = years.groupby("schooling")["id"].nunique()
    threshold = int(re.findall(r"is (\d+) or more", answer.rules["discovered keys"]["how"])[0])
    shown, far = {label for (label,) in answer.labels}, SCALES * scale(answer.columns["persons"]) + 2.5
    assert answer.labels == sorted(answer.labels) and shown <= set(truth.index) and threshold >= 10
    assert shown >= set(truth[truth > threshold + far].index) and not shown & set(truth[truth < threshold - far].index)
    for label in shown:
        counted(answer.row(label), "persons", int(truth[label]), answer)


def test_persons_by_the_years_they_were_seen(world: World, years: pd.DataFrame) -> None:
    sql = """SELECT n, COUNT(*) AS persons FROM (SELECT person, COUNT(*) AS n FROM years GROUP BY person) t
      GROUP BY n ORDER BY n DESC"""
    answer = world.ask("rwm", sql)
    assert answer.labels == every((5, 4, 3, 2, 1))
    recorded(answer, groups=1, rows=1)
    for n, persons in years["id"].value_counts().value_counts().items():
        counted(answer.row(n), "persons", int(persons), answer)


def test_people_whose_visits_rose(world: World, years: pd.DataFrame) -> None:
    sql = """WITH seen AS (SELECT person, ARG_MIN(visits, year) AS earliest, ARG_MAX(visits, year) AS latest, COUNT(*) AS n
        FROM years GROUP BY person)
      SELECT COUNT(*) AS followed, COUNT(*) FILTER (WHERE s.latest > s.earliest) AS rose FROM seen s
      WHERE s.n >= 2 AND NOT EXISTS (SELECT 1 FROM years y WHERE y.person = s.person AND y.self = 1)"""
    answer = world.ask("rwm", sql)
    recorded(answer, groups=1, rows=1)
    ordered = years.sort_values("year").groupby("id")
    seen = ordered.agg(earliest=("visits", "first"), latest=("visits", "last"), n=("visits", "size"), own=("self", "max"))
    seen = seen[(seen["n"] >= 2) & (seen["own"] == 0)]
    (row,) = answer.rows
    counted(row, "followed", len(seen), answer)
    counted(row, "rose", int((seen["latest"] > seen["earliest"]).sum()), answer)


# -------------------------------------------------------------------------------------------------------------- one row a person
def test_people_by_sex_and_year(world: World, people: pd.DataFrame) -> None:
    answer = world.ask("flchain", "SELECT sex, sample_year, COUNT(*) AS n FROM people GROUP BY sex, sample_year")
    assert answer.labels == every(("F", "M"), range(1995, 2004))
    recorded(answer, groups=1, rows=1)
    truth = people.groupby(["sex", "sample_year"]).size()
    for row, label in zip(answer.rows, answer.labels, strict=True):
        counted(row, "n", int(truth.get(label, 0)), answer)


def test_deaths_and_rates_by_group(world: World, people: pd.DataFrame) -> None:
    sql = """SELECT flc_group, SUM(death) AS deaths, SUM(follow_up) AS days, RATE_PER_1000(death, follow_up) AS rate
      FROM people GROUP BY flc_group"""
    answer = world.ask("flchain", sql)
    assert answer.labels == every(range(1, 11))
    recorded(answer, groups=1, rows=1, clamped=True)
    for group, found in people.groupby("flc_group"):
        row = answer.row(group)
        near(row["deaths"], int(found["death"].sum()), answer.columns["deaths"], base=1)
        near(row["days"], int(found["follow_up"].sum()), answer.columns["days"], base=1)
        assert row["rate"] == pytest.approx(365_250 * row["deaths"] / row["days"], rel=1e-9)
        assert row["rate_low"] < row["rate"] < row["rate_high"]


def test_creatinine_that_was_not_measured(world: World, people: pd.DataFrame) -> None:
    sql = """SELECT CASE WHEN creatinine IS NULL THEN 'no' ELSE 'yes' END AS measured, COUNT(*) AS n, COUNT(creatinine) AS known,
      AVG(clamp(creatinine, 0, 3)) AS mean FROM people GROUP BY 1"""
    answer = world.ask("flchain", sql)
    recorded(answer, groups=1, rows=1, clamped=True)
    assert sorted(answer.labels) == every(("no", "yes"))
    for measured, found in people.groupby(people["creatinine"].notna().map({True: "yes", False: "no"})):
        row, own = answer.row(measured), values(found, "creatinine", 0, 30, "0.1")
        counted(row, "n", len(found), answer)
        counted(row, "known", int(found["creatinine"].notna().sum()), answer)
        near_mean(row["mean"], own, answer.columns["mean"])


def test_causes_of_death_with_the_living_last(world: World, people: pd.DataFrame) -> None:
    answer = world.ask("flchain", "SELECT chapter, COUNT(*) AS n FROM people GROUP BY chapter")
    assert answer.labels == every((*CHAPTERS, None))
    recorded(answer, groups=1, rows=1)
    truth = people["chapter"].value_counts(dropna=False)
    for row in answer.rows:
        found = people["chapter"].isna().sum() if row["chapter"] is None else truth.get(row["chapter"], 0)
        counted(row, "n", int(found), answer)


def test_the_commonest_causes(world: World, people: pd.DataFrame) -> None:
    sql = """SELECT chapter, COUNT(*) AS deaths FROM people WHERE death = 1
      GROUP BY chapter HAVING deaths > 50 ORDER BY deaths DESC LIMIT 4"""
    answer = world.ask("flchain", sql)
    recorded(answer, 1, 1, "conditions on the answer")
    truth = people[people["death"] == 1]["chapter"].value_counts()
    assert len(answer.rows) == 4 and answer.labels[:3] == [(label,) for label in truth.index[:3]]  # hundreds of scales apart
    assert [row["deaths"] for row in answer.rows] == sorted((row["deaths"] for row in answer.rows), reverse=True)
    for row in answer.rows:
        counted(row, "deaths", int(truth[row["chapter"]]), answer)


def test_totals_added_from_noisy_cells(world: World, people: pd.DataFrame) -> None:
    answer = world.ask("flchain", "SELECT sex, flc_group, COUNT(*) AS n FROM people GROUP BY ROLLUP (sex, flc_group)")
    recorded(answer, groups=1, rows=1)
    assert answer.rules["complementary suppression"]["applied"] == "yes"
    assert answer.labels == [*every(("F", "M"), range(1, 11)), *every(("F", "M"), (None,)), (None, None)]
    for row in answer.rows:
        found = people[(people["sex"] == row["sex"]) | ("sex" not in row["set"])]
        found = found[(found["flc_group"] == row["flc_group"]) | ("flc_group" not in row["set"])]
        counted(row, "n", len(found), answer, cells={0: 20, 1: 10, 2: 1}[len(row["set"])])


def test_light_chains_by_sex_a_column_named_as_a_word_of_sql(world: World, people: pd.DataFrame) -> None:
    sql = """SELECT sex, AVG(clamp(lambda, 0, 10)) AS mean, VAR(clamp(people.kappa, 0, 10)) AS variance,
      QUANTILE(kappa, 0.9) AS high FROM people GROUP BY sex"""
    answer = world.ask("flchain", sql)
    recorded(answer, groups=1, rows=1, clamped=True)
    domain = Domain("decimal", False, low=0, high=3_000, grid="0.01")
    for sex, found in people.groupby("sex"):
        row = answer.row(sex)
        near_mean(row["mean"], values(found, "lambda", 0, 10_000, "0.001"), answer.columns["mean"])
        kappa = values(found, "kappa", 0, 1_000, "0.01")
        near_deviation(row["variance"], kappa, answer.columns["variance"], square_divisor(1_000, 1))
        own = values(found, "kappa", 0, 3_000, "0.01")
        near_rank(row["high"], own, answer.columns["high"], spacing(domain), len(candidates(domain)))


def test_percent_that_died_by_age(world: World, people: pd.DataFrame) -> None:
    sql = """SELECT band(age, 10) AS age_from, COUNT(*) AS n, SUM(death) AS died, 100.0 * SUM(death) / COUNT(*) AS pct
      FROM people WHERE chapter IS NULL OR chapter <> 'External Causes' GROUP BY band(age, 10)"""
    answer = world.ask("flchain", sql)
    assert answer.labels == every(range(50, 110, 10))
    recorded(answer, groups=1, rows=1, clamped=True)
    kept = people[people["chapter"] != "External Causes"]
    for age, row in zip(range(50, 110, 10), answer.rows, strict=True):
        found = kept[kept["age"] // 10 * 10 == age]
        counted(row, "n", len(found), answer)
        if not row["suppressed"]:
            near(row["died"], int(found["death"].sum()), answer.columns["died"], base=1)
            assert row["pct"] == pytest.approx(100 * row["died"] / row["n"], rel=1e-9)
