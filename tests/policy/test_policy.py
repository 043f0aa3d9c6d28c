"""A folder of policies is read whole or refused with its file, its line and its mend."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from tests.policy.folders import make_folder
from tre.errors import Unfit
from tre.policy import ColumnPolicy, DatasetPolicy, Policies, TablePolicy, read_policies
from tre.policy.model import Strict

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
BAD = sorted((HERE / "bad").glob("*.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies without a fault."""
    return make_folder(tmp_path / "policies")


def edited(folder: Path, name: str, old: str, new: str) -> Policies:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return read_policies(folder)


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.stem)
def test_each_bad_file_is_refused_in_its_first_line_s_words(folder: Path, case: Path) -> None:
    target = "purposes.yaml" if case.stem.startswith("purposes-") else "datasets/small.yaml"
    shutil.copy(case, folder / target)
    with pytest.raises(Unfit) as refused:
        read_policies(folder)
    assert "# " + str(refused.value) == case.read_text().split("\n", 1)[0]


def test_there_are_bad_files() -> None:
    assert len(BAD) > 50


def test_every_field_can_be_missed_or_is_optional_by_decision(folder: Path) -> None:
    """A field without a default is required; those with one do not open anything."""
    optional = {
        f"{model.__name__}.{name}"
        for model in Strict.__subclasses__()
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
    assert optional == {
        "ColumnPolicy.keys",
        "ColumnPolicy.values_from",
        "ColumnPolicy.values",
        "ColumnPolicy.min",
        "ColumnPolicy.max",
        "ColumnPolicy.grid",
        "ColumnPolicy.nullable",
        "ColumnPolicy.level",
        "OptOuts.alarm_after_days",
        "OptOuts.national",
        "PublishedSize.rows",
        "TablePolicy.one_row_per_person",
        "TablePolicy.max_rows",
        "TablePolicy.max_groups",
        "TablePolicy.row_cap",
        "PurposePolicy.exemption_required",
        "DatasetPolicy.birth",
        "DatasetPolicy.population",
    }


@pytest.mark.parametrize(
    "section", ["dataset", "title", "lifetime_cap", "max_persons", "person_source", "accounting", "opt_outs"]
)
def test_a_missing_section_is_named(folder: Path, section: str) -> None:
    path = folder / "datasets/small.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith(section + ":")))
    with pytest.raises(Unfit, match=rf"datasets/small\.yaml, line \d+: {section}: missing; add it"):
        read_policies(folder)


def test_the_good_folder_is_read(folder: Path) -> None:
    policies = read_policies(folder)
    small = policies.datasets["small"]
    assert small.tables["patients"].row_cap == 1 and small.tables["measurements"].row_cap == 2_000
    assert policies.codelists == {"asthma": ("195967001",)}
    assert policies.purposes["communicable-disease"].regimes == ("type-1",)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("datasets/small.yaml", "threshold: 10", "threshold: 11"),
        ("datasets/small.yaml", "Stated gender", "Registered sex"),
        ("datasets/small.yaml", "queue: 128", "queue: 129"),
        ("purposes.yaml", "regimes: [type-1], ex", "regimes: [type-1, local], ex"),
        ("purposes.yaml", "solely-commercial]", "solely-commercial, direct-care]"),
        ("codelists/asthma.csv", "Asthma\n", "Asthma\n233678006,Childhood asthma\n"),
    ],
)
def test_the_digest_covers_everything_resolved(folder: Path, name: str, old: str, new: str) -> None:
    before = read_policies(folder).datasets["small"].digest
    assert edited(folder, name, old, new).datasets["small"].digest != before


def test_the_digest_covers_the_values_of_a_list(folder: Path) -> None:
    before = edited(folder, "datasets/small.yaml", "values: [F, M]", "values_from: codelists/sexes.csv")
    after = edited(folder, "codelists/sexes.csv", "M\n", "M\nI\n")
    assert before.datasets["small"].digest != after.datasets["small"].digest
    assert before.datasets["small"].schema_digest != after.datasets["small"].schema_digest
    assert after.datasets["small"].tables["patients"].columns["sex"].values == ("F", "M", "I")


