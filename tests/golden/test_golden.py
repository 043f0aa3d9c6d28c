"""Each plan compiles to the text in its file, and that text, executed, adds up to what plain Python adds up to."""

from __future__ import annotations

import pytest

from tests.golden.goldens import FOLDER, PLANS, read
from tests.vault import plain
from tests.vault.test_engine import EXCLUDED, World
from tre.vault.compile import compile

FILES = {file.stem: file for file in sorted(FOLDER.glob("*.txt"))}


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", FILES)
def test_the_text_is_the_file_s(name: str) -> None:
    plan, statements = read(FILES[name])
    assert plan == PLANS[name]
    assert compile(plan) == statements


@pytest.mark.parametrize("name", FILES)
def test_the_text_adds_up(everyone: World, name: str) -> None:
    plan, _ = read(FILES[name])
    found = everyone.blocks(plan)
    assert found == plain.add_up(plan, everyone.tables, EXCLUDED)
    assert any(number for _, vectors in found for number in vectors[0]) or name == "never"


def test_every_plan_has_its_file() -> None:
    assert set(FILES) == set(PLANS)
