"""A list of people as a file: every line counted once, equal lists one name, whoever of a snapshot is not on it found."""

from __future__ import annotations

import random
import secrets
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.store.conftest import KEY
from tests.store.test_exclusions import AS_OF, REGIMES, persons, pseudonyms
from tre.errors import Fault
from tre.persons import pseudonym, valid_nhs_number
from tre.policy import DatasetPolicy
from tre.store import (
    Listed,
    enlist,
    exclude,
    exclusion_file,
    load,
    place_of,
    sweep_exclusions,
    sweep_lists,
    uncleared,
    uncleared_file,
)
from tre.store import lists as making
from tre.terms import Snapshot

NUMBERS = [str(number) for number in range(9_990_000_000, 9_990_012_000) if valid_nhs_number(str(number))]


def listed(folder: Path, content: bytes | str) -> Listed:
    source = folder / "reply.txt"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    return enlist(source, folder / "registers", KEY)


def people(file: Path) -> list[bytes]:
    with duckdb.connect(str(file), read_only=True) as connection:
        columns = connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
        assert columns == [("people", "pseudonym")]
        return [one for (one,) in connection.execute("SELECT pseudonym FROM people").fetchall()]


def cleared_by(folder: Path, snapshot: Snapshot, on_it: list[bytes]) -> Path:
    """A list of some pseudonyms, whose people have no number that a test could write down."""
    file = folder / f"{secrets.token_hex(16)}.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE people(pseudonym BLOB)")
        connection.executemany("INSERT INTO people VALUES (?)", [(one,) for one in sorted(on_it)])
    return file


def test_the_pseudonyms_of_a_reply_in_order_and_once_each(tmp_path: Path) -> None:
    random.Random(1).shuffle(NUMBERS)
    made = listed(tmp_path, "".join(f"{number},\n" for number in [*NUMBERS, *NUMBERS[:9]]))
    assert people(made.file) == sorted(pseudonym(KEY, number) for number in NUMBERS)
    assert (made.people, made.repeated, made.rejected) == (len(NUMBERS), 9, {})
    assert [path.name for path in made.file.parent.iterdir() if path.name != ".lock"] == [made.file.name]
    assert made.file.stat().st_mode & 0o777 == 0o400 and place_of(made.file.parent, made.name) == made.file


@pytest.mark.parametrize("content", [
    "{0},\n{1},\n", "{0}\n{1}\n", "{0}\n{1}", "{0},\r\n{1},\r\n", "\n{0},\n\n{1},\n\n", "  {0} , \n\t{1}\n", "{1},\n{0},,\n",
])  # fmt: skip
def test_replies_as_programs_write_them(content: str, tmp_path: Path) -> None:
    spaced = f"{NUMBERS[0][:3]} {NUMBERS[0][3:6]} {NUMBERS[0][6:]}"
    made = listed(tmp_path, content.format(spaced, NUMBERS[1]))
    assert people(made.file) == sorted(pseudonym(KEY, number) for number in NUMBERS[:2])
    assert (made.people, made.repeated, made.rejected) == (2, 0, {})


def test_every_line_is_counted_once(tmp_path: Path) -> None:
    wrong = NUMBERS[0][:-1] + str((int(NUMBERS[0][-1]) + 1) % 10)
    lines = [NUMBERS[0].encode(), b",", wrong.encode(), b"\xff\xfe\x00x", NUMBERS[0].encode() + b",", b'"' + NUMBERS[1].encode(),
             b"ERROR: 400 bad request", NUMBERS[2].encode() + b",1", b"1" * 40, "٣".encode() * 10, b" , "]  # fmt: skip
    made = listed(tmp_path, b"\n".join(lines) + b"\n")
    assert people(made.file) == [pseudonym(KEY, NUMBERS[0])]
    assert (made.people, made.repeated, made.rejected) == (1, 1, {"missing": 2, "invalid-nhs-number": 7})


@pytest.mark.parametrize("content", ["", "\n\n", "ERROR: the service is not available\n"])
def test_a_reply_of_nobody(content: str, tmp_path: Path) -> None:
    made = listed(tmp_path, content)
    assert (made.people, people(made.file)) == (0, [])


def test_equal_lists_have_one_name_and_others_another(tmp_path: Path) -> None:
    names = [
        listed(tmp_path, content).name
        for content in (
            "\n".join(NUMBERS[:100]),
            "\n".join(reversed(NUMBERS[:100])) + "\nx\n" + NUMBERS[3],
            "\n".join(NUMBERS[:99]),
            "\n".join(NUMBERS[:101]),
            "\n".join([*NUMBERS[:99], NUMBERS[200]]),
            "",
        )
    ]
    assert names[0] == names[1] and len(set(names)) == 5
    assert not any(pseudonym(KEY, NUMBERS[0]).hex()[:8] in name for name in names)


def test_one_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise duckdb.Error("a value of a row")

    monkeypatch.setattr(making, "_write", fail)
    with pytest.raises(Fault, match="enlist"):
        listed(tmp_path, NUMBERS[0])
    assert [path.name for path in (tmp_path / "registers").iterdir()] == [".lock"]