@pytest.mark.parametrize(("old", "new"), [("1e-6", "0.000001"), ("70_000_000", "70000000"), ("opt_outs:", "# a word\nopt_outs:")])
def test_equal_policies_have_equal_digests(folder: Path, old: str, new: str) -> None:
    before = read_policies(folder).datasets["small"].digest
    assert edited(folder, "datasets/small.yaml", old, new).datasets["small"].digest == before


def test_the_column_of_birth_is_optional_and_checked(folder: Path) -> None:
    """Left out it is no part of the digest; written it is, and never of the schema's."""
    before = read_policies(folder).datasets["small"]
    assert before.birth is None
    named = edited(folder, "datasets/small.yaml", "privacy_unit: person", "privacy_unit: person\nbirth: patients.year_of_birth")
    after = named.datasets["small"]
    assert after.birth == "patients.year_of_birth" and after.digest != before.digest
    assert after.schema_digest == before.schema_digest
    assert read_policies(POLICIES).datasets["gp"].birth == "patients.year_of_birth"


@pytest.mark.parametrize(
    ("birth", "told"),
    [
        ("patients.born", "patients.born is not a column of this policy; write table.column or leave birth out"),
        ("people.year_of_birth", "people.year_of_birth is not a column of this policy"),
        ("patients.sex", "birth is a year \\(integer\\) or a date of a table with one row per person; name such a column"),
        ("measurements.value", "birth is a year"),
        ("year_of_birth", "birth: "),
    ],
)
def test_a_column_of_birth_that_is_none_is_refused(folder: Path, birth: str, told: str) -> None:
    with pytest.raises(Unfit, match=told):
        edited(folder, "datasets/small.yaml", "privacy_unit: person", f"privacy_unit: person\nbirth: {birth}")


def in_population(folder: Path, name: str, population: str) -> Policies:
    """The small dataset, and the same under another name."""
    text = (folder / "datasets/small.yaml").read_text().replace("dataset: small", f"dataset: {name}\npopulation: {population}")
    (folder / f"datasets/{name}.yaml").write_text(text)
    return read_policies(folder)


def test_a_population_is_the_datasets_own_name_where_it_is_not_written(folder: Path) -> None:
    """Written or not it is one policy, and one digest; another is part of the digest, and never of the schema's."""
    before = read_policies(folder).datasets["small"]
    own = edited(folder, "datasets/small.yaml", "dataset: small", "dataset: small\npopulation: small").datasets["small"]
    assert own == before and (own.digest, own.people) == (before.digest, "small")
    other = edited(folder, "datasets/small.yaml", "population: small", "population: town").datasets["small"]
    assert other.people == "town" and other.digest != before.digest and other.schema_digest == before.schema_digest


def test_the_names_of_the_same_people(folder: Path) -> None:
    assert read_policies(folder).same_people("small") == ("small",)
    assert in_population(folder, "again", "small").same_people("small") == ("again", "small")
    policies = in_population(folder, "third", "town")
    assert policies.same_people("again") == ("again", "small") and policies.same_people("third") == ("third", "town")
    assert policies.same_people("gone") == ("gone",), "of which no policy speaks any more"
    assert policies.populations == {"small": ("again", "small"), "town": ("third",)}


def test_a_population_is_not_named_by_a_dataset_of_another(folder: Path) -> None:
    in_population(folder, "again", "town")
    told = r"datasets/small\.yaml, line 3: population: the dataset again is about the population town; write town here as well"
    with pytest.raises(Unfit, match=told):
        edited(folder, "datasets/small.yaml", "dataset: small", "dataset: small\npopulation: again")
    assert edited(folder, "datasets/small.yaml", "population: again", "population: town").same_people("small") == (
        "again",
        "small",
        "town",
    )


def test_one_population_in_two_datasets_is_warned_of_with_the_sum_of_the_caps(folder: Path) -> None:
    assert read_policies(folder).warnings() == []
    (told,) = in_population(folder, "again", "small").warnings()
    assert told.startswith("again, small: one population (small)") and "epsilon 100 at delta 0.000002" in told


