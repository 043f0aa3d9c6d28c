"""Erasure, whole: the next snapshot is without whoever objected, the files before it go when the last reader lets go, a
certificate says so, and nothing that anyone sees depends on who had a record."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.serving import POLICIES, SAMPLE, Served, office_of
from tests.web.test_terminal import told
from tre import audit, optouts, store
from tre.audit import checkpoint
from tre.errors import Reason, Refusal, Unfit
from tre.office import Office, certifying
from tre.persons import pseudonym, valid_nhs_number
from tre.store import writing
from tre.terms import Snapshot

IDS = re.compile(r"[0-9a-f]{32,}|\d{4}-\d\d-\d\dT[0-9:.]+Z|[A-Za-z0-9+/]{80,}={0,2}")
STRANGER = "9434765919"


def present() -> list[str]:
    """NHS numbers of the sample's people who have not objected."""
    with (SAMPLE / "opt_outs.csv").open() as file:
        objected = {row["nhs_number"] for row in csv.DictReader(file)}
    with (SAMPLE / "patients.csv").open() as file:
        people = {row["nhs_number"]: None for row in csv.DictReader(file) if valid_nhs_number(row["nhs_number"])}
    return [number for number in people if number not in objected]


PEOPLE = present()


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Path:
    """With files of its own: a lock is of a file, and a hard link is the same file."""
    return Path(shutil.copytree(furnished, tmp_path / "home", ignore=shutil.ignore_patterns("serve.lock")))


@pytest.fixture
def office(home: Path) -> Iterator[Office]:
    with office_of(home) as office:
        yield office


def live(office: Office) -> Snapshot:
    found = office.live_snapshot("gp")
    assert found is not None
    return found


def object_to(office: Office, regime: str, *numbers: str) -> None:
    office.receive_opt_outs(office.host, regime, list(numbers))


def kinds(office: Office) -> list[str]:
    with office.state.read() as tx:
        return [one.kind for one in audit.page(tx, limit=1_000)]


def persons(office: Office, numbers: list[str], spill: Path) -> int:
    return store.rows_of(live(office), [pseudonym(office.keys.pseudonym, number) for number in numbers], spill)


def folders(home: Path) -> set[str]:
    return {path.name for path in (home / "store/gp").iterdir() if not path.name.startswith(".")}


# -------------------------------------------------------------------------------------------------------------- at the terminal


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


# ------------------------------------------------------------------------------------------------------------ the certificate


def test_a_certificate_is_checked_without_us(office: Office, tmp_path: Path) -> None:
    object_to(office, "local", PEOPLE[0])
    was, told = live(office), office.erase(office.host, "gp")
    found = office.erasure(told["certificate"])
    assert found["snapshot"] == live(office).id and found["unlinked"] == [was.id] and found["manifest"] == live(office).manifest
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found))
    assert certifying.check(file, [])["certificate"] == found["certificate"]
    assert certifying.check(file, [office.publication.vkey])["dataset"] == "gp"
    with office.state.read() as tx:
        entry = audit.entry(tx, found["index"])
    assert entry is not None and entry.body["certificate"] == found["certificate"]
    assert [one["certificate"] for one in office.erasures()["erasures"]] == [found["certificate"]]
    with pytest.raises(Refusal):
        office.erasure("0" * 32)


@pytest.mark.parametrize(
    "field", ["dataset", "snapshot", "manifest", "registers", "at", "backups", "unlinked", "says", "regimes"]
)
def test_no_field_of_a_certificate_can_be_changed(field: str, office: Office, tmp_path: Path) -> None:
    found = office.erasure(office.erase(office.host, "gp")["certificate"])
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found | {field: "other"}))
    with pytest.raises(Unfit, match="was changed"):
        certifying.check(file, [])


def test_another_key_and_no_certificate_are_told(office: Office, tmp_path: Path) -> None:
    found = office.erasure(office.erase(office.host, "gp")["certificate"])
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found))
    other = checkpoint.vkey("tre.local/log", bytes(Ed25519PrivateKey.generate().public_key().public_bytes_raw()))
    with pytest.raises(Unfit, match="another key signed it"):
        certifying.check(file, [other])
    assert certifying.check(file, [other, found["vkey"]])
    file.write_text("{}")
    with pytest.raises(Unfit, match="not an erasure certificate"):
        certifying.check(file, [])


