"""`docs/opt-outs.md`: every requirement has its row, and every test that a row names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (OO-\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
PATH = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
TO_COME = re.compile(r"\(to come: ([^)]+)\)")
ROWS = {id: held for id, _, held in ROW.findall((ROOT / "docs" / "opt-outs.md").read_text())}
LEAST_REASON = 80


def is_there(path: str, name: str) -> bool:
    file = ROOT / path
    if not file.exists():
        return False
    functions = {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}
    return name in functions if name else any(one.startswith("test_") for one in functions)


def test_every_requirement_has_a_row_and_there_is_no_other() -> None:
    assert list(ROWS) == [f"OO-{number}" for number in range(1, 28)]


@pytest.mark.parametrize("id", ROWS)
def test_what_a_row_names_is_there(id: str) -> None:
    """A row names a test, or says at length why only an organisation can do it. What is to come is not there yet: a row that has
    nothing else is an expected failure, and one whose test has come since is a failure until its words say so."""
    now, coming = PATH.findall(TO_COME.sub("", ROWS[id])), PATH.findall(" ".join(TO_COME.findall(ROWS[id])))
    assert [one for one in now if not is_there(*one)] == []
    assert [one for one in coming if is_there(*one)] == [], "it is there: take away the words `to come`"
    if not now and not (ROWS[id].startswith("organisation: ") and len(ROWS[id]) > LEAST_REASON):
        assert coming, "neither a test nor a reason"
        pytest.xfail(f"{id} is held by a test that is to come")


def test_a_test_that_is_not_there_is_seen() -> None:
    assert not is_there("tests/contracts/test_opt_outs_doc.py", "test_of_nothing")
    assert not is_there("tests/no_such_file.py", "") and is_there("tests/contracts/test_opt_outs_doc.py", "")