def test_the_schema_digest_is_of_the_tables_alone(folder: Path) -> None:
    before = read_policies(folder).datasets["small"].schema_digest
    assert edited(folder, "datasets/small.yaml", "threshold: 10", "threshold: 20").datasets["small"].schema_digest == before
    assert edited(folder, "datasets/small.yaml", "max: 2026", "max: 2027").datasets["small"].schema_digest != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code,term\n1,One\n1,Uno\n", "line 3: listed twice; remove one"),
        ("code,term\n 1,One\n", "line 2: empty, padded or too long; mend or remove the line"),
        ("code,term\n", "line 2: an empty list; add a line or remove the file"),
        ("id,term\n1,One\n", "line 1: the first heading is neither code nor value; name the first column"),
    ],
)
def test_a_bad_code_list_is_refused(folder: Path, text: str, told: str) -> None:
    (folder / "codelists/asthma.csv").write_text(text)
    with pytest.raises(Unfit, match=f"codelists/asthma.csv, {told}"):
        read_policies(folder)


@pytest.mark.parametrize("name", ["datasets/gp.yml", "codelists/mine.txt"])
def test_a_file_that_would_be_passed_over_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("dataset: gp\n")
    with pytest.raises(Unfit, match=f"{name}, line 1: not read; rename it"):
        read_policies(folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="no such folder"):
        read_policies(tmp_path / "absent")
    (tmp_path / "purposes.yaml").write_text((HERE / "good-purposes.yaml").read_text())
    with pytest.raises(Unfit, match="no policy of a dataset"):
        read_policies(tmp_path)


def test_a_policy_is_frozen() -> None:
    policy = read_policies(POLICIES).datasets["gp"]
    with pytest.raises(ValidationError):
        policy.disclosure.threshold = 5  # type: ignore[misc]


def test_the_sample_s_policy_is_the_contract_s() -> None:
    gp = read_policies(POLICIES).datasets["gp"]
    assert {name: list(table.columns) for name, table in gp.tables.items()} == {
        "patients": [
            *("practice", "board", "region", "sex", "year_of_birth", "ethnicity", "imd_decile"),
            *("registered_on", "left_on", "died_on"),
        ],
        "events": ["date", "code"],
        "measurements": ["date", "kind", "value"],
        "prescriptions": ["date", "bnf_code", "quantity"],
    }
    patients = gp.tables["patients"].columns
    assert (len(patients["board"].values), len(patients["region"].values)) == (42, 7)
    assert (patients["practice"].type, patients["practice"].keys, patients["practice"].level) == (
        "code",
        "discovered",
        "organisation",
    )
    assert (gp.max_persons, str(gp.lifetime_cap.epsilon), str(gp.lifetime_cap.delta)) == (70_000_000, "50", "0.000001")


def test_code_lists_hold_valid_concept_ids() -> None:
    lists = read_policies(POLICIES).codelists
    assert sorted(lists) == [
        *("asthma", "atrial-fibrillation", "cancer", "chd", "ckd", "copd"),
        *("dementia", "depression", "diabetes", "epilepsy", "heart-failure", "hypertension"),
    ]
    wrong = [code for codes in lists.values() for code in codes if not concept_id(code)]
    assert not wrong
    assert not concept_id("195967002") and not concept_id("159967001")


def concept_id(code: str) -> bool:
    """SNOMED CT: a partition of 00 or 10 and Verhoeff's check digit (multiplication in the dihedral group of ten)."""
    permutation = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check = 0
    for place, digit in enumerate(map(int, reversed(code))):
        for _ in range(place % 8):
            digit = permutation[digit]
        flip = (check < 5) != (digit < 5)
        check = (check % 5 + (digit % 5 if check < 5 else -(digit % 5))) % 5 + 5 * flip
    return check == 0 and code[-3:-1] in ("00", "10")


def test_every_column_type_is_used_by_the_sample() -> None:
    gp: DatasetPolicy = read_policies(POLICIES).datasets["gp"]
    tables: list[TablePolicy] = list(gp.tables.values())
    kinds = {column.type for table in tables for column in table.columns.values()}
    assert kinds == set(get_args(ColumnPolicy.model_fields["type"].annotation))
