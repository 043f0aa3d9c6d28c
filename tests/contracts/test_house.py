"""The files around the code: hashed requirements, commands that exist, no address of the place where it was written."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ["requirements.txt", "requirements-dev.txt"]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # unpacked without its history
        paths = [path for path in ROOT.rglob("*") if not {".venv", ".tre"} & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def pins(file: str) -> dict[str, set[str]]:
    """name → the versions that the file pins (one a marker)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_requirement_is_pinned_and_hashed(file: str) -> None:
    text = (ROOT / file).read_text().replace("\\\n", " ")
    one = re.compile(r"[a-z0-9.-]+==[a-z0-9.]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *")
    assert [line[:60] for line in text.splitlines() if not one.fullmatch(line)] == []


def test_the_tests_run_on_what_is_served() -> None:
    served, tested = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in served} == served


def test_what_the_package_needs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needs = [*project["project"]["dependencies"], *project["dependency-groups"]["run"], *project["build-system"]["requires"]]
    assert [need for need in needs if need not in pins("requirements.txt")] == []
    tests = [need for need in project["dependency-groups"]["dev"] if isinstance(need, str)]
    assert [need for need in tests if need not in pins("requirements-dev.txt")] == []


# Put together from halves, so that this file does not hold what it looks for.
ADDRESSES = ["pypi" + ".org", "python" + "hosted", "npm" + "js.", "debian" + ".org/"]
OPTIONS = ["--index" + "-url", "--extra-index" + "-url", "--find" + "-links", "--trusted" + "-host"]
PLACES = [r"(?<![\w.~})-])/(work|root)" + "/", r"/tmp/(venv|build|house)" + r"\b", r"/opt/(pypi|wheels)" + r"\b"]
FORBIDDEN = re.compile("|".join([*map(re.escape, ADDRESSES + OPTIONS), *PLACES]))


def test_no_file_tells_where_it_was_written() -> None:
    told = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        told += [f"{path.relative_to(ROOT)}: {found[0]}" for found in FORBIDDEN.finditer(text)]
    assert told == []


def test_an_address_is_seen() -> None:
    seen = ["see " + "/work" + "/main", "https://" + "pypi" + ".org/simple", "cd " + "/root" + "/x"]
    assert all(FORBIDDEN.search(text) for text in seen)
    assert not FORBIDDEN.search(".tre" + "/work" + "/ and work" + "/")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_commands_of_the_contract_exist() -> None:
    assert {"run", "test", "check", "audit", "bench"} <= targets()


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md", ".ci/run"])
def test_a_command_in_prose_exists(file: str) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", (ROOT / file).read_text(), re.MULTILINE))
    assert named <= targets()


def test_ci_runs_the_tests() -> None:
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & 0o111
    assert re.search(r"^make test$", run.read_text(), re.MULTILINE)
    assert set((ROOT / ".ci" / "packages").read_text().split()) == {"chromium", "strace"}


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md"])
def test_a_path_in_prose_exists(file: str) -> None:
    text = (ROOT / file).read_text()
    named = re.findall(r"`((?:tre|tests|policies|docs)/[^`\s*<{]*)`", text) + re.findall(r"\]\(([^):]+)\)", text)
    assert [path for path in named if not (ROOT / path.partition("#")[0]).exists()] == []
