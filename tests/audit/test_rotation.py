"""The log's key is rotated, and whoever knows the old one follows: our checker, the page's program; a forger does not get by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.logs import ORIGIN, START, Log, tampering
from tests.audit.test_check_the_log import check
from tre import audit
from tre.audit import checkpoint
from tre.audit.checkpoint import Signer
from tre.keys import Keys


class Rotated:
    """A log whose key was rotated twice; a checkpoint of each time, and the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.keys = folder, Log(folder / "home").open(), []
        self.keep(2)
        for number, more in ((1, 300), (2, 2)):
            self.rotate(Keys.open(folder / f"keys{number}"))
            self.log.export(folder / f"double{number}")
            self.keep(more)
        self.log.export(folder / "out")

    def keep(self, more: int) -> None:
        self.log.fill(self.log_size() + more)
        (self.folder / f"note{len(self.keys)}").write_text(self.log.sign())
        self.keys.append(self.log.keys)

    def log_size(self) -> int:
        with self.log.state.read() as tx:
            return audit.size(tx)

    def rotate(self, new: Keys) -> None:
        """As the office does: the entry, and a checkpoint signed by both."""
        old = Signer(self.log.keys.sign, self.log.keys.verify_key)
        note = checkpoint.rotation(ORIGIN, old, Signer(new.sign, new.verify_key))

        def write(tx):  # type: ignore[no-untyped-def]
            audit.append(tx, audit.Entry("keys-rotated", START, {"note": note}))
            return audit.publish(tx, new.sign, new.verify_key, ORIGIN, START, also=[old])

        (self.folder / f"double-note{len(self.keys)}").write_text(self.log.state.write(write))
        self.log.keys = new

    @property
    def vkeys(self) -> list[str]:
        return [audit.vkey(ORIGIN, keys.verify_key) for keys in self.keys]


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Rotated:
    made = Rotated(tmp_path_factory.mktemp("rotated"))
    made.log.state.close()
    return made


def notes(rotated: Rotated, *numbers: int) -> list[Path]:
    return [rotated.folder / f"note{number}" for number in numbers]


def test_both_keys_sign_the_checkpoint_that_first_counts_the_rotation(rotated: Rotated) -> None:
    for number in (1, 2):
        text = (rotated.folder / f"double-note{number}").read_text()
        assert text == (rotated.folder / f"double{number}/checkpoint").read_text()
        assert text.count(f"— {ORIGIN} ") == 2
        for vkey in rotated.vkeys[number - 1 : number + 1]:
            assert check((rotated.folder / f"double{number}").as_uri(), vkey)
            assert audit.verify_folder(rotated.folder / f"double{number}", [vkey]).ok


@pytest.mark.parametrize("first", [0, 1, 2])
def test_whoever_knows_a_key_follows_from_there(rotated: Rotated, first: int) -> None:
    kept = notes(rotated, *range(first, 3))
    vkey, out = rotated.vkeys[first], rotated.folder / "out"
    verdict = audit.verify_folder(out, [vkey], [path.read_text() for path in kept])
    assert verdict.ok, verdict
    assert check(out.as_uri(), vkey, *kept)


def test_the_database_is_followed_from_its_first_key(rotated: Rotated) -> None:
    assert audit.verify_database(rotated.log.path, rotated.vkeys[:1]).ok
    assert audit.verify_database(rotated.log.path).ok
    assert not audit.verify_database(rotated.log.path, rotated.vkeys[1:]).ok


def test_a_checkpoint_from_before_needs_the_key_of_its_time(rotated: Rotated) -> None:
    (early,) = notes(rotated, 0)
    assert not audit.verify_folder(rotated.folder / "out", rotated.vkeys[1:2], [early.read_text()]).ok
    assert not check((rotated.folder / "out").as_uri(), rotated.vkeys[1], early)


def forged(rotated: Rotated, folder: Path, note: str, sign_with: Keys) -> Path:
    """The log with one more entry, which names a key to follow, and a checkpoint that one key signs."""
    with Log(folder).open() as log:
        with tampering(rotated.log.path) as source, tampering(log.path) as target:
            for table in ("entries", "subtrees"):
                rows = source.execute(f"SELECT * FROM {table}").fetchall()
                target.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
        log.state.write(lambda tx: audit.append(tx, audit.Entry("keys-rotated", START, {"note": note})))
        log.keys = sign_with
        log.sign()
        log.export(folder / "out")
    return folder / "out"


@pytest.mark.parametrize("who", ["a stranger", "a retired key", "a retired key names another"])
def test_only_the_key_in_use_names_the_next(rotated: Rotated, tmp_path: Path, who: str) -> None:
    thief = Keys.open(tmp_path / "thief")
    old = rotated.keys[0]
    naming = thief if who == "a stranger" else old
    note = checkpoint.rotation(ORIGIN, Signer(naming.sign, naming.verify_key), Signer(thief.sign, thief.verify_key))
    if who == "a stranger":
        note = note.replace(audit.vkey(ORIGIN, thief.verify_key), rotated.vkeys[2], 1)
    out = forged(rotated, tmp_path / "home", note, old if who == "a retired key" else thief)
    for vkey in rotated.vkeys:
        assert not audit.verify_folder(out, [vkey]).ok
        assert not check(out.as_uri(), vkey)
    assert audit.verify_folder(forged(rotated, tmp_path / "true", note, rotated.keys[2]), rotated.vkeys[:1]).ok


@pytest.mark.parametrize("note", ["", "x", "a\n\nb", f"{ORIGIN}\nkeys-rotated\n\n\n\n— x y\n", "{}"])
def test_what_only_looks_like_a_rotation_is_an_entry_like_others(rotated: Rotated, tmp_path: Path, note: str) -> None:
    out = forged(rotated, tmp_path / "home", note, rotated.keys[2])
    assert audit.verify_folder(out, rotated.vkeys[:1]).ok
    assert check(out.as_uri(), rotated.vkeys[0])
