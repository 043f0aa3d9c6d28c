"""The shape of the code: who says what it promises, how long things are, what they are called."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tre").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
ROOMS = sorted(path for path in (*(ROOT / "tre").glob("*.py"), *(ROOT / "tre").glob("*/__init__.py")))

BANNED_PARTS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "common",
    "misc",
    "handler",
    "service",
    "anonymous",
    "safe",
    "secure",
}
BANNED_PARTS |= {"private", "user", "entity", "workspace", "tenant", "quota", "masking", "redaction", "odometer"}
BANNED_ALONE = {"data", "process", "handle", "result", "results"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module begins with a docstring"


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_says_what_it_promises_and_what_it_never_does(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert len(said.split()) >= 8
    assert re.search(r"\b(never|nothing|no|nobody|neither|only|without)\b", said, re.IGNORECASE), "what it never does"


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 400


def test_functions_are_short() -> None:
    lengths = {f"{name(path)}:{function.name}": length(function) for path in FILES for function in functions(path)}
    assert [who for who, lines in lengths.items() if lines > 60] == []
    assert statistics.median(lengths.values()) <= 8


def names_made(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def hides_meaning(word: str) -> bool:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower().split("_")
    return word.lower() in BANNED_ALONE or bool(BANNED_PARTS & set(parts))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_names_say_what_they_mean(path: Path) -> None:
    words = [*path.relative_to(ROOT).with_suffix("").parts, *names_made(ast.parse(path.read_text()))]
    assert sorted({word for word in words if hides_meaning(word)}) == []


def test_a_name_that_hides_meaning_is_seen() -> None:
    assert all(map(hides_meaning, ("util", "BudgetManager", "user_id", "result", "handle")))
    assert not any(map(hides_meaning, ("used", "resulting", "database", "handle_of_door")))
