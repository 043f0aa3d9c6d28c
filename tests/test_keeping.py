"""Keys are backed up, restored and rotated so that the home always opens with the keys its log names."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import POLICIES, office_of
from tre import audit
from tre.audit import checkpoint
from tre.errors import Unfit
from tre.keys import Keys, backup, files, open_backup, read_passphrase, seal_backup
from tre.office import keeping
from tre.office.keeping import FILE, back_up_keys, restore_keys, rotate_keys
from tre.office.opening import only_one
from tre.settings import Settings
from tre.state import State

PASSPHRASE = "five words by pure chance"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The price of a guess is the library's matter; here it would be paid by every test."""
    derive = backup.Scrypt
    monkeypatch.setattr(backup, "Scrypt", lambda salt, length, n, r, p: derive(salt=salt, length=length, n=n // 2**10, r=r, p=p))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with office_of(made.home) as office:
        office.make_identity(office.host, "ada", ("admin",))
    return made


def key_bytes(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.keys.iterdir()}


def kinds(settings: Settings) -> list[str]:
    with State.open(settings.database_url) as state, state.read() as tx:
        return [one.kind for one in audit.page(tx, limit=1_000)]


# ------------------------------------------------------------------------------------------------------------------- backups


def test_a_backup_brings_the_same_keys_back(settings: Settings, tmp_path: Path) -> None:
    before = key_bytes(settings)
    told = back_up_keys(settings, tmp_path, PASSPHRASE)
    file = tmp_path / FILE
    assert told["file"] == str(file) and stat.S_IMODE(file.stat().st_mode) == 0o600
    shutil.rmtree(settings.keys)
    restore_keys(settings, file, PASSPHRASE)
    assert key_bytes(settings) == before
    assert [kind for kind in kinds(settings) if kind.startswith("keys-")] == ["keys-backed-up", "keys-restored"]
    assert stat.S_IMODE(settings.keys.stat().st_mode) == 0o700


def test_a_backup_shows_nothing_without_its_passphrase(settings: Settings, tmp_path: Path) -> None:
    seal_backup(settings.keys, tmp_path / "one", PASSPHRASE)
    seal_backup(settings.keys, tmp_path / "two", PASSPHRASE)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()
    for secret in key_bytes(settings).values():
        assert secret not in (tmp_path / "one").read_bytes() and secret.hex().encode() not in (tmp_path / "one").read_bytes()
    with pytest.raises(Unfit, match="not opened by this passphrase"):
        open_backup(tmp_path / "one", PASSPHRASE + " ")


def test_every_bit_of_a_backup_counts(settings: Settings, tmp_path: Path) -> None:
    seal_backup(settings.keys, tmp_path / "whole", PASSPHRASE)
    whole = (tmp_path / "whole").read_bytes()
    kept = open_backup(tmp_path / "whole", PASSPHRASE)
    for place in range(0, len(whole) - 1, 11):
        (tmp_path / "bad").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert open_backup(tmp_path / "bad", PASSPHRASE) == kept  # a newline of the encoding, at most
            assert whole[place : place + 1] == b"\n"
        except Unfit:
            pass
    for content in (b"", whole[:100], whole[: len(whole) // 2], b"\xff" * 9_000):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(Unfit):
            open_backup(tmp_path / "bad", PASSPHRASE)


def test_a_backup_is_never_written_over_and_wants_a_long_passphrase(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("another")
    with pytest.raises(Unfit, match="there already"):
        back_up_keys(settings, tmp_path, PASSPHRASE)
    with pytest.raises(Unfit, match="fewer than 12"):
        back_up_keys(settings, tmp_path / "new", "eleven char")
    assert (tmp_path / FILE).read_text() == "another" and not (tmp_path / "new").exists()
    assert "keys-backed-up" not in kinds(settings)


def test_keys_are_not_restored_over_others_or_into_another_log(settings: Settings, tmp_path: Path) -> None:
    back_up_keys(settings, tmp_path, PASSPHRASE)
    with pytest.raises(Unfit, match="holds keys already"):
        restore_keys(settings, tmp_path / FILE, PASSPHRASE)
    other = Settings(home=tmp_path / "other", policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    with office_of(other.home):
        pass
    shutil.rmtree(other.keys)
    for _ in range(2):
        with pytest.raises(Unfit, match="not those that this log names"):
            restore_keys(other, tmp_path / FILE, PASSPHRASE)
        assert not any(other.keys.glob("*"))


def test_a_backup_from_before_a_rotation_is_told_apart(settings: Settings, tmp_path: Path) -> None:
    back_up_keys(settings, tmp_path / "before", PASSPHRASE)
    rotate_keys(settings)
    back_up_keys(settings, tmp_path / "after", PASSPHRASE)
    shutil.rmtree(settings.keys)
    with pytest.raises(Unfit, match="newest backup"):
        restore_keys(settings, tmp_path / "before", PASSPHRASE)
    restore_keys(settings, tmp_path / "after", PASSPHRASE)


def test_a_passphrase_is_read_from_its_owners_file_alone(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text(PASSPHRASE + "\nnot this\n")
    (tmp_path / "pass").chmod(0o640)
    with pytest.raises(Unfit, match="chmod 600"):
        read_passphrase(tmp_path / "pass")
    (tmp_path / "pass").chmod(0o600)
    assert read_passphrase(tmp_path / "pass") == PASSPHRASE


# ------------------------------------------------------------------------------------------------------------------ rotations


def test_a_rotation_changes_what_signs_and_nothing_else(settings: Settings) -> None:
    before = key_bytes(settings)
    told = rotate_keys(settings)
    after = key_bytes(settings)
    assert {name for name in before if before[name] != after[name]} == {"signing.key"} and set(before) == set(after)
    assert told["new"] == (settings.log / "vkey").read_text().strip() != told["old"]
    assert (settings.log / "checkpoint").read_text().count("— tre.local/log ") == 2
    assert audit.verify_folder(settings.log, [told["old"]]).ok and audit.verify_folder(settings.log, [told["new"]]).ok
    assert audit.verify_database(settings.home / "database.sqlite", [told["old"]]).ok


def test_after_rotations_the_home_opens_signs_and_checks_itself(settings: Settings) -> None:
    first = rotate_keys(settings)
    second = rotate_keys(settings)
    assert second["old"] == first["new"]
    with office_of(settings.home) as office:
        office.make_identity(office.host, "alan", ("admin",))
        office.publication.publish()
        assert office.verify_log(office.host)["ok"]
    assert (settings.log / "checkpoint").read_text().count("— tre.local/log ") == 1
    assert audit.verify_folder(settings.log, [first["old"]]).ok


def test_no_key_is_rotated_beside_a_server(settings: Settings) -> None:
    before = key_bytes(settings)
    with only_one(settings), pytest.raises(Unfit, match="stop it first"):
        rotate_keys(settings)
    assert key_bytes(settings) == before


def test_who_opened_the_home_before_signs_nothing_after(settings: Settings) -> None:
    with office_of(settings.home) as office:
        rotate_keys(settings)
        office.make_identity(office.host, "alan", ("admin",))
        with pytest.raises(Unfit, match="rotated since"):
            office.publication.sign()


class Stopped(BaseException):
    pass


def before(function: Callable[..., object]) -> Callable[..., object]:
    def stopping(*_: object, **__: object) -> object:
        raise Stopped

    return stopping


def after(function: Callable[..., object]) -> Callable[..., object]:
    def stopping(*given: object, **named: object) -> object:
        function(*given, **named)
        raise Stopped

    return stopping


STEPS = [
    # where it stops, when, whether the new key is in use afterwards
    (files, "write", before, False),
    (files, "write", after, False),
    (files, "put_next", after, False),
    (checkpoint, "rotation", before, False),
    (audit, "append", before, False),
    (audit, "append", after, False),
    (files, "take_next", before, True),
    (files, "take_next", after, True),
    (keeping, "Publication", before, True),
]


@pytest.mark.parametrize(("place", "name", "when", "taken"), STEPS, ids=[f"{s[2].__name__} {s[1]}" for s in STEPS])
def test_a_stop_at_any_step_leaves_a_home_that_opens(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: object, name: str, when: Callable[..., object], taken: bool
) -> None:
    old = Keys.open(settings.keys)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(place, name, when(getattr(place, name)))
        rotate_keys(settings)
    for _ in range(2):
        with office_of(settings.home) as office:
            office.publication.publish()
            assert (office.keys.verify_key != old.verify_key) == taken
            assert office.keys.pseudonym == old.pseudonym
            assert office.verify_log(office.host)["ok"]
        assert not (settings.keys / files.NEXT).exists()
    first = audit.vkey("tre.local/log", old.verify_key)
    assert audit.verify_folder(settings.log, [first]).ok
    assert rotate_keys(settings)["old"] == audit.vkey("tre.local/log", office.keys.verify_key)


def test_a_rotation_that_runs_is_left_alone(settings: Settings) -> None:
    """Another command that opens the home must not take away the key that is about to be named."""
    files.put_next(settings.keys)
    with only_one(settings), pytest.raises(Unfit, match="being rotated just now"), office_of(settings.home):
        pass
    assert (settings.keys / files.NEXT).exists()
    with office_of(settings.home):
        pass
    assert not (settings.keys / files.NEXT).exists()


def test_other_keys_are_refused_with_a_rotation_begun_too(settings: Settings, tmp_path: Path) -> None:
    files.put_next(settings.keys)
    (settings.keys / "people.key").write_bytes(b"x" * 32)
    with pytest.raises(Unfit, match="not those of this log"), office_of(settings.home):
        pass
    assert (settings.keys / files.NEXT).exists()
