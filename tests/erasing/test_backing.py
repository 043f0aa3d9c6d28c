"""Backups: made beside a running service, whole or absent; what is brought back is without whoever was erased since, and an empty
home that is restored answers nothing until lists, records and people have been there anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.erasing.homes import PEOPLE, folders, live, object_to, persons
from tests.serving import POLICIES, SAMPLE, Served, office_of
from tre import audit, optouts, projects, store
from tre.audit.verify import verify_database
from tre.errors import Reason, Refusal, Unfit
from tre.keys import Keys
from tre.office import Office
from tre.office.restoring import restore
from tre.persons import pseudonym
from tre.settings import Settings
from tre.store import backing

REGISTERS = ("type-1", "national", "local")


def settings(home: Path) -> Settings:
    return Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]


def back_up(home: Path, place: Path) -> str:
    with office_of(home) as office:
        return str(office.back_up(office.host, place)["backup"])


def deliver_whole(office: Office, regime: str, *numbers: str) -> None:
    body = json.dumps({"regime": regime, "nhs_numbers": list(numbers)}).encode()
    (told,) = office.receive_opt_outs_body(office.host, [body], False, whole=True)["batches"]
    assert told["open"] and told["received"] == len(numbers)


def deliver_all(office: Office) -> None:
    office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
    office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
    for regime in REGISTERS:
        deliver_whole(office, regime, "9434765919")


@pytest.fixture
def empty(home: Path, tmp_path: Path) -> Iterator[Path]:
    """Another machine, to which the keys alone were brought."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    shutil.copytree(home / "keys", other / "keys")
    yield other


# ----------------------------------------------------------------------------------------------------------------- the making


