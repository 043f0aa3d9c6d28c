"""The ward: a small dataset, its planted rows, and one load of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tre.policy import DatasetPolicy, read_policies
from tre.store import Loaded, load

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
KEY = bytes(range(32))


def ward_policy(folder: Path, old: str = "", new: str = "") -> DatasetPolicy:
    """The ward's policy, with one text of it replaced by another."""
    (folder / "datasets").mkdir(parents=True)
    written = (HERE / "ward.yaml").read_text()
    assert old in written
    (folder / "datasets/ward.yaml").write_text(written.replace(old, new) if old else written)
    shutil.copy(POLICIES / "purposes.yaml", folder)
    return read_policies(folder).datasets["ward"]


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> DatasetPolicy:
    return ward_policy(tmp_path_factory.mktemp("policies"))


@pytest.fixture(scope="session")
def planted() -> Path:
    return HERE / "planted"


@pytest.fixture(scope="session")
def loaded(ward: DatasetPolicy, planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(ward, planted, tmp_path_factory.mktemp("store"), KEY)
