"""A home whose parts are not of one another is not opened, and nothing new is made beside what is left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.serving import copy_home, office_of
from tre.errors import Unfit
from tre.settings import Settings


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Path:
    return copy_home(furnished, tmp_path / "home")


def refused(home: Path) -> str:
    with pytest.raises(Unfit) as told, office_of(home):
        pass
    return str(told.value)


def test_lost_keys_are_asked_back_again_and_again(home: Path) -> None:
    shutil.rmtree(home / "keys")
    for _ in range(2):
        assert "put back the backup of the keys" in refused(home)
        assert not any((home / "keys").glob("*"))


def test_other_keys_are_refused(home: Path, tmp_path: Path) -> None:
    with office_of(tmp_path / "another"):
        pass
    shutil.rmtree(home / "keys")
    shutil.copytree(tmp_path / "another" / "keys", home / "keys")
    assert "are not those of this log" in refused(home)


def test_a_lost_database_is_asked_back(home: Path) -> None:
    for path in home.glob("database.sqlite*"):
        path.unlink()
    for _ in range(2):
        assert "put back its backup" in refused(home)


def test_a_home_without_its_database_but_with_nothing_loaded_begins_anew(tmp_path: Path) -> None:
    for _ in range(2):
        with office_of(tmp_path / "fresh") as office:
            assert office.live_snapshot("gp") is None
    assert Settings(home=tmp_path / "fresh").keys.is_dir()
