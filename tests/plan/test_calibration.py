"""Release times that were measured: used where they were measured for, never below four times the slowest run, always a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.plan import test_steps
from tests.plan.offers import CATALOGUE, CODELISTS
from tre.errors import Refusal
from tre.plan import calibration
from tre.plan.calibration import RUNS, Calibrated, Calibration, machine, standing, to_bytes
from tre.plan.classes import CLASSES, class_of
from tre.plan.parse import parse
from tre.plan.steps import ROOM, expected, release_time, step_for
from tre.terms import digest

PERSONS = 100_000
FILTERED, LISTED, MANY, REGION = (
    replace(getattr(test_steps, name), dataset=CATALOGUE.dataset) for name in ("FILTERED", "LISTED", "MANY", "REGION")
)
ALL = {str(one): 0.01 * place for place, one in enumerate(CLASSES, 1)}
TABLE = Calibration(REGION.dataset, PERSONS, machine(), RUNS, ALL, {"joins": 0.5})


def of(table: Calibration) -> Calibrated:
    return Calibrated({table.dataset: table})


def test_a_plan_is_of_the_smallest_class_that_holds_it() -> None:
    assert str(class_of(REGION)) == "10 cells, 0 comparisons, 0 lists"
    assert str(class_of(LISTED)) == "10 cells, 10 comparisons, 2 lists"
    assert str(class_of(MANY)) == "10000 cells, 0 comparisons, 0 lists"
    assert class_of(FILTERED) is None
    compared = parse("SELECT COUNT(*) FROM patients WHERE year_of_birth > 1950 AND year_of_birth <> 1960", CATALOGUE, CODELISTS)
    assert str(class_of(compared)) == "10 cells, 10 comparisons, 0 lists"


def test_a_long_list_counts_as_several() -> None:
    codes = {"long": tuple(f"C{n}" for n in range(10_001))}
    plan = parse("SELECT COUNT(*) FROM patients WHERE practice IN codelist('long')", CATALOGUE, codes)
    assert class_of(plan) is None
    codes["long"] = codes["long"][:10_000]
    assert class_of(parse("SELECT COUNT(*) FROM patients WHERE practice IN codelist('long')", CATALOGUE, codes)) is not None


def test_every_measured_release_time_is_a_step_and_four_times_the_slowest() -> None:
    steps = {0.25 * 2**power for power in range(12)} | {60.0}
    for factor in (0.001, 1, 7, 100):
        slowest = {name: seconds * factor for name, seconds in ALL.items()}
        for plan in (REGION, LISTED, MANY):
            seconds = of(replace(TABLE, slowest=slowest))(plan, PERSONS, 250, 60.0)
            assert seconds in steps and seconds >= ROOM * slowest[str(class_of(plan))]


def test_the_quantum_and_the_deadline_hold_as_they_do_for_the_shipped_table() -> None:
    quick = of(replace(TABLE, slowest=dict.fromkeys(ALL, 0.001)))
    assert quick(REGION, PERSONS, 250, 60.0) == 0.25 < release_time(REGION, PERSONS, 250, 60.0)
    assert quick(REGION, PERSONS, 1_000, 60.0) == 1.0
    slow = of(replace(TABLE, slowest=dict.fromkeys(ALL, 20.0)))
    with pytest.raises(Refusal):
        slow(REGION, PERSONS, 250, 60.0)


def test_a_smaller_class_that_was_slower_counts() -> None:
    slowest = {**dict.fromkeys(ALL, 0.01), str(CLASSES[0]): 1.0}
    assert of(replace(TABLE, slowest=slowest))(MANY, PERSONS, 250, 60.0) == 4.0


@pytest.mark.parametrize("plan", [REGION, FILTERED])
def test_the_shipped_table_stands_where_nothing_was_measured(plan) -> None:  # type: ignore[no-untyped-def]
    shipped = release_time(plan, PERSONS, 250, 60.0)
    assert of(replace(TABLE, slowest={}))(plan, PERSONS, 250, 60.0) == shipped
    assert of(replace(TABLE, persons=PERSONS + 1))(plan, PERSONS, 250, 60.0) == shipped
    assert of(replace(TABLE, dataset="other"))(plan, PERSONS, 250, 60.0) == shipped
    assert Calibrated({})(plan, PERSONS, 250, 60.0) == shipped


def test_a_plan_of_no_class_takes_as_much_longer_as_its_slowest_kind() -> None:
    """Never less than the table that ships."""
    shipped = expected(FILTERED, PERSONS)
    for ratios, times in (
        ({"conditions": 0.1}, 1),
        ({"conditions": 7.0, "persons": 2.0, "joins": 50.0}, 7),
        ({"joins": 50.0}, 1),
    ):
        seconds = of(replace(TABLE, ratios=ratios))(FILTERED, PERSONS, 250, 60.0)
        assert seconds == step_for(times * shipped, 250, 60.0) and seconds >= ROOM * times * shipped
    longest = of(replace(TABLE, ratios={"persons": 1_000.0}))
    with pytest.raises(Refusal):
        longest(FILTERED, PERSONS, 250, 60.0)
    assert longest(REGION, PERSONS, 250, 60.0) == of(TABLE)(REGION, PERSONS, 250, 60.0)


def written(path: Path, table: Calibration) -> str:
    path.write_bytes(to_bytes({"gp": table}))
    return digest(path.read_bytes())


def test_a_table_that_the_log_names_is_used(tmp_path: Path) -> None:
    named = written(tmp_path / "file", TABLE)
    found = standing(tmp_path / "file", named, {"gp": PERSONS})
    assert (found.tables, found.hints, found.foreign) == ({"gp": TABLE}, {}, False)


def test_a_table_is_used_with_as_many_workers_as_it_was_measured_with(tmp_path: Path) -> None:
    table = replace(TABLE, machine=machine(5))
    named = written(tmp_path / "file", table)
    assert standing(tmp_path / "file", named, {"gp": PERSONS}, 5).tables == {"gp": table}
    assert not standing(tmp_path / "file", named, {"gp": PERSONS}, 1).tables


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"persons": 99}, "measured for 99 persons"),
        ({"machine": "another"}, "another machine or version (another)"),
        ({"machine": machine(1)}, "1 workers"),
        ({"runs": RUNS - 1}, "999 runs"),
    ],
)
def test_a_table_of_another_size_machine_or_of_few_runs_is_not(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    named = written(tmp_path / "file", replace(TABLE, **changed))  # type: ignore[arg-type]
    found = standing(tmp_path / "file", named, {"gp": PERSONS, "more": 5})
    assert not found.tables and told in found.hints["gp"] and found.hints["more"] == "not measured on this machine"
    assert not found.foreign


def test_a_file_that_the_log_does_not_name_is_not(tmp_path: Path) -> None:
    assert standing(tmp_path / "file", None, {"gp": PERSONS}).foreign is False
    assert standing(tmp_path / "file", "sha256:0", {"gp": PERSONS}).foreign is True
    written(tmp_path / "file", TABLE)
    for logged in (None, "sha256:0"):
        found = standing(tmp_path / "file", logged, {"gp": PERSONS})
        assert found.foreign and not found.tables and set(found.hints) == {"gp"}


@pytest.mark.parametrize(
    "changed", [{"persons": 0}, {"runs": 0}, {"slowest": {"a": 0.0}}, {"slowest": {"a": float("nan")}}, {"ratios": {"a": -1.0}}]
)
def test_what_is_no_measurement_is_no_table(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a calibration"):
        replace(TABLE, **changed)  # type: ignore[arg-type]


def test_a_machine_without_a_known_processor_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> str:
        raise OSError

    monkeypatch.setattr(calibration.Path, "read_text", missing)
    assert " cores, 2 workers, tre " in machine()