def seen_by_everyone(furnished: Path, home: Path, number: str) -> str:
    """All that is public, and the entries, after one person's objection and an erasure."""
    shutil.copytree(furnished, home, ignore=shutil.ignore_patterns("serve.lock"))
    with office_of(home) as office:
        object_to(office, "local", number)
        told = office.erase(office.host, "gp")
        with office.state.read() as tx:
            leaves = [one.leaf.decode() for one in audit.page(tx, limit=1_000)]
        return IDS.sub("#", json.dumps([told, office.erasures(), office.erasure(told["certificate"]), leaves]))


def test_nothing_tells_whether_the_person_had_a_record(furnished: Path, tmp_path: Path) -> None:
    assert STRANGER not in PEOPLE and valid_nhs_number(STRANGER)
    theirs = [seen_by_everyone(furnished, tmp_path / number, number) for number in (PEOPLE[0], STRANGER)]
    assert theirs[0] == theirs[1]
    assert "#" in theirs[0] and PEOPLE[0] not in theirs[0]


# --------------------------------------------------------------------------------------------------------------- while serving


def deleted_files(parent: int) -> list[str]:
    """Files below a store that a process of the service has open though they have no name any more."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            status = (process / "stat").read_text().rsplit(")", 1)[1].split()
            if process.name != str(parent) and status[1] != str(parent):
                continue
            opened = [str(os.readlink(one)) for one in (process / "fd").iterdir()]
        except OSError:
            continue
        found += [name for name in opened if "/store/" in name and name.endswith("(deleted)")]
    return found


def until(seconds: float, holds: Any) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


class Askers:
    """Two who ask without a pause, each question another one; every answer's status is kept."""

    def __init__(self, served: Served) -> None:
        self.served, self.statuses, self._over = served, [], threading.Event()  # type: ignore[var-annotated]
        self._threads = [threading.Thread(target=self._ask, args=(1_000 * place,)) for place in (1, 2)]

    def _ask(self, number: int) -> None:
        with self.served.http() as http:
            while not self._over.is_set():
                number += 1
                sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile <> {number} GROUP BY sex"
                body = {"project": "demo", "dataset": "gp", "sql": sql, "share": 0.0001, "fresh": True}
                self.statuses.append(http.post("/v1/queries", json=body).status_code)

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_questions_go_on_and_the_old_files_are_let_go_of(home: Path) -> None:
    with Served(home) as served:
        assert served.process is not None
        with Askers(served) as askers:
            until(20, lambda: len(askers.statuses) > 4)
            for round in range(3):
                with office_of(home) as office:
                    object_to(office, "local", *PEOPLE[10 * round : 10 * round + 10])
                    told = office.erase(office.host, "gp")
                until(30, lambda: folders(home) == {told["snapshot"]})  # noqa: B023
                until(10, lambda: not deleted_files(served.process.pid))  # type: ignore[union-attr]
        assert set(askers.statuses) == {200}
        with served.http(None) as http:
            found = http.get("/v1/erasures").json()
            assert len(found["erasures"]) == 3
            assert http.get(f"/v1/erasures/{found['erasures'][0]['certificate']}").json() == found["erasures"][0]


def test_idle_workers_let_go(home: Path) -> None:
    with Served(home) as served:
        with office_of(home) as office:
            was = live(office).id
            object_to(office, "local", PEOPLE[0])
            told = office.erase(office.host, "gp")
        assert served.process is not None
        until(30, lambda: was not in folders(home))
        assert not deleted_files(served.process.pid)
        with served.http("researcher") as http:
            body = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients"}
            assert http.post("/v1/queries", json=body).json()["snapshot"] == told["snapshot"]


# ------------------------------------------------------------------------------------------------------------------ the bytes


def canary_of(number: str) -> str:
    return f"CANARY-{number}"


