"""The people a question leaves out: the right ordinals, once, whatever is asked how often and by how many."""

from __future__ import annotations

import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from tests.store.conftest import KEY
from tre.errors import Fault
from tre.policy import DatasetPolicy
from tre.store import Loaded, exclude, excluded, load
from tre.store import exclusions as making
from tre.terms import Exclusion, Snapshot

REGIMES = ("type-1", "national", "local")
AS_OF = "2026-11-01T00:00:00.000000Z"


@pytest.fixture
def snapshot(ward: DatasetPolicy, planted: Path, tmp_path: Path) -> Snapshot:
    return load(ward, planted, tmp_path, KEY).snapshot


def pseudonyms(snapshot: Snapshot) -> list[bytes]:
    with duckdb.connect(f"{snapshot.folder}/persons.duckdb", read_only=True) as connection:
        return [found for (found,) in connection.execute("SELECT pseudonym FROM persons ORDER BY person").fetchall()]


def persons(exclusion: Exclusion) -> list[int]:
    with duckdb.connect(exclusion.file, read_only=True) as connection:
        assert connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall() == [("excluded", "person", "INTEGER")]
        return [person for (person,) in connection.execute("SELECT person FROM excluded").fetchall()]


def test_the_ordinals_of_those_who_are_there_sorted_once(snapshot: Snapshot) -> None:
    everyone = pseudonyms(snapshot)
    objecting = [0, 3, 4, len(everyone) - 1]
    wanted = [everyone[person] for person in (*objecting, 3)] + [secrets.token_bytes(16) for _ in range(1_000)]
    random.Random(1).shuffle(wanted)
    made = exclude(snapshot, 7, REGIMES, iter(wanted), AS_OF)
    assert made == Exclusion(snapshot.id, 7, REGIMES, made.file, AS_OF)
    assert persons(made) == objecting
    assert Path(made.file).parent == Path(snapshot.folder) / "exclusions"


@pytest.mark.parametrize("wanted", ["nobody", "strangers", "everyone"])
def test_nobody_strangers_and_everyone(snapshot: Snapshot, wanted: str) -> None:
    everyone = pseudonyms(snapshot)
    given = {"nobody": [], "strangers": [secrets.token_bytes(16)], "everyone": everyone}[wanted]
    assert persons(exclude(snapshot, 1, REGIMES, given, AS_OF)) == (list(range(len(everyone))) if wanted == "everyone" else [])


def test_made_once_for_a_version_and_never_changed(snapshot: Snapshot) -> None:
    everyone = pseudonyms(snapshot)
    assert excluded(snapshot, 1, REGIMES, AS_OF) is None
    first = exclude(snapshot, 1, REGIMES, everyone[:2], AS_OF)
    before = Path(first.file).read_bytes(), Path(first.file).stat()
    assert excluded(snapshot, 1, REGIMES, AS_OF) == first
    assert exclude(snapshot, 1, REGIMES, never(), AS_OF) == first
    assert (Path(first.file).read_bytes(), Path(first.file).stat()) == before
    assert before[1].st_mode & 0o777 == 0o400


def never() -> object:
    raise AssertionError("the pseudonyms were asked for again")
    yield


def test_each_version_and_each_choice_of_regimes_has_its_file(snapshot: Snapshot) -> None:
    everyone = pseudonyms(snapshot)
    made = [
        exclude(snapshot, version, regimes, [everyone[n]], AS_OF)
        for n, (version, regimes) in enumerate([(1, REGIMES), (2, REGIMES), (1, ("type-1",)), (1, ("local", "national"))])
    ]
    assert len({one.file for one in made}) == 4
    assert [persons(one) for one in made] == [[0], [1], [2], [3]]
    same = excluded(snapshot, 1, ("national", "local"), AS_OF)
    assert same is not None and same.file == made[3].file


def test_many_at_once_get_one_file(snapshot: Snapshot) -> None:
    everyone = pseudonyms(snapshot)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: exclude(snapshot, 3, REGIMES, everyone[1:3], AS_OF), range(8)))
    assert len(set(made)) == 1 and persons(made[0]) == [1, 2]
    left = sorted(path.name for path in (Path(snapshot.folder) / "exclusions").iterdir())
    assert left == [".lock", "3-local-national-type-1.duckdb"]


def test_the_file_holds_no_pseudonym(snapshot: Snapshot) -> None:
    everyone = pseudonyms(snapshot)
    raw = Path(exclude(snapshot, 1, REGIMES, everyone, AS_OF).file).read_bytes()
    assert not [one for one in everyone if one in raw or one.hex().encode() in raw]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, duckdb.Error])
def test_one_that_fails_leaves_nothing(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]) -> None:
    def fail(*_: object) -> None:
        raise failure("a value of a row")

    monkeypatch.setattr(making, "fill_with_pseudonyms", fail)
    with pytest.raises(Fault if failure is duckdb.Error else failure) as raised:
        exclude(snapshot, 1, REGIMES, pseudonyms(snapshot), AS_OF)
    assert failure is KeyboardInterrupt or str(raised.value) == "exclude"
    assert [path.name for path in (Path(snapshot.folder) / "exclusions").iterdir()] == [".lock"]


def test_the_loaded_files_stay_as_they_were(snapshot: Snapshot, loaded: Loaded) -> None:
    before = {path: path.read_bytes() for path in Path(snapshot.folder).glob("*.*")}
    exclude(snapshot, 1, REGIMES, pseudonyms(snapshot), AS_OF)
    assert {path: path.read_bytes() for path in Path(snapshot.folder).glob("*.*")} == before
    assert loaded.snapshot.id != snapshot.id
