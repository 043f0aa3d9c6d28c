"""Erasure at the terminal: the next snapshot is without whoever objected, and the files before it go."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.erasing.homes import PEOPLE, folders, kinds, live, object_to, persons
from tests.serving import POLICIES, SAMPLE, office_of
from tests.web.test_terminal import told
from tre import audit, optouts, store
from tre.errors import Reason, Refusal
from tre.office import Office
from tre.persons import pseudonym
from tre.sample import generate
from tre.store import rewriting


def test_whoever_objected_is_gone_and_national_objectors_stay(office: Office, home: Path, tmp_path: Path) -> None:
    was, others = live(office), persons(office, PEOPLE[9:40], tmp_path / "spill")
    assert others > 20 and persons(office, PEOPLE[:9], tmp_path / "spill") == 9
    object_to(office, "local", *PEOPLE[:5])
    object_to(office, "type-1", *PEOPLE[5:9])
    object_to(office, "national", *PEOPLE[9:12])
    told = office.erase(office.host, "gp")
    now = live(office)
    assert (told["snapshot"], told["was"], told["still_read"]) == (now.id, was.id, [])
    assert persons(office, PEOPLE[:9], tmp_path / "spill") == 0
    assert persons(office, PEOPLE[9:40], tmp_path / "spill") == others
    assert folders(home) == {now.id} and not Path(was.folder).exists()
    assert kinds(office)[-3:] == ["erased", "unlinked", "erasure-certified"]
    with office.state.read() as tx:
        entry = audit.last(tx, "erased")
    assert entry is not None and set(entry.body) == {"snapshot", "was", "policy"}


def test_a_load_leaves_out_whom_an_erasure_would(office: Office, home: Path, tmp_path: Path) -> None:
    was = live(office)
    object_to(office, "local", PEOPLE[0])
    office.load(office.host, "gp", SAMPLE)
    assert persons(office, PEOPLE[:1], tmp_path / "spill") == 0 and persons(office, PEOPLE[1:3], tmp_path / "spill") == 2
    assert folders(home) == {live(office).id} != {was.id}
    assert kinds(office)[-3:] == ["loaded", "unlinked", "erasure-certified"]


def test_an_opt_out_that_lands_meanwhile_stays_in_the_filter(office: Office, tmp_path: Path) -> None:
    def step(what: str, _: float) -> None:
        if what == "proving the facts":
            object_to(office, "local", PEOPLE[3])

    object_to(office, "local", PEOPLE[2])
    office.erase(office.host, "gp", step)
    assert persons(office, PEOPLE[2:3], tmp_path / "spill") == 0 and persons(office, PEOPLE[3:4], tmp_path / "spill") == 1
    with office.state.read() as tx:
        assert pseudonym(office.keys.pseudonym, PEOPLE[3]) in set(optouts.pseudonyms(tx, ("local",)))
    office.erase(office.host, "gp")
    assert persons(office, PEOPLE[3:4], tmp_path / "spill") == 0


def test_a_load_meanwhile_wins_and_the_erasure_leaves_nothing(office: Office, home: Path) -> None:
    def step(what: str, _: float) -> None:
        if what == "proving the facts":
            office.load(office.host, "gp", SAMPLE)

    with pytest.raises(Refusal) as refused:
        office.erase(office.host, "gp", step)
    assert refused.value.reason is Reason.CHANGED_MEANWHILE
    assert folders(home) == {live(office).id} and "erased" not in kinds(office)


def test_a_load_that_an_erasure_overtook_brings_nobody_back(office: Office, home: Path, tmp_path: Path) -> None:
    """That erasure has come to its end by then: the load is of people who objected too late for it."""

    def step(what: str, _: float) -> None:
        if what == "proving the facts":
            object_to(office, "local", PEOPLE[0])
            office.erase(office.host, "gp")

    with pytest.raises(Refusal) as refused:
        office.load(office.host, "gp", SAMPLE, step)
    assert refused.value.reason is Reason.CHANGED_MEANWHILE
    assert folders(home) == {live(office).id} and "loaded" not in kinds(office)[-3:]
    assert persons(office, PEOPLE[:1], tmp_path / "spill") == 0


def test_whoever_objects_after_it_was_written_down_is_not_left_out_unknown(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who was left out of a snapshot without being written down would come back with a backup."""
    keep = Office._keep_erased

    def kept(office: Office) -> int:
        version = keep(office)
        object_to(office, "local", PEOPLE[5])
        return version

    monkeypatch.setattr(Office, "_keep_erased", kept)
    office.erase(office.host, "gp")
    assert persons(office, PEOPLE[5:6], tmp_path / "spill") == 1
    with office.state.read() as tx:
        assert pseudonym(office.keys.pseudonym, PEOPLE[5]) not in set(optouts.to_leave_out(tx))


