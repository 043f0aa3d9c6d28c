"""The command line when a file, a folder or a token is not what it should be: one sentence, exit status 1 or 2, no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def tre(home: Path, *words: str, **environment: str) -> tuple[int, str]:
    """A command over a home; its exit status and what it says on standard error."""
    known = {"PATH": os.environ["PATH"], "TRE_HOME": str(home), "COLUMNS": "40", **environment}
    ended = subprocess.run([sys.executable, "-m", "tre", *words], env=known, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stderr.strip()


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "--persons", "5", "{file}"),
        ("sample", "--persons", "5", "/proc/none"),
        ("audit", "verify", "--known", "/no/such/checkpoint"),
        ("audit", "verify", "--known", "{bytes}"),
        ("load", "gp", "/no/such/folder"),
        ("opt-outs", "apply", "/no/such/list.csv"),
    ],
    ids=lambda words: " ".join(words),
)
def test_a_place_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    places = {"file": str(tmp_path / "file"), "bytes": str(tmp_path / "bytes")}
    status, said = tre(tmp_path / "home", *(word.format(**places) for word in words))
    assert status in (1, 2) and said, said
    assert "Traceback" not in said and len(said.splitlines()) == 1


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    status, said = tre(tmp_path / "file", "serve")
    assert status == 2 and "Traceback" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "setting",
    [{"TRE_TOKEN": "tré"}, {"TRE_ADDRESS": "nonsense"}, {"TRE_ADDRESS": "http://[bad"}, {"TRE_ADDRESS": "http://127.0.0.1:1"}],
    ids=str,
)
def test_a_client_that_cannot_ask_says_so(tmp_path: Path, setting: dict[str, str]) -> None:
    status, said = tre(tmp_path / "home", "budget", **setting)
    assert status in (1, 2) and "Traceback" not in said and len(said.splitlines()) == 1
