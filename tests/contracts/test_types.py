"""The types refuse a forgotten step. Each file of ``forgotten/`` does one right, and wrong where a line says ``# forgotten``."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORGOTTEN = sorted((Path(__file__).parent / "forgotten").glob("*.py"))
ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): error: .*$", re.MULTILINE)


@pytest.fixture(scope="module")
def said() -> str:
    """What the checker says of the package and of the forgotten steps: one run, one at a time, since runs share a cache."""
    command = [sys.executable, "-m", "mypy", "--no-pretty", "--no-error-summary", "tre", *map(str, FORGOTTEN)]
    with Path(tempfile.gettempdir(), "tre-types.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def errors(said: str, file: str) -> set[int]:
    return {int(error["line"]) for error in ERROR.finditer(said) if error["file"] == file}


def test_the_package_has_no_error(said: str) -> None:
    assert [error[0] for error in ERROR.finditer(said) if error["file"].startswith("tre/")] == []


@pytest.mark.parametrize("path", FORGOTTEN, ids=lambda path: path.stem)
def test_a_forgotten_step_is_an_error(path: Path, said: str) -> None:
    marked = {number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# forgotten")}
    assert marked
    assert errors(said, path.relative_to(ROOT).as_posix()) == marked


def test_the_five_steps_are_all_there() -> None:
    assert {path.stem for path in FORGOTTEN} == {"restriction", "noise", "suppression", "budget", "float_loss"}
