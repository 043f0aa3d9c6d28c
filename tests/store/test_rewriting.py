"""A snapshot is rewritten from its own files: the people who are left out are in no byte of the new one, everybody else is as
before, codes that only they had are gone, and what is not whole is not rewritten."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.store.conftest import KEY, ward_policy
from tests.store.ward import PATIENTS, VISITS, facts, with_check_digit, write
from tre.errors import Unfit
from tre.persons import pseudonym
from tre.policy import DatasetPolicy
from tre.store import Loaded, check_files, holding, load, rewrite, rewriting, rows_of, writing
from tre.store.files import alone_with
from tre.terms import Snapshot

PERSONS = 60
NUMBERS = [number for place in range(9 * PERSONS) if (number := with_check_digit(900_000_001 + place))][:PERSONS]
GONE = [number for place, number in enumerate(NUMBERS) if place % 7 == 3]
CANARY = "CANARY-OF-{}"


def source(folder: Path) -> Path:
    """Everybody has a code of their own, which is somebody's only, and one that all have."""
    patients = "".join(f"{number},F,a,19{place:02},1,{CANARY.format(number)},\n" for place, number in enumerate(NUMBERS))
    visits = "".join(
        f"{number},2020-01-0{visit},{'shared' if visit == 1 else 'V' + number},{place}\n"
        for place, number in enumerate(NUMBERS)
        for visit in (1, 2)
    )
    return write(folder, patients=PATIENTS + patients, visits=VISITS + visits)


