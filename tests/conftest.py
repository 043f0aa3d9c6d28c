"""Shared by all tests: no setting of the machine leaks in, generated cases are the same in every run, a missing tool is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

for name in [name for name in os.environ if name.startswith("TRE_")]:
    del os.environ[name]

hypothesis.settings.register_profile("test", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.register_profile("audit", max_examples=2_000, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


ALONE = "pytest.mark.alone"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """In the part of the tests that run alone, a module that marks none of its own is not read: reading them all takes as long as
    several of its tests."""
    wanted = str(config.option.markexpr).startswith("alone") and collection_path.suffix == ".py"
    return True if wanted and ALONE not in collection_path.read_text() else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before any is deselected: each test that runs alone is marked in its own module, or its part would not find it."""
    for module in {item.path for item in items if item.get_closest_marker("alone")}:
        if ALONE not in module.read_text():
            raise pytest.UsageError(f"{module}: write {ALONE} in the module itself")


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The path of an outside program (`chromium`, `strace`, `go`). A test whose program is missing is not run; in CI it fails if
    `.ci/packages` names the program."""
    installed = (Path(__file__).parents[1] / ".ci/packages").read_text().split()

    def find(program: str) -> str:
        path = shutil.which(program)
        if path is None and program in installed and os.environ.get("CI") == "true":
            pytest.fail(f"{program} is missing: .ci/packages names what to install")
        if path is None:
            pytest.skip(f"not run: {program} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the 2,000 sample persons and the demo's identities, made once a test process; tests work on copies."""
    from tests.serving import furnish

    home = tmp_path_factory.mktemp("furnished") / "home"
    furnish(home)
    return home


@pytest.fixture(scope="module")
def served(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """One `tre serve` for a module's tests, which therefore ask different questions."""
    from tests.serving import Served, copy_home

    with Served(copy_home(furnished, tmp_path_factory.mktemp("served") / "home")) as running:
        yield running
