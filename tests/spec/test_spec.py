"""The language by example: the question of each file, asked of its few people, has its exact answer, noise being taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.cases import CONSTRUCTS, FOLDER, WORLD, answered, read

CASES = {file.stem: file for file in sorted([*FOLDER.glob("*.txt"), *CONSTRUCTS.glob("*.txt")]) if file != WORLD}


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path: Path, name: str) -> None:
    case = read(CASES[name])
    assert case.answer and answered(case, tmp_path) == case.answer