# ------------------------------------------------------------------------------------------------------------ of a snapshot


@pytest.fixture
def snapshot(ward: DatasetPolicy, planted: Path, tmp_path: Path) -> Snapshot:
    return load(ward, planted, tmp_path / "store", KEY).snapshot


def test_who_objects_or_is_not_on_the_list_is_left_out(snapshot: Snapshot, tmp_path: Path) -> None:
    everyone = pseudonyms(snapshot)
    strangers = [secrets.token_bytes(16) for _ in range(1_000)]
    for seed in range(4):
        dice = random.Random(seed)
        on_it = [one for one in everyone if dice.random() < 0.7]
        objecting = [one for one in everyone if dice.random() < 0.3]
        file = cleared_by(tmp_path, snapshot, [*on_it, *strangers])
        made = exclude(snapshot, seed, REGIMES, [*objecting, *strangers], AS_OF, file)
        expected = [place for place, one in enumerate(everyone) if one in objecting or one not in on_it]
        assert persons(made) == expected
        assert Path(made.file) == exclusion_file(snapshot, seed, REGIMES, file)


def test_nobody_is_cleared_by_a_list_that_is_not_there(snapshot: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        exclude(snapshot, 1, REGIMES, [], AS_OF, tmp_path / "gone.duckdb")
    (tmp_path / "broken.duckdb").write_bytes(b"x" * 5_000)
    with pytest.raises(Fault):
        exclude(snapshot, 1, REGIMES, [], AS_OF, tmp_path / "broken.duckdb")


def test_who_is_not_on_it_is_found_once_and_the_list_is_not_needed_again(snapshot: Snapshot, tmp_path: Path) -> None:
    everyone = pseudonyms(snapshot)
    file = cleared_by(tmp_path, snapshot, everyone[1:])
    first = uncleared(snapshot, file)
    file.unlink()
    assert uncleared(snapshot, file) == first == uncleared_file(snapshot, file)
    assert persons(exclude(snapshot, 5, REGIMES, [everyone[2]], AS_OF, file)) == [0, 2]


def test_another_list_of_the_same_version_is_another_file(snapshot: Snapshot, tmp_path: Path) -> None:
    everyone = pseudonyms(snapshot)
    one, other = (cleared_by(tmp_path, snapshot, on_it) for on_it in (everyone[1:], everyone[:-1]))
    made = [exclude(snapshot, 1, REGIMES, [], AS_OF, file) for file in (one, other, None)]
    assert [persons(found) for found in made] == [[0], [len(everyone) - 1], []]


def test_what_is_not_in_force_is_unlinked_unless_it_is_new_or_read(snapshot: Snapshot, tmp_path: Path) -> None:
    store, everyone = tmp_path / "store", pseudonyms(snapshot)
    made = [Path(exclude(snapshot, version, REGIMES, everyone[:version], AS_OF).file) for version in range(4)]
    assert sweep_exclusions(store, [made[3]]) == [], "just made"
    with duckdb.connect(str(made[1]), read_only=True) as reader:
        # Another process's lock is what counts; in this one the engine's own would be given.
        held = duckdb_reader(made[0])
        try:
            assert sweep_exclusions(store, [made[3]], older_than_s=-1) == [made[1], made[2]]
            assert made[0].exists() and made[0].stat().st_mode & 0o777 == 0o400
        finally:
            held.kill()
            held.wait()
        assert reader.execute("SELECT count(*) FROM excluded").fetchone() == (1,), "who reads it reads on"
    assert sweep_exclusions(store, [made[3]], older_than_s=-1) == [made[0]]
    assert made[3].exists()


def duckdb_reader(file: Path) -> subprocess.Popen[bytes]:
    script = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); c.execute('SELECT count(*) FROM excluded');"
        "print('open', flush=True); time.sleep(60)"
    )
    started = subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE)
    assert started.stdout is not None and started.stdout.readline() == b"open\n"
    started.stdout.close()
    return started


def test_lists_not_in_force_are_unlinked_unless_they_are_new(tmp_path: Path) -> None:
    one, other = (listed(tmp_path, number) for number in NUMBERS[:2])
    assert sweep_lists(one.file.parent, other.name, 900) == []
    assert sweep_lists(one.file.parent, other.name, -1) == [one.file]
    assert other.file.exists() and not one.file.exists()


@pytest.mark.audit
@pytest.mark.alone
def test_five_million(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Time and size of a list of five million; what sixty million need is twelve times that."""
    source = tmp_path / "reply.txt"
    with source.open("w") as file:
        for start in range(4_000_000_000, 4_070_000_000, 1_000_000):
            file.writelines(f"{one},\n" for one in map(str, range(start, start + 1_000_000, 1)) if one[-1] == _check(one))
    began = time.monotonic()
    made = enlist(source, tmp_path / "registers", KEY)
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{made.people:,} people: {took:.1f} s, {made.file.stat().st_size / made.people:.1f} bytes each")
    assert made.people > 5_000_000 and made.rejected == {}


def _check(number: str) -> str:
    found = 11 - sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), number, strict=False)) % 11
    return {11: "0", 10: ""}.get(found, str(found))
