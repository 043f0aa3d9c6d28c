"""Each plan compiles to the text in its file, and that text, executed, counts what plain Python counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.goldens import FOLDER, PLANS, read
from tests.vault import plain
from tests.vault.building import Quiet, build
from tests.vault.test_engine import EXCLUDED, people
from tre.terms import Exclusion, Snapshot
from tre.vault.compile import compile

FILES = {file.stem: file for file in sorted(FOLDER.glob("*.txt"))}


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Quiet, tuple[Snapshot, Exclusion]]:
    folder: Path = tmp_path_factory.mktemp("golden")
    (folder / "store").mkdir()
    return Quiet(folder / "store", folder), build(folder / "store", people(), EXCLUDED)


@pytest.mark.parametrize("name", FILES)
def test_the_text_is_the_file_s(name: str) -> None:
    plan, statement = read(FILES[name])
    assert compile(plan) == statement


@pytest.mark.parametrize("name", FILES)
def test_the_text_counts(everyone: tuple[Quiet, tuple[Snapshot, Exclusion]], name: str) -> None:
    quiet, held = everyone
    plan, statement = read(FILES[name])
    records = quiet.prepare(*held)
    counts = list(records.count(statement, plan).counts[0])
    assert counts == plain.count(plan, people(), EXCLUDED)
    assert sum(counts) > 0 or name == "never"


def test_every_plan_has_its_file() -> None:
    assert set(FILES) == set(PLANS)