def test_a_range_that_begins_with_few_persons_is_copied_in_order(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine reads 2,048 rows at a time, and gives fewer than 64 of a join out after the rest: here 20."""
    generate(tmp_path / "source", persons=2_600, seed=3, form="parquet")
    office.load(office.host, "gp", tmp_path / "source")
    folder = Path(live(office).folder)
    with duckdb.connect(str(folder / "persons.duckdb"), read_only=True) as records:
        ((held,),) = records.execute("SELECT count(*) FROM persons").fetchall()
    assert held > 2_200
    monkeypatch.setattr(rewriting, "RANGE", 2_028)
    object_to(office, "local", PEOPLE[0])
    office.erase(office.host, "gp")  # the proof refuses any other order
    assert persons(office, PEOPLE[:1], tmp_path / "spill") == 0


def test_one_erasure_at_a_time(office: Office) -> None:
    told: list[Any] = []

    def step(what: str, _: float) -> None:
        if what == "proving the facts":
            with pytest.raises(Refusal) as refused:
                office.erase(office.host, "gp")
            told.append(refused.value.reason)

    office.erase(office.host, "gp", step)
    assert told == [Reason.CHANGED_MEANWHILE]


def test_a_dataset_that_an_alarm_stopped_is_not_made_live_by_erasing(office: Office) -> None:
    office.state.write(lambda tx: store.stop(tx, "gp", office.clock()))
    with pytest.raises(Refusal) as refused:
        office.erase(office.host, "gp")
    assert refused.value.reason is Reason.NOT_READY


def test_what_was_never_named_is_removed_and_what_is_named_stays(office: Office, home: Path) -> None:
    now = live(office).id
    abandoned = home / "store/gp" / ("0" * 32)
    shutil.copytree(home / "store/gp" / now, abandoned)
    with store.making(office.store, "gp"):
        office.remove_unnamed()
        assert abandoned.exists()
    office.remove_unnamed()
    assert folders(home) == {now}


def test_at_the_terminal(home: Path, tmp_path: Path) -> None:
    policies = {"TRE_POLICIES": str(POLICIES)}
    with office_of(home) as office:
        object_to(office, "local", PEOPLE[0])
    made = told(home, "backup", str(tmp_path / "backup"), **policies)
    assert made["datasets"] == ["gp"]
    erased = told(home, "erase", **policies)
    assert erased["dataset"] == "gp" and erased["still_read"] == []
    with office_of(home) as office:
        (tmp_path / "certificate").write_text(json.dumps(office.erasure(erased["certificate"])))
        key = office.publication.vkey
    checked = told(tmp_path, "erase", "--check", str(tmp_path / "certificate"), "--key", key)
    assert checked["snapshot"] == erased["snapshot"]
    restored = told(home, "restore", str(tmp_path / "backup"), **policies)
    with office_of(home) as office:
        assert live(office).id == restored["records"]["gp"] != erased["snapshot"]
        assert persons(office, PEOPLE[:1], tmp_path / "spill") == 0
