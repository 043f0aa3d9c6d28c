"""Every way found to tamper with the log in the database is caught, and the first bad entry is named.

Each kind of tampering says itself which entry is the first bad one. Base: 300 entries, signed at 100, 256 and 300.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.audit.logs import Log, entry, tampering
from tre import audit

SIZE, SIGNED = 300, (100, 256, 300)
ROUNDS = 30


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Log:
    log = Log(tmp_path_factory.mktemp("base"))
    with log.open():
        for size in SIGNED:
            log.fill(size)
            log.sign()
    assert log.verify().ok
    return log


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def flipped(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ 1 << chance.randrange(8)]) + raw[place + 1 :]


def forged(number: int) -> bytes:
    """Another leaf with the same labels, so that nothing but a hash speaks against it."""
    return entry(number).leaf.replace(b"sha256:00", b"sha256:ff")


def rebuild(file: sqlite3.Connection, size: int) -> None:
    """Make the stored hashes those of the leaves that are there now."""
    hashes = [leaf_hash(leaf) for (leaf,) in file.execute('SELECT leaf FROM entries ORDER BY "index"')]
    file.execute("DELETE FROM subtrees")
    file.executemany('UPDATE entries SET leaf_hash = ? WHERE "index" = ?', [(one, place) for place, one in enumerate(hashes)])
    level = 0
    while hashes:
        file.executemany("INSERT INTO subtrees VALUES (?, ?, ?)", [(level, place, one) for place, one in enumerate(hashes)])
        hashes = [node_hash(*hashes[place : place + 2]) for place in range(0, len(hashes) - 1, 2)]
        level += 1


def flip_leaf(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    (leaf,) = file.execute('SELECT leaf FROM entries WHERE "index" = ?', (at,)).fetchone()
    file.execute('UPDATE entries SET leaf = ? WHERE "index" = ?', (flipped(leaf, chance), at))
    return at


def flip_leaf_hash(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    (told,) = file.execute('SELECT leaf_hash FROM entries WHERE "index" = ?', (at,)).fetchone()
    file.execute('UPDATE entries SET leaf_hash = ? WHERE "index" = ?', (flipped(told, chance), at))
    return at


def flip_leaf_with_its_hash(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    leaf = forged(at)
    file.execute('UPDATE entries SET leaf = ?, leaf_hash = ? WHERE "index" = ?', (leaf, leaf_hash(leaf), at))
    return at


def flip_leaf_with_its_hashes(file: sqlite3.Connection, chance: random.Random) -> int:
    """The pair above it speaks against it; for the last entry of an odd size the checkpoint would."""
    at = chance.randrange(SIZE)
    leaf = forged(at)
    file.execute('UPDATE entries SET leaf = ?, leaf_hash = ? WHERE "index" = ?', (leaf, leaf_hash(leaf), at))
    file.execute("UPDATE subtrees SET hash = ? WHERE level = 0 AND position = ?", (leaf_hash(leaf), at))
    return at - at % 2


def rewrite_history(file: sqlite3.Connection, chance: random.Random) -> int:
    """All stored hashes agree with the forged leaf: only a signed root speaks against it."""
    at = chance.randrange(SIZE)
    file.execute('UPDATE entries SET leaf = ? WHERE "index" = ?', (forged(at), at))
    rebuild(file, SIZE)
    return max(size for size in (0, *SIGNED) if size <= at)


def change_label(file: sqlite3.Connection, chance: random.Random) -> int:
    at, label = (
        chance.randrange(SIZE),
        chance.choice(("at", "kind", "project", "person_asking", "outcome", "reason", "dataset", "id")),
    )
    file.execute(f'UPDATE entries SET {label} = ? WHERE "index" = ?', (f"x{chance.random()}", at))
    return at


def clear_label(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    file.execute('UPDATE entries SET project = NULL WHERE "index" = ?', (at,))
    return at


def drop(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    file.execute('DELETE FROM entries WHERE "index" = ?', (at,))
    return at


def drop_and_close_the_gap(file: sqlite3.Connection, chance: random.Random) -> int:
    at = drop(file, chance)
    for place in range(at + 1, SIZE):
        file.execute('UPDATE entries SET "index" = ? WHERE "index" = ?', (place - 1, place))
    return at


def drop_and_rebuild(file: sqlite3.Connection, chance: random.Random) -> int:
    at = drop_and_close_the_gap(file, chance)
    rebuild(file, SIZE - 1)
    # The first size signed beyond it no longer has its root, or is not reached.
    reached = max(size for size in (0, *SIGNED) if size <= at)
    return SIZE - 1 if at >= SIGNED[1] else reached


def reorder(file: sqlite3.Connection, chance: random.Random) -> int:
    one, other = chance.sample(range(SIZE), 2)
    for frm, to in ((one, -5), (other, one), (-5, other)):
        file.execute('UPDATE entries SET "index" = ? WHERE "index" = ?', (to, frm))
    return min(one, other)


def insert_one(file: sqlite3.Connection, chance: random.Random) -> int:
    at = chance.randrange(SIZE)
    for place in range(SIZE - 1, at - 1, -1):
        file.execute('UPDATE entries SET "index" = ? WHERE "index" = ?', (place + 1, place))
    leaf = forged(at)
    row = (at, "x", "asked", leaf, leaf_hash(leaf))
    file.execute('INSERT INTO entries ("index", at, kind, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?)', row)
    return at


def truncate(file: sqlite3.Connection, chance: random.Random) -> int:
    left = chance.randrange(SIZE)
    file.execute('DELETE FROM entries WHERE "index" >= ?', (left,))
    return left


def truncate_and_rebuild(file: sqlite3.Connection, chance: random.Random) -> int:
    left = truncate(file, chance)
    rebuild(file, left)
    return left


def add_behind_the_end(file: sqlite3.Connection, chance: random.Random) -> int:
    leaf = entry(SIZE).leaf
    columns = ("at", "kind", "project", "person_asking", "outcome", "reason", "dataset", "id")
    one = entry(SIZE)
    labels = ["2026-03-01T00:05:00.000000Z", *(getattr(one, name) for name in columns[1:])]
    file.execute(f"INSERT INTO entries VALUES ({', '.join('?' * 11)})", (SIZE, *labels, leaf, leaf_hash(leaf)))
    return SIZE


def flip_subtree(file: sqlite3.Connection, chance: random.Random) -> int:
    level, position, told = chance.choice(file.execute("SELECT level, position, hash FROM subtrees").fetchall())
    file.execute("UPDATE subtrees SET hash = ? WHERE level = ? AND position = ?", (flipped(told, chance), level, position))
    return int(position << level)


def drop_subtree(file: sqlite3.Connection, chance: random.Random) -> int:
    level, position = chance.choice(file.execute("SELECT level, position FROM subtrees").fetchall())
    file.execute("DELETE FROM subtrees WHERE level = ? AND position = ?", (level, position))
    return int(position << level)


def add_subtree(file: sqlite3.Connection, chance: random.Random) -> int:
    level, position = chance.choice([(0, SIZE), (0, SIZE + 9), (3, 99), (12, 0), (99, 1), (-1, 0)])
    file.execute("INSERT INTO subtrees VALUES (?, ?, zeroblob(32))", (level, position))
    return SIZE


BLAMES_AN_ENTRY = [
    flip_leaf, flip_leaf_hash, flip_leaf_with_its_hash, flip_leaf_with_its_hashes, rewrite_history, change_label, clear_label,
    drop, drop_and_close_the_gap, drop_and_rebuild, reorder, insert_one, truncate, truncate_and_rebuild, add_behind_the_end,
    flip_subtree, drop_subtree, add_subtree,
]  # fmt: skip


@pytest.mark.parametrize("tamper", BLAMES_AN_ENTRY, ids=lambda tamper: tamper.__name__)
def test_tampering_is_caught_at_its_first_bad_entry(
    base: Log, tmp_path: Path, tamper: Callable[[sqlite3.Connection, random.Random], int]
) -> None:
    chance = random.Random(tamper.__name__)
    for turn in range(ROUNDS):
        copy = Path(shutil.copy(base.path, tmp_path / f"{turn}.sqlite"))
        with tampering(copy) as file:
            expected = tamper(file, chance)
        verdict = audit.verify_database(copy, [base.vkey])
        assert not verdict.ok
        assert verdict.first_bad == expected, verdict
        assert verdict.detail


@pytest.mark.parametrize("column", ["size", "root", "note", "vkey"])
def test_a_tampered_checkpoint_is_caught(base: Log, tmp_path: Path, column: str) -> None:
    chance = random.Random(column)
    for turn in range(ROUNDS):
        copy = Path(shutil.copy(base.path, tmp_path / f"{turn}.sqlite"))
        size = chance.choice(SIGNED)
        with tampering(copy) as file:
            (told,) = file.execute(f"SELECT {column} FROM checkpoints WHERE size = ?", (size,)).fetchone()
            if column == "size":
                new: object = chance.choice([n for n in range(1, SIZE + 9) if n not in SIGNED])
            elif column == "root":
                new = flipped(told, chance)
            else:
                new = _letter_changed(told, chance)
            file.execute(f"UPDATE checkpoints SET {column} = ? WHERE size = ?", (new, size))
        # With the key at hand; the keys kept beside the log are looked at where none is.
        keys = [] if column == "vkey" else [base.vkey]
        verdict = audit.verify_database(copy, keys)
        assert not verdict.ok, (told, new)


def _letter_changed(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    other = chance.choice([letter for letter in "AZaz09+/= \n—.x" if letter != text[place]])
    return text[:place] + other + text[place + 1 :]


def test_cutting_the_end_off_and_signing_again_is_seen_by_an_older_checkpoint_alone(tmp_path: Path) -> None:
    """Whoever holds file and key can forget the newest entries: nothing left can tell. A checkpoint kept elsewhere does."""
    log = Log(tmp_path)
    with log.open():
        log.fill(50)
        kept = log.sign()
    with tampering(log.path) as file:
        file.execute('DELETE FROM entries WHERE "index" >= 43')
        file.execute("DELETE FROM checkpoints")
        rebuild(file, 43)
    with log.open():
        log.sign()
    assert log.verify().ok
    verdict = log.verify((kept,))
    assert (verdict.ok, verdict.size, verdict.first_bad) == (False, 43, 43)


def test_another_history_signed_with_the_same_key_is_seen_by_an_older_checkpoint_alone(tmp_path: Path) -> None:
    log = Log(tmp_path)
    kept = []
    with log.open():
        for size in (20, 40, 60):
            log.fill(size)
            kept.append(log.sign())
    with tampering(log.path) as file:
        file.execute('UPDATE entries SET leaf = ? WHERE "index" = 45', (forged(45),))
        file.execute("DELETE FROM checkpoints")
        rebuild(file, 60)
    with log.open():
        log.sign()
    assert log.verify().ok
    assert log.verify(tuple(kept[:2])).ok
    verdict = log.verify(tuple(kept))
    assert (verdict.ok, verdict.first_bad) == (False, 40)


def test_a_log_signed_by_another_key_is_caught(base: Log, tmp_path: Path) -> None:
    other = Log(tmp_path / "other")
    verdict = audit.verify_database(base.path, [other.vkey])
    assert (verdict.ok, verdict.first_bad) == (False, None)


def test_the_verdict_says_which_keys_it_rests_on(base: Log) -> None:
    assert "given" in audit.verify_database(base.path, [base.vkey]).detail
    assert "kept beside" in audit.verify_database(base.path).detail


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_log_is_no_log(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    verdict = audit.verify_database(tmp_path / "file")
    assert (verdict.ok, verdict.size) == (False, 0)
    assert not audit.verify_database(tmp_path / "nowhere").ok
    assert not (tmp_path / "nowhere").exists()


def test_bytes_flipped_anywhere_in_the_file_never_crash_the_check(base: Log, tmp_path: Path) -> None:
    """Many bytes of the file are not the log's (indexes, free space): then it may hold. It always answers."""
    chance = random.Random(1)
    raw = base.path.read_bytes()
    caught = 0
    for turn in range(150):
        copy = tmp_path / f"{turn}.sqlite"
        changed = bytearray(raw)
        for _ in range(chance.choice((1, 1, 50))):
            changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        copy.write_bytes(changed)
        verdict = audit.verify_database(copy, [base.vkey])
        caught += not verdict.ok
        if verdict.ok:
            assert (verdict.size, verdict.root) == (SIZE, base.verify().root)
    assert caught > 50


def test_the_check_changes_nothing(base: Log, tmp_path: Path) -> None:
    shutil.copy(base.path, tmp_path / "copy.sqlite")
    before = (tmp_path / "copy.sqlite").read_bytes()
    assert audit.verify_database(tmp_path / "copy.sqlite", [base.vkey]).ok
    assert (tmp_path / "copy.sqlite").read_bytes() == before


def test_the_check_lets_go_of_the_file(base: Log, tmp_path: Path) -> None:
    copy = Path(shutil.copy(base.path, tmp_path / "copy.sqlite"))
    with tampering(copy) as file:
        file.execute('DELETE FROM entries WHERE "index" = 7')
    assert not audit.verify_database(copy, [base.vkey]).ok
    held = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [name for name in held if name.startswith(str(copy))]


def test_the_check_shares_no_code_with_the_writer() -> None:
    for module in ("verify", "notes", "opened"):
        text = (Path(audit.__file__).parent / f"{module}.py").read_text()
        imported = [line for line in text.splitlines() if line.startswith(("import tre", "from tre"))]
        own = {"from tre.audit import notes", "from tre.audit.opened import COLUMNS, Found, Openings, labels_of"}
        assert set(imported) <= own
