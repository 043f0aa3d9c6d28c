"""Keys are made once and whole, are their owner's alone, and are never shown."""

from __future__ import annotations

import copy
import os
import pickle
import re
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tre.errors import Unfit
from tre.keys import NAMES, Keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys"


def secrets_of(folder: Path) -> list[bytes]:
    return [(folder / f"{name}.key").read_bytes() for name in NAMES]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_keys_are_made_for_their_owner_alone(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        Keys.open(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {"pseudonym.key", "signing.key", "people.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(set(secrets_of(folder))) == 3
    assert {len(key) for key in secrets_of(folder)} == {32}
    assert [path.name for path in folder.parent.iterdir()] == ["keys"]


def test_an_empty_folder_is_filled(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    assert Keys.open(folder).fresh


def test_the_same_keys_are_read_again(folder: Path) -> None:
    first, second = Keys.open(folder), Keys.open(folder)
    assert (first.fresh, second.fresh) == (True, False)
    assert first.pseudonym == second.pseudonym
    assert first.verify_key == second.verify_key
    assert first.person_pseudonym("alice") == second.person_pseudonym("alice")


def test_what_is_signed_holds_under_the_verify_key(folder: Path) -> None:
    keys = Keys.open(folder)
    Ed25519PublicKey.from_public_bytes(keys.verify_key).verify(keys.sign(b"text"), b"text")


def test_a_persons_pseudonym_says_nothing_without_the_key(folder: Path, tmp_path: Path) -> None:
    keys, others = Keys.open(folder), Keys.open(tmp_path / "other")
    assert re.fullmatch(r"r:[0-9a-f]{32}", keys.person_pseudonym("alice"))
    assert len({keys.person_pseudonym("alice"), keys.person_pseudonym("bob"), others.person_pseudonym("alice")}) == 3


def test_salts_are_never_the_same(folder: Path) -> None:
    keys = Keys.open(folder)
    assert len({keys.salt() for _ in range(100)}) == 100
    assert len(keys.salt()) == 32


def test_keys_are_never_shown_or_copied(folder: Path) -> None:
    keys = Keys.open(folder)
    for text in (repr(keys), str(keys), f"{keys}", format(keys)):
        assert text == "Keys(…)"
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied"):
            way(keys)
    assert not hasattr(keys, "__dict__")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o644])
@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_others_can_read_stops_the_start(folder: Path, name: str, mode: int) -> None:
    Keys.open(folder)
    (folder / f"{name}.key").chmod(mode)
    with pytest.raises(Unfit, match=rf"run: chmod 600 .*{name}\.key"):
        Keys.open(folder)


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_can_enter_stops_the_start(folder: Path, mode: int) -> None:
    Keys.open(folder)
    folder.chmod(mode)
    with pytest.raises(Unfit, match="run: chmod 700"):
        Keys.open(folder)


def test_a_key_may_be_tighter(folder: Path) -> None:
    Keys.open(folder)
    (folder / "signing.key").chmod(0o400)
    folder.chmod(0o500)
    Keys.open(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_key_is_never_replaced_by_a_new_one(folder: Path, name: str) -> None:
    """Pseudonyms made with another key would match nobody: every opt-out would silently stop to hold."""
    Keys.open(folder)
    kept = secrets_of(folder)
    (folder / f"{name}.key").unlink()
    with pytest.raises(Unfit, match=rf"{name}\.key cannot be read .* backup"):
        Keys.open(folder)
    assert not (folder / f"{name}.key").exists()
    left = [key for other, key in zip(NAMES, kept, strict=True) if other != name]
    assert [(folder / f"{other}.key").read_bytes() for other in NAMES if other != name] == left


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_what_is_no_key_is_refused_and_not_told(folder: Path, content: bytes) -> None:
    Keys.open(folder)
    (folder / "signing.key").write_bytes(content)
    with pytest.raises(Unfit, match="is not a key") as refused:
        Keys.open(folder)
    assert "xxx" not in str(refused.value)


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    Keys.open(folder)
    (folder / "signing.key").rename(tmp_path / "elsewhere")
    (folder / "signing.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unfit, match="cannot be read"):
        Keys.open(folder)


def test_two_who_start_at_once_get_the_same_keys(folder: Path) -> None:
    opened: list[Keys] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait(10)
        opened.append(Keys.open(folder))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    assert len({keys.pseudonym for keys in opened}) == len({keys.verify_key for keys in opened}) == 1
    assert sum(keys.fresh for keys in opened) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["keys"]


def test_a_stop_while_keys_are_made_leaves_none_of_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(BaseException):
        pass

    real, limit, steps = os.fsync, 0, 0

    def stopping(descriptor: int) -> None:
        nonlocal steps
        steps += 1
        if steps > limit:
            raise Stopped
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stopping)
        for limit in range(4):  # noqa: B007
            steps = 0
            with pytest.raises(Stopped):
                Keys.open(folder)
            assert not folder.exists()
    assert Keys.open(folder).fresh
