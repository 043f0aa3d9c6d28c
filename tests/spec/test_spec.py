"""The language by example: the question of each file, asked of its few people, has its exact answer, noise being taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.cases import CONSTRUCTS, FOLDER, WORLD, answered, read

FILES = [*sorted(FOLDER.glob("*.txt")), *(file for file in sorted(CONSTRUCTS.glob("*.txt")) if file != WORLD)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_case(tmp_path: Path, file: Path) -> None:
    case = read(file)
    assert case.answer and answered(case, tmp_path) == case.answer