def test_a_backup_is_made_beside_a_running_service(home: Path, tmp_path: Path) -> None:
    with Served(home) as served:
        with served.http() as http:
            asked = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients"}
            assert http.post("/v1/queries", json=asked).status_code == 200
        made = back_up(home, tmp_path / "backup")
        with served.http(None) as http:
            found = http.get("/v1/erasures").json()["backups"]
        assert [(one["backup"], one["datasets"], one["predates"]) for one in found] == [(made, ["gp"], [])]
    database = tmp_path / "backup/database.sqlite"
    assert verify_database(database).ok
    with closing(sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM entries WHERE kind = 'backed-up'").fetchone() == (1,)
    assert not [path for path in (tmp_path / "backup").rglob("*") if path.is_file() and path.stat().st_mode & 0o377]
    keys = [path.read_bytes() for path in (home / "keys").iterdir()]
    assert store.holding(tmp_path / "backup", [*keys, *(key.hex().encode() for key in keys)]) == []


def test_a_backup_that_predates_an_erasure_is_named_by_it(home: Path, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "backup")
    with office_of(home) as office:
        object_to(office, "local", PEOPLE[0])
        told = office.erase(office.host, "gp")
        found = office.erasure(told["certificate"])
        assert [(one["backup"], one["predates"]) for one in found["backups"]] == [(made, ["gp"])]
        later = str(office.back_up(office.host, tmp_path / "later")["backup"])
        assert {one["backup"]: one["predates"] for one in office.erasures()["backups"]} == {made: ["gp"], later: []}


def test_nothing_is_written_over(home: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup/mine").touch()
    with pytest.raises(Unfit, match="is there already"):
        back_up(home, tmp_path / "backup")
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]


def test_a_backup_holds_the_files_it_copies(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever retires them, in another process, does not get them."""
    from tests.store.test_retiring import freed_by_another

    copy, seen = backing.copy_records, []

    def copied(snapshot: object, made: Path) -> None:
        seen.append(freed_by_another(home / "store/gp"))
        copy(snapshot, made)  # type: ignore[arg-type]

    monkeypatch.setattr(backing, "copy_records", copied)
    back_up(home, tmp_path / "backup")
    assert seen == [False] and freed_by_another(home / "store/gp")


# ------------------------------------------------------------------------------------------------------- into its own home


def test_whoever_was_erased_since_does_not_come_back(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    with office_of(home) as office:
        object_to(office, "local", *PEOPLE[:4])
        office.erase(office.host, "gp")
        # One of them withdraws: what was erased is not brought back by a backup.
        withdraw(office, PEOPLE[0])
        object_to(office, "type-1", PEOPLE[4])
        was = live(office).id
    told = restore(settings(home), tmp_path / "backup")
    with Served(home) as served, served.http() as http:
        asked = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients"}
        assert http.post("/v1/queries", json=asked).json()["snapshot"] == told["records"]["gp"]
    with office_of(home) as office:
        assert live(office).id == told["records"]["gp"] != was and folders(home) == {live(office).id}
        assert persons(office, PEOPLE[:5], tmp_path / "spill") == 0 and persons(office, PEOPLE[5:9], tmp_path / "spill") == 4
        with office.state.read() as tx:
            entry = audit.last(tx, "restored")
        assert entry is not None and entry.body["backup"] == told["backup"] and entry.body["was"] == was


def withdraw(office: Office, number: str) -> None:
    """That the person was erased once stays written down."""
    told = office.withdraw_opt_outs(office.host, "local", [number])
    assert told["withdrawn"] == 1


def test_newly_supplied_records_count_again(home: Path, tmp_path: Path) -> None:
    """Who withdrew and was loaded anew is in the next backup, and in what it brings back."""
    with office_of(home) as office:
        object_to(office, "local", PEOPLE[0])
        office.erase(office.host, "gp")
        withdraw(office, PEOPLE[0])
        office.load(office.host, "gp", SAMPLE)
        assert persons(office, PEOPLE[:1], tmp_path / "spill") == 1
    back_up(home, tmp_path / "backup")
    restore(settings(home), tmp_path / "backup")
    with office_of(home) as office:
        assert persons(office, PEOPLE[:1], tmp_path / "spill") == 1


# ----------------------------------------------------------------------------------------------------- into an empty home


def test_an_empty_home_is_closed_until_everything_was_there_anew(home: Path, empty: Path, tmp_path: Path) -> None:
    with Served(home) as served, served.http() as http:
        asked = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients", "share": 0.25}
        assert http.post("/v1/queries", json=asked).status_code == 200
        spent = http.get("/v1/projects/demo").json()["budget"]["spent"]
    back_up(home, tmp_path / "backup")
    made = settings(empty)
    told = restore(made, tmp_path / "backup")
    assert told["restored"] == "database and log"
    shutil.copy(home / "demo.json", empty)
    with Served(empty) as served, served.http() as http:
        assert http.get("/readyz").json()["datasets"] == {"gp": "no records are live"}
        again = http.post("/v1/queries", json=asked | {"fresh": True})
        assert again.json()["reason"] == "project-held"
        assert http.get("/v1/projects/demo").json()["budget"]["spent"] == spent
    with pytest.raises(Unfit, match="have not been delivered"):
        restore(made, tmp_path / "backup")
    with office_of(empty) as office:
        deliver_all(office)
        object_to(office, "local", *PEOPLE[:3])
        with office.state.read() as tx:
            assert store.live(tx, "gp") is None and {one.state for one in projects.every(tx)} == {"held"}
    told = restore(made, tmp_path / "backup")
    with office_of(empty) as office:
        assert live(office).id == told["records"]["gp"]
        assert persons(office, PEOPLE[:3], tmp_path / "spill") == 0 and persons(office, PEOPLE[5:9], tmp_path / "spill") == 4
        with office.state.read() as tx:
            assert [one.body["backup"] for one in audit.page(tx, kind="restored", limit=9)] == [told["backup"]] * 2
    with Served(empty) as served, served.http() as http:
        assert http.get("/readyz").json()["datasets"] == {"gp": "ready"}
        assert http.post("/v1/queries", json=asked | {"fresh": True}).json()["reason"] == "project-held"


def asked(office: Office, *regimes: str) -> str | None:
    """Why a question under these regimes is refused; None where it is not."""
    try:
        with office.state.read() as tx:
            optouts.check_age(tx, regimes, office.clock(), 7, "check-service")
    except Refusal as refusal:
        assert refusal.reason is Reason.OPT_OUTS_STALE
        return refusal.detail
    return None


def missing(home: Path, backup: Path) -> set[str]:
    """The lists without which no records come back."""
    with pytest.raises(Unfit, match="have not been delivered here whole") as found:
        restore(settings(home), backup)
    return set(str(found.value).partition("(")[2].partition(")")[0].split(", "))


def test_a_line_that_comes_after_a_restore_opens_no_register(home: Path, empty: Path, tmp_path: Path) -> None:
    """What was acknowledged after the backup is not known: a daily feed counts, and tells nothing of it. Nor does a list of the
    check service that is still there."""
    back_up(home, tmp_path / "backup")
    restore(settings(empty), tmp_path / "backup")
    shutil.copytree(home / "registers", empty / "registers", dirs_exist_ok=True)
    everything = {*REGISTERS, "check-service"}
    assert missing(empty, tmp_path / "backup") == everything
    with office_of(empty) as office:
        office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
        for regime in REGISTERS:
            object_to(office, regime, PEOPLE[0])
            assert "whole" in (asked(office, regime) or "")
        with office.state.read() as tx:
            assert pseudonym(office.keys.pseudonym, PEOPLE[0]) in set(optouts.pseudonyms(tx, ["local"]))
    assert missing(empty, tmp_path / "backup") == everything
    with office_of(empty) as office:
        deliver_whole(office, "type-1", PEOPLE[1])
        assert asked(office, "type-1") is None and asked(office, "type-1", "local") is not None
        deliver_whole(office, "local", PEOPLE[2])
        deliver_whole(office, "national")  # nobody objected here
        assert asked(office, "type-1", "local") is None and asked(office, "national") is not None
    assert missing(empty, tmp_path / "backup") == {"check-service"}
    with office_of(empty) as office:
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        assert asked(office, *REGISTERS) is None
    restore(settings(empty), tmp_path / "backup")
    with office_of(empty) as office:
        assert persons(office, PEOPLE[:3], tmp_path / "spill") == 0 and persons(office, PEOPLE[5:9], tmp_path / "spill") == 4


def test_a_new_list_of_the_check_service_is_not_enough(home: Path, empty: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    restore(settings(empty), tmp_path / "backup")
    with office_of(empty) as office:
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        assert asked(office, "national") is not None
    assert missing(empty, tmp_path / "backup") == set(REGISTERS)


def test_a_file_with_a_header_alone_says_that_nobody_objected(home: Path, tmp_path: Path) -> None:
    """At the terminal the register has to be named; what says nothing is not entered."""
    (file := tmp_path / "nobody.csv").write_text("nhs_number\n")
    (both := tmp_path / "both.csv").write_text("regime,nhs_number\n")
    with office_of(home) as office:
        office.state.write(lambda tx: optouts.forget_deliveries(tx, office.clock()))
        assert office.deliver_opt_outs(office.host, file, "local") == [] and asked(office, "local") is not None
        with pytest.raises(Refusal, match="names no register"):
            office.deliver_opt_outs(office.host, both, None, whole=True)
        (told,) = office.deliver_opt_outs(office.host, file, "local", whole=True)
        assert told["received"] == 0 and told["open"] and asked(office, "local") is None
        assert list(office.opt_out_lines(office.host, told["batch"])) == []
        with office.state.read() as tx:
            entry = audit.last(tx, "opt-outs")
        assert entry is not None and entry.body["delivery"] == "whole" and entry.body["batch"] == told["batch"]


def test_keys_that_were_restored_by_command_are_an_empty_home(home: Path, empty: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    with Office.open(settings(empty), governed=False):
        pass  # as `tre keys restore` leaves it: a database that has its first entry
    assert restore(settings(empty), tmp_path / "backup")["restored"] == "database and log"
    assert verify_database(empty / "database.sqlite").ok


# ---------------------------------------------------------------------------------------------------------- what is not whole


def contents(home: Path) -> dict[str, bytes]:
    wanted = [path for path in home.rglob("*") if path.is_file() and path.suffix not in (".lock", ".sqlite-shm")]
    return {str(path.relative_to(home)): path.read_bytes() for path in wanted if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def made(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home and its backup, that tests copy."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(furnished, folder / "home", ignore=shutil.ignore_patterns("serve.lock"))
    back_up(folder / "home", folder / "backup")
    return folder / "home", folder / "backup"


@pytest.mark.parametrize("file", ["backup.json", "database.sqlite", "log/checkpoint", "persons.duckdb", "manifest.json"])
@pytest.mark.parametrize("damage", ["bit", "gone", "half"])
def test_a_damaged_backup_changes_nothing(file: str, damage: str, made: tuple[Path, Path], tmp_path: Path) -> None:
    home, backup = (Path(shutil.copytree(one, tmp_path / one.name)) for one in made)
    path = next(one for one in backup.rglob("*") if str(one.relative_to(backup)) == file or one.name == file)
    path.chmod(0o600)
    raw = bytearray(path.read_bytes())
    if damage == "bit":
        raw[len(raw) // 2] ^= 1
    path.write_bytes(raw[: len(raw) // 2] if damage == "half" else raw)
    if damage == "gone":
        path.unlink()
    before = contents(home)
    with pytest.raises(Unfit, match=r"another backup|not a backup|not as it was"):
        restore(settings(home), backup)
    assert contents(home) == before


def test_a_backup_that_was_written_anew_is_not_believed(made: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever changes a file and its digest has no key: neither the home that made it takes it, nor an empty one."""
    home, backup = (Path(shutil.copytree(one, tmp_path / one.name)) for one in made)
    listed = json.loads((backup / "backup.json").read_text())
    listed["at"] = "2026-01-01T00:00:00.000000Z"
    (backup / "backup.json").chmod(0o600)
    (backup / "backup.json").write_text(json.dumps(listed))
    with pytest.raises(Unfit, match="not as it was when it was made"):
        restore(settings(home), backup)
    (tmp_path / "other").mkdir(mode=0o700)
    shutil.copytree(home / "keys", tmp_path / "other/keys")
    with pytest.raises(Unfit, match="not signed with the keys of this home"):
        restore(settings(tmp_path / "other"), backup)


def test_another_log_and_other_keys_are_told(made: tuple[Path, Path], tmp_path: Path) -> None:
    _, backup = made
    for name in ("living", "fresh", "bare"):
        (tmp_path / name).mkdir(mode=0o700)
    with office_of(tmp_path / "living") as office:
        office.make_identity(office.host, "ada", ("admin",))
    before = contents(tmp_path / "living")
    with pytest.raises(Unfit, match="another log"):
        restore(settings(tmp_path / "living"), backup)
    assert contents(tmp_path / "living") == before
    Keys.open(settings(tmp_path / "fresh").keys)
    with pytest.raises(Unfit, match="not signed with the keys of this home"):
        restore(settings(tmp_path / "fresh"), backup)
    with pytest.raises(Unfit, match="no keys"):
        restore(settings(tmp_path / "bare"), backup)


def test_a_served_home_is_not_restored(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    with Served(home), pytest.raises(Unfit, match="stop it"):
        restore(settings(home), tmp_path / "backup")