@pytest.fixture(scope="module")
def before(ward: DatasetPolicy, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("before")
    return load(ward, source(folder / "source"), folder / "store", KEY)


def pseudonyms(numbers: list[str]) -> list[bytes]:
    return [pseudonym(KEY, number) for number in numbers]


def everything(snapshot: Snapshot) -> dict[str, set[tuple[Any, ...]]]:
    """Every row by the pseudonym of its person, with its codes as texts."""
    loaded = Loaded(snapshot, {}, {}, {})
    code = "LEFT JOIN {file}.codes_{table}_{column} c ON c.id = t.{column}"
    return {
        "patients": set(
            facts(
                loaded,
                "(SELECT p.pseudonym, t.* EXCLUDE (person, practice), c.code FROM persons.patients t"
                f" JOIN persons.persons p USING (person) {code.format(file='persons', table='patients', column='practice')})",
            )
        ),
        "visits": set(
            facts(
                loaded,
                "(SELECT p.pseudonym, t.* EXCLUDE (person, code), c.code FROM events.visits t"
                f" JOIN persons.persons p USING (person) {code.format(file='events', table='visits', column='code')})",
            )
        ),
    }


def without(rows: dict[str, set[tuple[Any, ...]]], gone: list[bytes]) -> dict[str, set[tuple[Any, ...]]]:
    return {table: {row for row in found if row[0] not in gone} for table, found in rows.items()}


@pytest.mark.parametrize("at_a_time", [1, 7, 25, 1_000])
@pytest.mark.parametrize(
    "gone", [GONE, [], NUMBERS[:1], NUMBERS[-1:], NUMBERS[10:40]], ids=["some", "none", "first", "last", "run"]
)
def test_everybody_else_is_as_before(
    gone: list[str], at_a_time: int, ward: DatasetPolicy, before: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "RANGE", at_a_time)
    strangers = [pseudonym(KEY, "9434765919")]
    made = rewrite(ward, before.snapshot, tmp_path, pseudonyms(gone) + strangers)
    assert made.id != before.snapshot.id and made.schema == before.snapshot.schema
    assert everything(made) == without(everything(before.snapshot), pseudonyms(gone))
    persons = facts(Loaded(made, {}, {}, {}), "persons.persons")
    assert persons == list(enumerate(sorted(set(pseudonyms(NUMBERS)) - set(pseudonyms(gone)))))
    assert {path.name for path in Path(made.folder).iterdir()} == {
        "persons.duckdb",
        "events.duckdb",
        "manifest.json",
        "exclusions",
    }
    assert [path.name for path in (tmp_path / "ward").iterdir() if path.name.startswith(".begun")] == []
    check_files(made)


def test_everybody_may_go(ward: DatasetPolicy, before: Loaded, tmp_path: Path) -> None:
    made = rewrite(ward, before.snapshot, tmp_path, pseudonyms(NUMBERS))
    assert facts(Loaded(made, {}, {}, {}), "persons.persons") == []


def test_a_snapshot_is_rewritten_again_and_again(ward: DatasetPolicy, before: Loaded, tmp_path: Path) -> None:
    now = before.snapshot
    for number in NUMBERS[:3]:
        now = rewrite(ward, now, tmp_path, pseudonyms([number]))
    assert everything(now) == without(everything(before.snapshot), pseudonyms(NUMBERS[:3]))


# ----------------------------------------------------------------------------------------------------------------- the bytes


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column uncompressed: a byte string of a person is then found where it stands."""

    def attached(attach: Callable[..., None]) -> Callable[..., None]:
        def plainly(connection: duckdb.DuckDBPyConnection, *arguments: Any) -> None:
            connection.execute("SET force_compression = 'uncompressed'")
            attach(connection, *arguments)

        return plainly

    plainly = attached(writing.attach)
    monkeypatch.setattr("tre.store.loading.attach", plainly)
    monkeypatch.setattr("tre.store.rewriting.attach", plainly)


def test_no_byte_of_theirs_is_left(plain: None, ward: DatasetPolicy, tmp_path: Path) -> None:
    old = load(ward, source(tmp_path / "source"), tmp_path / "store", KEY).snapshot
    shutil.rmtree(tmp_path / "source")
    needles = [CANARY.format(number).encode() for number in GONE] + pseudonyms(GONE)
    for needle in needles:  # a canary that could not be found would prove nothing
        assert holding(Path(old.folder), [needle]) == [Path(old.folder) / "persons.duckdb"]
    made = rewrite(ward, old, tmp_path / "store", pseudonyms(GONE))
    shutil.rmtree(old.folder)
    assert holding(tmp_path, needles) == []
    assert rows_of(made, pseudonyms(GONE), tmp_path / "spill") == 0
    kept = [number for number in NUMBERS if number not in GONE]
    assert rows_of(made, pseudonyms(kept), tmp_path / "spill") == len(kept)
    assert holding(tmp_path, [CANARY.format(kept[0]).encode()]) == [Path(made.folder) / "persons.duckdb"]


def test_a_byte_string_is_found_across_blocks(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (2**22 - 3) + b"needle" + b"x" * 10)
    assert holding(tmp_path, [b"needle"]) == [tmp_path / "file"]
    assert holding(tmp_path, [b"needles"]) == []


# --------------------------------------------------------------------------------------------------------- what is not whole


def copied(snapshot: Snapshot, folder: Path) -> Snapshot:
    shutil.copytree(snapshot.folder, folder)
    return Snapshot(snapshot.id, snapshot.dataset, str(folder), snapshot.schema, snapshot.manifest)


@pytest.mark.parametrize("file", ["persons.duckdb", "events.duckdb", "manifest.json"])
@pytest.mark.parametrize("damage", ["bit", "gone"])
def test_what_is_damaged_is_not_rewritten(file: str, damage: str, ward: DatasetPolicy, before: Loaded, tmp_path: Path) -> None:
    snapshot = copied(before.snapshot, tmp_path / "damaged")
    path = tmp_path / "damaged" / file
    if damage == "gone":
        path.unlink()
    else:
        path.chmod(0o600)
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    with pytest.raises(Unfit, match=file):
        rewrite(ward, snapshot, tmp_path / "store", [])
    assert not list((tmp_path / "store").glob("*/[0-9a-f]*"))


def test_records_of_other_tables_are_not_rewritten(before: Loaded, tmp_path: Path) -> None:
    other = ward_policy(tmp_path / "policy", "min: -5, max: 5", "min: -5, max: 6")
    with pytest.raises(Unfit, match="load them again"):
        rewrite(other, before.snapshot, tmp_path / "store", [])


def test_what_cannot_be_proved_is_undone(
    ward: DatasetPolicy, before: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that loses the order of the persons is found by the proof, and leaves nothing."""

    def unnumbered(connection: duckdb.DuckDBPyConnection, *arguments: Any) -> int:
        left = number(connection, *arguments)
        connection.execute("UPDATE renumbered SET fresh = 1 - fresh WHERE fresh < 2")
        return left

    number = rewriting._number
    monkeypatch.setattr(rewriting, "_number", unnumbered)
    with pytest.raises(Unfit, match="the rewriting was undone: persons"):
        rewrite(ward, before.snapshot, tmp_path / "store", [])
    assert not list((tmp_path / "store").glob("*/[0-9a-f]*"))


def test_a_copy_out_of_order_is_made_once_more_sorted(
    ward: DatasetPolicy, before: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order another engine's join gives rows out in."""
    monkeypatch.setattr(rewriting, "_in_order", lambda rows, among: f"(FROM {rows} {among} ORDER BY hash(person))")
    told: list[str] = []
    made = rewrite(ward, before.snapshot, tmp_path, pseudonyms(GONE), lambda what, _: told.append(what))
    assert "copying once more, sorted" in told
    assert everything(made) == without(everything(before.snapshot), pseudonyms(GONE))


@pytest.mark.parametrize("at_a_time", [1, 7, 25, 1_000])
def test_a_copy_keeps_the_order_by_itself(
    at_a_time: int, ward: DatasetPolicy, before: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "RANGE", at_a_time)
    told: list[str] = []
    rewrite(ward, before.snapshot, tmp_path, pseudonyms(GONE), lambda what, _: told.append(what))
    assert set(told) == {"copying", "proving the facts"}


def test_whoever_stops_it_waits_for_no_table(
    ward: DatasetPolicy, before: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others end with the range that they copy: of the whole country a table has dozens."""
    monkeypatch.setattr(rewriting, "RANGE", 1)
    told: list[float] = []

    def stop(_: str, done: float) -> None:
        told.append(done)
        if len(told) == 1:
            raise KeyboardInterrupt
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        rewrite(ward, before.snapshot, tmp_path, [], stop)
    assert len(told) < PERSONS, "another table came to its end"
    assert not list(tmp_path.glob("*/[0-9a-f]*")) and not list(tmp_path.glob("*/.begun-*"))


def test_one_at_a_time(tmp_path: Path) -> None:
    with alone_with(tmp_path, "ward"), pytest.raises(BlockingIOError), alone_with(tmp_path, "ward"):
        raise AssertionError
