"""What an edit changes, and which way: a case for each kind of field, and no field without a rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.policy.folders import edit, make_folder
from tre.errors import Unfit
from tre.policy import Effect, Policies, differences, read_policies, whole
from tre.policy.differences import NAMED, PARTS, RULES, unclassified
from tre.policy.model import Strict, TablePolicy
from tre.terms import canonical

SMALL, PURPOSES = "datasets/small.yaml", "purposes.yaml"
T, N, L = Effect

EDITS = [
    # file, old, new, effect, field
    (SMALL, "epsilon: 50", "epsilon: 51", L, "lifetime_cap.epsilon"),
    (SMALL, "epsilon: 50", "epsilon: 9.5", T, "lifetime_cap.epsilon"),
    (SMALL, "delta: 1e-6", "delta: 2e-6", L, "lifetime_cap.delta"),
    (SMALL, "threshold: 10", "threshold: 9", L, "disclosure.threshold"),
    (SMALL, "threshold: 10", "threshold: 100", T, "disclosure.threshold"),
    (SMALL, "rounding: 5", "rounding: 1", L, "disclosure.rounding"),
    (SMALL, "rounding: 5", "rounding: 10", T, "disclosure.rounding"),
    (SMALL, "max_rows_out: 10_000", "max_rows_out: 10_001", L, "disclosure.max_rows_out"),
    (SMALL, "default_share: 0.01", "default_share: 0.02", L, "accounting.default_share"),
    (SMALL, "default_share: 0.01", "default_share: 0.009", T, "accounting.default_share"),
    (SMALL, "quantum_ms: 250", "quantum_ms: 100", L, "accounting.quantum_ms"),
    (SMALL, "deadline_s: 60", "deadline_s: 120", L, "accounting.deadline_s"),
    (SMALL, "queue: 128", "queue: 129", N, "accounting.queue"),
    (SMALL, "faults_before_hold: 3", "faults_before_hold: 4", L, "accounting.faults_before_hold"),
    (SMALL, "max_list_age_days: 7", "max_list_age_days: 21", L, "opt_outs.max_list_age_days"),
    (SMALL, "max_list_age_days: 7", "max_list_age_days: 1", T, "opt_outs.max_list_age_days"),
    (SMALL, "national: objections", "national: check-service", T, "opt_outs.national"),
    (SMALL, "national: objections, ", "", T, "opt_outs.national"),
    (SMALL, "alarm_after_days: 3", "alarm_after_days: 4", L, "opt_outs.alarm_after_days"),
    (SMALL, "alarm_after_days: 3", "alarm_after_days: 2", T, "opt_outs.alarm_after_days"),
    (SMALL, "max_persons: 70_000_000", "max_persons: 70_000_001", L, "max_persons"),
    (SMALL, "persons: 100_000", "persons: 99_999", L, "published_size.persons"),
    (SMALL, "persons: 100_000", "persons: 100_001", L, "published_size.persons"),
    (SMALL, "column: nhs_number", "column: id_number", L, "person_source.column"),
    (SMALL, "dataset: small", "dataset: small\npopulation: town", L, "population"),
    (SMALL, "check: nhs-number", "check: none", L, "person_source.check"),
    (SMALL, "max_rows: 20", "max_rows: 21", L, "tables.measurements.max_rows"),
    (SMALL, "max_rows: 20", "max_rows: 19", T, "tables.measurements.max_rows"),
    (SMALL, "max_groups: 12", "max_groups: 13", L, "tables.measurements.max_groups"),
    (SMALL, "row_cap: 2_000", "row_cap: 2_001", L, "tables.measurements.row_cap"),
    (SMALL, "values: [F, M]", "values: [F, M, I]", L, "tables.patients.columns.sex.values"),
    (SMALL, "values: [F, M]", "values: [F]", T, "tables.patients.columns.sex.values"),
    (SMALL, "values: [F, M]", "values: [M, F]", N, "tables.patients.columns.sex.values"),
    (SMALL, "values: [F, M]", "values: [F, X]", L, "tables.patients.columns.sex.values"),
    (SMALL, "values: [F, M]", "values_from: codelists/sexes.csv", N, "tables.patients.columns.sex.values_from"),
    (SMALL, "min: 1900", "min: 1899", L, "tables.patients.columns.year_of_birth.min"),
    (SMALL, "min: 1900", "min: 1901", T, "tables.patients.columns.year_of_birth.min"),
    (SMALL, "max: 2026", "max: 2027", L, "tables.patients.columns.year_of_birth.max"),
    (SMALL, "grid: 0.1", "grid: 0.01", L, "tables.measurements.columns.value.grid"),
    (SMALL, "grid: 0.1", "grid: 0.2", T, "tables.measurements.columns.value.grid"),
    (SMALL, "Stated gender", "Registered sex", N, "tables.patients.columns.sex.description"),
    (PURPOSES, "regimes: [type-1], ex", "regimes: [type-1, local], ex", T, "purposes.communicable-disease.regimes"),
    (PURPOSES, "regimes: [type-1], ex", "regimes: [local], ex", L, "purposes.communicable-disease.regimes"),
    (PURPOSES, "solely-commercial]", "solely-commercial, direct-care]", T, "prohibited"),
    ("codelists/asthma.csv", "Asthma\n", "Asthma\n233678006,Childhood asthma\n", N, ""),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "policies")


def compared(before: Policies, after: Policies) -> Any:
    """Through JSON, as the database keeps it."""
    return differences(json.loads(canonical(before.resolved)), after.resolved)


@pytest.mark.parametrize(("name", "old", "new", "effect", "field"), EDITS)
def test_an_edit_is_judged_by_its_field(folder: Path, name: str, old: str, new: str, effect: Effect, field: str) -> None:
    before = read_policies(folder)
    edit(folder, name, old, new)
    after = read_policies(folder)
    (one,) = compared(before, after)
    assert (one.file, one.field, one.effect) == (name, field, effect)
    assert whole([one]) == effect
    assert compared(after, after) == ()
    assert before.digest != after.digest


@pytest.mark.parametrize(("name", "old", "new", "effect", "field"), [case for case in EDITS if case[3] != N])
def test_what_is_tighter_one_way_is_looser_on_the_way_back(
    folder: Path, name: str, old: str, new: str, effect: Effect, field: str
) -> None:
    before = read_policies(folder)
    edit(folder, name, old, new)
    (back,) = compared(read_policies(folder), before)
    assert back.effect in ((L,) if effect == T else (T, L))


def test_what_there_is_more_of_is_looser_and_what_there_is_less_of_tighter(folder: Path) -> None:
    before = read_policies(folder)
    edit(folder, SMALL, "dataset: small", "dataset: other")
    (folder / SMALL).rename(folder / "datasets/other.yaml")
    edit(folder, PURPOSES, "  research:", "  audit: {regimes: [type-1, national, local]}\n  study:")
    after = read_policies(folder)
    told = {(one.file, one.field): one.effect for one in compared(before, after)}
    assert told == {
        ("datasets/other.yaml", ""): L,
        ("datasets/small.yaml", ""): T,
        (PURPOSES, "purposes.audit"): L,
        (PURPOSES, "purposes.study"): L,
        (PURPOSES, "purposes.research"): T,
    }
    assert [one.effect for one in compared(before, after)] == sorted(told.values(), key=[L, T, N].index)


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_column_and_a_table(folder: Path, way: str) -> None:
    before = read_policies(folder)
    resolved = json.loads(canonical(before.resolved))
    tables = resolved["datasets"]["small"]["tables"]
    del tables["measurements"], tables["patients"]["columns"]["sex"]
    found = differences(resolved, before.resolved) if way == "there" else differences(before.resolved, resolved)
    assert [(one.field, one.effect) for one in found] == [
        ("tables.measurements", L if way == "there" else T),
        ("tables.patients.columns.sex", L if way == "there" else T),
    ]


COLUMN = {"keys": "public", "level": None, "nullable": False, "type": "category", "min": None}


@pytest.mark.parametrize(
    ("field", "old", "new", "effect"),
    [
        ("keys", None, "discovered", L),
        ("keys", "discovered", "public", L),
        ("keys", "public", None, T),
        ("nullable", False, True, L),
        ("nullable", True, False, T),
        ("level", "organisation", None, L),
        ("level", None, "organisation", T),
        ("type", "integer", "date", L),
        ("min", "2000-01-01", "1999-12-31", L),
        ("min", "2000-01-01", "2000-01-02", T),
        ("min", 7, "2000-01-01", L),
        ("min", None, 7, L),
    ],
)
def test_a_columns_fields(field: str, old: Any, new: Any, effect: Effect) -> None:
    assert RULES[f"ColumnPolicy.{field}"](old, new) == effect


def test_every_field_has_a_rule_and_every_rule_a_field() -> None:
    models = Strict.__subclasses__()
    assert unclassified(models) - {"_Purposes.purposes", "_Purposes.prohibited"} == set()
    fields = {f"{model.__name__}.{name}" for model in models for name in model.model_fields}
    assert {*RULES, *PARTS, *NAMED} <= fields


def test_a_new_field_is_missed_and_counts_as_looser(folder: Path) -> None:
    class Newer(TablePolicy):
        opened: bool = False

    assert unclassified([Newer]) >= {"Newer.opened"}
    before = read_policies(folder).resolved
    after = json.loads(canonical(before))
    after["datasets"]["small"]["tables"]["patients"]["opened"] = True
    assert [one.effect for one in differences(before, after)] == [L]
    assert [one.effect for one in differences(after, before)] == [L]


def test_a_default_that_an_older_version_did_not_write_is_neutral(folder: Path) -> None:
    after = read_policies(folder).resolved
    before = json.loads(canonical(after))
    del before["datasets"]["small"]["tables"]["patients"]["columns"]["sex"]["level"]
    del before["datasets"]["small"]["disclosure"]["rounding"]
    assert [(one.field, one.effect) for one in differences(before, after)] == [
        ("disclosure.rounding", L),
        ("tables.patients.columns.sex.level", N),
    ]


def test_a_difference_is_told_shortly(folder: Path) -> None:
    before = read_policies(folder)
    many = "\n".join(f"{number},Term" for number in range(3_000))
    edit(folder, "codelists/asthma.csv", "code,term\n", f"code,term\n{many}\n")
    edit(folder, SMALL, "values: [F, M]", "values: [F, X]")
    edit(folder, SMALL, "Stated gender", "S" * 490)
    looser, *others = compared(before, read_policies(folder))
    assert str(looser) == (
        "datasets/small.yaml: tables.patients.columns.sex.values: 2 in all, only here: M → 2 in all, only here: X (looser)"
    )
    assert all(len(json.dumps(one.to_json())) < 900 for one in others)
    assert "3001 in all, only here: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2990 more" in {one.to_json()["new"] for one in others}


def test_the_check_service_given_up_is_looser_and_what_is_not_written_is_it(folder: Path) -> None:
    """What is not written is the closed choice: written or not, it is one policy, and one digest."""
    path = folder / SMALL
    before = path.read_text()
    digests = []
    for written in ("", "national: check-service, ", "national: objections, "):
        path.write_text(before.replace("national: objections, ", written))
        digests.append(read_policies(folder).datasets["small"].digest)
    assert digests[0] == digests[1] != digests[2]
    closed = path.read_text()
    path.write_text(before.replace("national: objections", "national: check-service"))
    old = read_policies(folder)
    path.write_text(closed)
    (found,) = compared(old, read_policies(folder))
    assert (found.field, found.effect) == ("opt_outs.national", L)


def test_another_population_is_looser_whichever_way_and_an_older_policy_named_none(folder: Path) -> None:
    alone = read_policies(folder)
    older = json.loads(canonical(alone.resolved))
    del older["datasets"]["small"]["population"]
    assert [one.effect for one in differences(older, alone.resolved)] == [N]
    edit(folder, SMALL, "dataset: small", "dataset: small\npopulation: town")
    town = read_policies(folder)
    edit(folder, SMALL, "population: town", "population: county")
    for before, after in ((alone, town), (town, alone), (town, read_policies(folder))):
        (one,) = compared(before, after)
        assert (one.field, one.effect) == ("population", L)
    assert [one.effect for one in differences(older, town.resolved)] == [L]


def test_persons_without_an_nhs_number_need_objections(folder: Path) -> None:
    path = folder / SMALL
    path.write_text(path.read_text().replace("check: nhs-number", "check: none").replace("national: objections, ", ""))
    with pytest.raises(Unfit, match="write national: objections"):
        read_policies(folder)
