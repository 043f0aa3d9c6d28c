"""A certificate waits while anything may stand in the store that holds somebody erased, and is given once nothing does: once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.erasing.homes import PEOPLE, folders, kinds, live, object_to, until
from tests.serving import ROOT, SAMPLE, Served, office_of
from tre import store
from tre.errors import Refusal
from tre.office import Office, erasing

CERTIFIED = "erasure-certified"
AT_WORK = """
import sys, time
from pathlib import Path
from tre.store import workshop
with workshop(Path(sys.argv[1])) as begun:
    (begun / "work.duckdb").write_text("somebody erased")
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else looks after these homes."""
    monkeypatch.setattr(erasing, "MOMENT_S", 0.0)


def certificates(office: Office) -> list[list[str]]:
    """Which snapshots each of them says are gone, oldest first."""
    return [one["unlinked"] for one in office.erasures()["erasures"]][::-1]


def test_it_waits_while_somebody_makes_a_snapshot(office: Office) -> None:
    was, told = live(office).id, []
    object_to(office, "local", PEOPLE[0])
    with store.making(office.store, "gp"):
        told.append(office.erase(office.host, "gp"))
        office.retire()
        assert certificates(office) == [] and kinds(office)[-2:] == ["erased", "unlinked"]
    assert told[0]["certificate"] is None and told[0]["still_read"] == []
    office.retire()
    assert certificates(office) == [[was]] and kinds(office)[-1] == CERTIFIED
    office.retire()
    assert certificates(office) == [[was]]


def test_it_waits_for_a_load_whose_source_may_hold_them(office: Office, home: Path) -> None:
    """Of a load that an erasure overtakes, everything is gone before."""
    was, seen = live(office).id, []

    def step(what: str, _: float) -> None:
        if what == "proving the facts":
            object_to(office, "local", PEOPLE[0])
            seen.append(office.erase(office.host, "gp")["certificate"])

    with pytest.raises(Refusal):
        office.load(office.host, "gp", SAMPLE, step)
    assert seen == [None] and CERTIFIED not in kinds(office)
    office.retire()
    assert certificates(office) == [[was]] and folders(home) == {live(office).id}


def test_what_was_put_in_place_and_never_named_is_gone_before(
    office: Office, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    was, abandoned = live(office).id, home / "store/gp" / ("0" * 32)
    shutil.copytree(live(office).folder, abandoned)
    stood, certified = [], Office._certified
    monkeypatch.setattr(Office, "_certified", lambda *given: (stood.append(abandoned.exists()), certified(*given)))
    office.erase(office.host, "gp")
    assert stood == [False] and certificates(office) == [[was]] and folders(home) == {live(office).id}


def test_it_waits_for_whoever_is_at_work_and_removes_what_the_killed_left(office: Office, home: Path) -> None:
    was, place = live(office).id, home / "store/gp"
    with subprocess.Popen([sys.executable, "-c", AT_WORK, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as working:
        assert working.stdout is not None and working.stdout.readline() == "begun\n"
        try:
            assert office.erase(office.host, "gp")["certificate"] is None
            office.remove_unnamed()
            assert len(list(place.glob(".begun-*"))) == 1 and certificates(office) == []
        finally:
            working.send_signal(signal.SIGKILL)
        working.wait(10)
    office.retire()
    assert certificates(office) == [[was]] and not list(place.glob(".begun-*"))


def test_what_the_killed_left_is_removed_without_an_erasure(office: Office, home: Path) -> None:
    (left := home / "store/gp/.begun-0").mkdir()
    (left / ".lock").touch()
    office.remove_unnamed()
    assert not left.exists()


def test_what_cannot_be_removed_keeps_it_waiting(office: Office, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (left := home / "store/gp/.begun-0").mkdir()
    (left / ".lock").touch()
    with monkeypatch.context() as stuck:
        stuck.setattr("tre.store.files.shutil.rmtree", lambda *_, **__: None)
        assert office.erase(office.host, "gp")["certificate"] is None
    office.retire()
    assert len(certificates(office)) == 1 and not left.exists()


def test_a_crash_between_unlinking_and_certifying_loses_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = []
    for crash in (True, False):
        with office_of(home) as office, monkeypatch.context() as killed:
            if crash:
                killed.setattr(Office, "_certify", lambda *_: None)
            gone.append(live(office).id)
            told = office.erase(office.host, "gp")
            assert (told["certificate"] is None) is crash
    with office_of(home) as office:
        assert certificates(office) == [gone], "both are named, once"


def test_whoever_serves_gives_what_waited(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with office_of(home) as office, monkeypatch.context() as killed:
        killed.setattr(Office, "_certify", lambda *_: None)
        office.erase(office.host, "gp")
        assert certificates(office) == []
    with Served(home) as served, served.http(None) as http:
        until(20, lambda: len(http.get("/v1/erasures").json()["erasures"]) == 1)


def test_an_erasure_that_meets_whoever_tends_has_its_certificate_all_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at the same moment; the lock is the other's for a little."""
    monkeypatch.setattr(erasing, "MOMENT_S", 2.0)
    certify, tries = Office._certify, []

    def busy(office: Office, dataset: str) -> None:
        tries.append(dataset)
        if len(tries) > 2:
            certify(office, dataset)

    monkeypatch.setattr(Office, "_certify", busy)
    assert office.erase(office.host, "gp")["certificate"] is not None and len(tries) == 3
