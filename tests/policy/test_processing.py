"""OO-24: the record of processing has every field of Article 30, from configuration; one that is missing is told and stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving import POLICIES, copy_home, office_of
from tre.errors import Unfit
from tre.policy import read_policies, read_processing
from tre.policy.processing import FILE, Controller, Processing

WRITTEN: dict[str, Any] = yaml.safe_load((POLICIES / FILE).read_text())
PLACES = [("controller", name) for name in Controller.model_fields] + [(name,) for name in Processing.model_fields]
# UK GDPR, Article 30(1), letter by letter.
ARTICLE_30 = {
    "a": {"name", "contact", "joint_controllers", "representative", "data_protection_officer"},
    "b": {"purposes"},
    "c": {"categories_of_persons", "categories_of_records"},
    "d": {"recipients"},
    "e": {"transfers"},
    "f": {"time_limits"},
    "g": {"security"},
}


def test_the_policies_that_ship_have_every_field_of_every_dataset() -> None:
    datasets = tuple(read_policies(POLICIES).datasets)
    found = read_processing(POLICIES, datasets)
    assert set(found) == set(datasets)
    wanted = set().union(*ARTICLE_30.values()) - {"purposes"}
    assert {*Processing.model_fields, *Controller.model_fields} - {"controller"} == wanted


@pytest.mark.parametrize("place", PLACES, ids=".".join)
@pytest.mark.parametrize("value", ["missing", "", " "])
def test_a_field_that_is_missing_or_empty_is_told(place: tuple[str, ...], value: str, tmp_path: Path) -> None:
    written = json.loads(json.dumps(WRITTEN))
    where = written["processing"]["gp"]
    for part in place[:-1]:
        where = where[part]
    where.pop(place[-1])
    if value != "missing":
        where[place[-1]] = value
    (tmp_path / FILE).write_text(yaml.safe_dump(written))
    with pytest.raises(Unfit, match=FILE):
        read_processing(tmp_path, ("gp",))


def test_a_dataset_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text((POLICIES / FILE).read_text())
    with pytest.raises(Unfit, match="hospital is missing"):
        read_processing(tmp_path, ("gp", "hospital"))


def test_the_record_names_the_purposes_of_the_register(furnished: Path, tmp_path: Path) -> None:
    with office_of(copy_home(furnished, tmp_path / "home")) as office:
        [record] = office.processing(POLICIES)["records"]
    flat = {**record, **record["controller"]}
    assert all(flat[name] for names in ARTICLE_30.values() for name in names)
    assert [(one["id"], one["purpose_class"]) for one in record["purposes"]] == [("demo", "research")]