@pytest.fixture
def canaries(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A home whose first people have a practice of their own each, every column uncompressed, and those people."""
    home = Path(shutil.copytree(furnished, tmp_path / "home", ignore=shutil.ignore_patterns("serve.lock")))
    source = Path(shutil.copytree(SAMPLE, tmp_path / "source"))
    with (SAMPLE / "patients.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    marked = set(PEOPLE[:8])
    for row in rows:
        if row["nhs_number"] in marked:
            row["practice"] = canary_of(row["nhs_number"])
    with (source / "patients.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    plainly(monkeypatch)
    with office_of(home) as office:
        office.load(office.host, "gp", source)
    shutil.rmtree(source)
    return home, PEOPLE[:8]


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compressed: a byte string of a person is found where it stands."""

    def attached(connection: Any, *arguments: Any) -> None:
        connection.execute("SET force_compression = 'uncompressed'")
        attach(connection, *arguments)

    attach = writing.attach
    monkeypatch.setattr("tre.store.loading.attach", attached)
    monkeypatch.setattr("tre.store.rewriting.attach", attached)


def test_no_file_of_the_home_holds_a_byte_of_theirs(canaries: tuple[Path, list[str]], tmp_path: Path) -> None:
    """Not under a name that any manifest ever had, nor in a temporary, spilled or work file, while it is served and after."""
    home, marked = canaries
    gone, kept = marked[:6], marked[6:]
    # The registers hold pseudonyms by need.
    registers = frozenset(home / f"database.sqlite{end}" for end in ("", "-wal", "-shm"))
    with office_of(home) as office:
        names = {number: pseudonym(office.keys.pseudonym, number) for number in marked}
        for number in marked:  # a canary that could not be found would prove nothing
            for needle in (canary_of(number).encode(), names[number]):
                assert {path.name for path in store.holding(home, [needle], registers)} == {"persons.duckdb"}
    with Served(home) as served, served.http() as http:
        body = {"project": "demo", "dataset": "gp", "sql": "SELECT practice, COUNT(*) AS n FROM patients GROUP BY practice"}
        assert http.post("/v1/queries", json=body).status_code == 200
        with office_of(home) as office:
            object_to(office, "local", *gone)
            told = office.erase(office.host, "gp")
        until(30, lambda: folders(home) == {told["snapshot"]})
        assert http.post("/v1/queries", json=body | {"fresh": True}).status_code == 200
        needles = [needle for number in gone for needle in (canary_of(number).encode(), names[number])]
        assert store.holding(home, needles, registers) == []
    assert store.holding(home, needles, registers) == []
    assert store.holding(home, [canary_of(number).encode() for number in gone]) == []  # in no register either
    with office_of(home) as office:
        assert persons(office, gone, tmp_path / "spill") == 0 and persons(office, kept, tmp_path / "spill") == len(kept)
    assert store.holding(home, [canary_of(kept[0]).encode()]) != []


# ------------------------------------------------------------------------------------------------------- budgets and releases


def test_nothing_is_refunded_and_a_repeat_names_its_snapshot(home: Path) -> None:
    body = {"project": "demo", "dataset": "gp", "sql": "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"}
    with Served(home) as served, served.http() as http:
        first = http.post("/v1/queries", json=body).json()
        spent = http.get("/v1/projects/demo").json()["budget"]
        with office_of(home) as office:
            object_to(office, "local", *PEOPLE[:50])
            told = office.erase(office.host, "gp")
        assert http.get("/v1/projects/demo").json()["budget"] == spent
        again = http.post("/v1/queries", json=body).json()
        assert (again["rows"], again["snapshot"], again["stale"]) == (first["rows"], first["snapshot"], True)
        assert again["charge"]["repeat_of"] == first["id"]
        assert http.get("/v1/projects/demo").json()["budget"] == spent
        fresh = http.post("/v1/queries", json=body | {"fresh": True}).json()
        assert fresh["snapshot"] == told["snapshot"] and "stale" not in fresh
        assert http.get("/v1/projects/demo").json()["budget"] != spent


# ------------------------------------------------------------------------------------------------------------ the command line


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
