"""The tree itself keeps format, lint and import rules, so that one run of the tests says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."],
        [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "."],
        [str(LINT_IMPORTS), "--no-cache"],
    ],
    ids=["format", "lint", "imports"],
)
def test_the_tree_keeps_the_rules(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
