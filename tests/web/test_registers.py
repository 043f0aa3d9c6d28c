"""The registers over HTTP and at the terminal: the check service's list, withdrawals, and the watch over feeds."""

from __future__ import annotations

import base64
import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from tests.serving import POLICIES, SAMPLE, Served, copy_home, office_of
from tests.web.test_opt_outs import IDS, count
from tre.__main__ import app
from tre.errors import Refusal
from tre.gateway import Gateway
from tre.office import Office
from tre.office.doctor import examine
from tre.persons import pseudonym, valid_nhs_number
from tre.settings import Settings
from tre.terms import Asking, Person, Request, timestamp

CLEARED = (SAMPLE / "cleared.txt").read_text().split()
TEXT = {"Content-Type": "text/plain"}
EVERYONE = "SELECT COUNT(*) AS n FROM patients"


def everyone() -> set[str]:
    with (SAMPLE / "patients.csv").open() as file:
        return {number for row in csv.DictReader(file) if valid_nhs_number(number := row["nhs_number"].replace(" ", ""))}


def objecting(*regimes: str) -> set[str]:
    with (SAMPLE / "opt_outs.csv").open() as file:
        return {row["nhs_number"] for row in csv.DictReader(file) if not regimes or row["regime"] in regimes}


def lines(numbers: list[str]) -> bytes:
    return "".join(f"{number},\n" for number in numbers).encode()


NUMBERS = [line.removesuffix(",") for line in CLEARED]
_COUNTED = everyone() - objecting()
PRESENT = [number for number in NUMBERS if number in _COUNTED]


@contextmanager
def opened(home: Path) -> Iterator[tuple[Office, Gateway]]:
    """Office and gateway over one home, in this process; a release is seen as soon as it is sealed."""
    settings = Settings(home=home, policies=POLICIES, workers=1, _env_file=None)  # type: ignore[call-arg]
    with (
        office_of(home) as office,
        Gateway.open(settings, office.state, office.policies, office.keys, release_time=None) as gateway,
    ):
        yield office, gateway


def left_out(office: Office, gateway: Gateway) -> set[int]:
    """Who the exclusion of the next question of research holds, as persons of the snapshot: the exact set, without noise."""
    person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
    request = Request("demo", "gp", EVERYONE, Asking(rho=10**6), fresh=True)
    outcome = gateway.ask(person, request).coming.result(60)
    assert type(outcome).__name__ == "Released", outcome
    snapshot = office.live_snapshot("gp")
    assert snapshot is not None
    files = sorted(Path(snapshot.folder).glob("exclusions/[0-9]*.duckdb"), key=lambda path: int(path.name.split("-")[0]))
    with duckdb.connect(str(files[-1]), read_only=True) as connection:
        return {person for (person,) in connection.execute("SELECT person FROM excluded").fetchall()}


def persons(office: Office, numbers: set[str]) -> set[int]:
    """The same people by their numbers, through the store's own pseudonyms."""
    snapshot = office.live_snapshot("gp")
    assert snapshot is not None
    with duckdb.connect(f"{snapshot.folder}/persons.duckdb", read_only=True) as connection:
        places = dict(connection.execute("SELECT pseudonym, person FROM persons").fetchall())
    made = (pseudonym(office.keys.pseudonym, number) for number in numbers)
    return {places[one] for one in made if one in places}


def test_only_who_is_cleared_and_did_not_object_counts(furnished: Path, tmp_path: Path) -> None:
    """Unknown to the service is left out like one with an opt-out; the deny-list only adds. Each list replaces the former."""
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        expected = (everyone() - set(NUMBERS)) | objecting()
        assert left_out(office, gateway) == persons(office, expected) != persons(office, objecting())
        gone = set(PRESENT[:40])
        (tmp_path / "reply.txt").write_bytes(lines([number for number in NUMBERS if number not in gone]))
        office.deliver_cleared(office.host, tmp_path / "reply.txt")
        assert left_out(office, gateway) == persons(office, expected | gone)
        office.receive_opt_outs(office.host, "national", [PRESENT[50]])
        assert left_out(office, gateway) == persons(office, expected | gone | {PRESENT[50]})
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        assert left_out(office, gateway) == persons(office, expected | {PRESENT[50]}), "on the list, and objected here"
        unknown = everyone() - set(NUMBERS) - objecting()
        office.withdraw_opt_outs(office.host, "national", sorted(unknown))
        assert left_out(office, gateway) == persons(office, expected | {PRESENT[50]}), "that list is not ours to change"


def test_a_withdrawal_reaches_the_next_question_and_restores_nothing(furnished: Path, tmp_path: Path) -> None:
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        before = left_out(office, gateway)
        who = PRESENT[:5]
        for regime in ("local", "type-1", "national"):
            office.receive_opt_outs(office.host, regime, who)
            assert left_out(office, gateway) == before | persons(office, set(who))
            told = office.withdraw_opt_outs(office.host, regime, [*who, PRESENT[9], "123"])
            assert (told["received"], told["withdrawn"], told["not_known"], told["rejected"]) == (
                7,
                5,
                1,
                {"invalid-nhs-number": 1},
            )
            assert left_out(office, gateway) == before
        # Left out at load: the store holds nothing of them, whatever is withdrawn, until records are delivered anew.
        office.receive_opt_outs(office.host, "type-1", who)
        office.load(office.host, "gp", SAMPLE)
        office.withdraw_opt_outs(office.host, "type-1", who)
        left_out(office, gateway)
        assert persons(office, set(who)) == set()
        office.load(office.host, "gp", SAMPLE)
        assert len(persons(office, set(who))) == 5 and not persons(office, set(who)) & left_out(office, gateway)


def test_the_list_over_http_is_whole_counted_and_in_force_at_once(furnished: Path, tmp_path: Path) -> None:
    with Served(copy_home(furnished, tmp_path / "home")) as served, served.http("controller") as http:
        before = count(served)
        told = http.put("/v1/opt-outs/cleared", content=lines([*NUMBERS[180:], "123", NUMBERS[200]]), headers=TEXT)
        assert told.status_code == 200, told.text
        made = told.json()
        assert made["received"] == len(NUMBERS) - 178 == made["cleared"] + made["repeated"] + sum(made["rejected"].values())
        assert made["rejected"] == {"invalid-nhs-number": 1} and made["changed"] is True
        # Two draws of scale 10.5, each rounded to 5: 150 is ten of the difference's scales.
        assert abs(before - count(served) - len(set(PRESENT) & set(NUMBERS[:180]))) < 150
        again = http.put("/v1/opt-outs/cleared", content=lines(NUMBERS[180:]), headers=TEXT).json()
        assert again["changed"] is False
        left = list((tmp_path / "home/registers").iterdir())
        locks = {path.name for path in left if not path.stat().st_size}
        assert locks == {".lock", ".delivering"} and all(path.suffix == ".duckdb" for path in left if path.name not in locks), (
            left
        )


def test_what_is_not_put_in_force_is_an_alarm(furnished: Path, tmp_path: Path) -> None:
    """It is in the log, without a count, and stands until a list is put in force."""
    home = copy_home(furnished, tmp_path / "home")
    doubtful = [
        (b"ERROR,DTS identifier not known\n", "unreadable"),
        (b"C\xc2\x94o!\n", "unreadable"),
        (b"", "empty"),
        (lines(NUMBERS) + b"x\n" * 40, "unreadable"),
        (lines(NUMBERS[:1_000]), "smaller"),
    ]
    alarms = "/v1/audit?kind=opt-outs-alarm"
    with Served(home) as served, served.http("controller") as http, served.http("auditor") as auditor:
        for place, (content, why) in enumerate(doubtful):
            assert http.get("/readyz").json()["opt_outs"] == "ok" and doctor(home)
            for smaller in ("false", "true") if why != "smaller" else ("false",):
                answer = http.put("/v1/opt-outs/cleared", content=content, headers=TEXT, params={"smaller": smaller})
                assert (answer.status_code, answer.json()["reason"]) == (422, "invalid-request")
            ready = http.get("/readyz")
            assert (ready.status_code, ready.json()["opt_outs"]) == (200, "alarm") and not doctor(home)
            entry = auditor.get(alarms).json()["entries"][-1]
            public = json.loads(base64.b64decode(entry["leaf"]))
            assert (entry["regime"], entry["why"]) == ("national", why)
            assert not {"source", "received", "cleared", "people"} & set(public) and "http" not in json.dumps(public)
            with sqlite3.connect(home / "database.sqlite") as books:
                assert books.execute("SELECT count(*) FROM cleared_lists").fetchone() == (1 + place,)
            assert len(list((home / "registers").glob("*.duckdb"))) == 1
            if why != "smaller":
                assert http.put("/v1/opt-outs/cleared", content=lines(NUMBERS), headers=TEXT).status_code == 200
        before = len(auditor.get(alarms).json()["entries"])
        assert http.put("/v1/opt-outs/cleared?smaller=true", content=content, headers=TEXT).status_code == 200
        assert len(auditor.get(alarms).json()["entries"]) == before + 1, "never silently"
        assert http.get("/readyz").json()["opt_outs"] == "ok" and doctor(home)


def doctor(home: Path) -> bool:
    settings = Settings(home=home, policies=POLICIES, _env_file=None)  # type: ignore[call-arg]
    return next(one.ok for one in examine(settings) if one.what == "opt-outs")


def test_who_breaks_off_half_way_leaves_the_former_list(furnished: Path, tmp_path: Path) -> None:
    home = copy_home(furnished, tmp_path / "home")

    def half() -> Iterator[bytes]:
        yield lines(NUMBERS[:900])
        raise ConnectionResetError

    with Served(home) as served, served.http("controller") as http:
        with pytest.raises(ConnectionResetError):
            http.put("/v1/opt-outs/cleared", content=half(), headers=TEXT)
        assert count(served) > 1_500
        with sqlite3.connect(home / "database.sqlite") as books:
            assert books.execute("SELECT count(*) FROM cleared_lists").fetchone() == (1,)
            assert books.execute("SELECT count(*) FROM opt_out_alarms").fetchone() == (0,)


def test_a_crash_between_the_file_and_the_switch_leaves_the_former_list(
    furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reply.txt").write_bytes(lines(NUMBERS[20:]))
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        before = left_out(office, gateway)

        class Killed(BaseException):
            pass

        def kill(*_: object) -> None:
            raise Killed

        monkeypatch.setattr(Office, "_put_in_force", kill)
        with pytest.raises(Killed):
            office.deliver_cleared(office.host, tmp_path / "reply.txt")
        assert left_out(office, gateway) == before
        monkeypatch.undo()
        office.deliver_cleared(office.host, tmp_path / "reply.txt")
        assert left_out(office, gateway) == before | persons(office, set(PRESENT) & set(NUMBERS[:20]))


def test_an_old_list_or_one_whose_file_is_gone_stops_questions(furnished: Path, tmp_path: Path) -> None:
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        office.receive_opt_outs(office.host, "local", [PRESENT[0]])
        snapshot = office.live_snapshot("gp")
        assert snapshot is not None
        for path in [*office.registers.glob("*.duckdb"), *Path(snapshot.folder).glob("exclusions/*.duckdb")]:
            path.unlink()
        assert gateway.ready()["datasets"] == {"gp": "opt-outs-stale"}
        with pytest.raises(AssertionError, match="opt-outs-stale"):
            left_out(office, gateway)
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        assert left_out(office, gateway)
        now = datetime.now(UTC)
        object.__setattr__(gateway.house, "clock", lambda: now + timedelta(days=7, minutes=1))
        office.clock = gateway.house.clock
        for regime in ("type-1", "local", "national"):
            office.receive_opt_outs(office.host, regime, [PRESENT[1]])
        with pytest.raises(AssertionError, match="opt-outs-stale"):
            left_out(office, gateway)
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        assert left_out(office, gateway)


@pytest.mark.parametrize("act", ["list", "objection", "withdrawal"])
def test_what_lands_while_a_question_runs_decides_over_it(act: str, furnished: Path, tmp_path: Path) -> None:
    """The answer after the commit is as the registers are then: the first draw is discarded unseen."""
    gone = set(PRESENT) & set(NUMBERS[:20])
    (tmp_path / "reply.txt").write_bytes(lines(NUMBERS[20:]))
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        if act == "withdrawal":
            office.receive_opt_outs(office.host, "local", sorted(gone))
        acts = {
            "list": lambda: office.deliver_cleared(office.host, tmp_path / "reply.txt"),
            "objection": lambda: office.receive_opt_outs(office.host, "local", sorted(gone)),
            "withdrawal": lambda: office.withdraw_opt_outs(office.host, "local", sorted(gone)),
        }
        land = acts[act]
        (worker,) = gateway._road.workers
        really, drawn = worker.answer, []

        def answer(order: Any) -> Any:
            release = really(order)
            if not drawn:
                land()
            drawn.append(order.exclusion.version)
            return release

        worker.answer = answer  # type: ignore[method-assign]
        found = persons(office, gone) & left_out(office, gateway)
        assert found == (set() if act == "withdrawal" else persons(office, gone))
        assert len(drawn) == 2 and drawn[0] < drawn[1]


@pytest.mark.parametrize("act", ["clear", "withdraw"])
def test_a_person_with_and_without_a_record_look_alike(act: str, furnished: Path, tmp_path: Path) -> None:
    told = []
    for number, place in ((PRESENT[3], "with"), ("9434765919", "without")):
        home = copy_home(furnished, tmp_path / place)
        with Served(home) as served, served.http("controller") as http, served.http("auditor") as auditor:
            if act == "clear":
                answer = http.put("/v1/opt-outs/cleared", content=lines([*PRESENT[10:], number]), headers=TEXT)
            else:
                http.post("/v1/opt-outs", json={"regime": "local", "nhs_numbers": [number]})
                answer = http.post("/v1/opt-outs/withdrawals", json={"regime": "local", "nhs_numbers": [number]})
            log = auditor.get("/v1/audit").json()["entries"]
            kinds = [(entry["kind"], sorted(set(entry) - {"leaf"})) for entry in log]
            told.append((answer.status_code, IDS.sub("#", answer.text), kinds, http.get("/readyz").json() | {"log": None}))
    assert told[0] == told[1]


def test_only_a_controller(served: Served) -> None:
    for who in ("researcher", "admin", "auditor"):
        with served.http(who) as http:
            assert http.put("/v1/opt-outs/cleared", content=lines(NUMBERS)).status_code == 403
            assert http.post("/v1/opt-outs/withdrawals", json={"regime": "local", "nhs_numbers": []}).status_code == 403


def test_at_the_terminal(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRE_HOME", str(copy_home(furnished, tmp_path / "home")))
    monkeypatch.setenv("TRE_POLICIES", str(POLICIES))
    run, reply, gone = CliRunner().invoke, tmp_path / "reply.txt", tmp_path / "gone.csv"
    reply.write_bytes(lines(NUMBERS[:500]))
    gone.write_text("nhs_number\n" + "\n".join(sorted(objecting("local"))))
    assert isinstance(run(app, ["opt-outs", "cleared", str(reply)]).exception, Refusal)
    told = json.loads(run(app, ["opt-outs", "cleared", str(reply), "--smaller", "--json"]).stdout)
    assert told["cleared"] == 500
    told = json.loads(run(app, ["opt-outs", "withdraw", str(gone), "--regime", "local", "--json"]).stdout)
    assert told["received"] == told["withdrawn"] + told["not_known"] + sum(told["rejected"].values()) == len(objecting("local"))


def test_a_silent_feed_is_told_once_in_the_log_and_stands(furnished: Path, tmp_path: Path) -> None:
    """Three suppliers deliver daily; one of them stops."""
    with opened(copy_home(furnished, tmp_path / "home")) as (office, gateway):
        start, hour = datetime.now(UTC), timedelta(hours=1)
        for day in range(9):
            now = start + timedelta(days=day)
            office.clock = lambda now=now: now  # type: ignore[misc]
            office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
            for supplier in ("one", "two", "three"):
                if supplier != "two" or day < 4:
                    file = tmp_path / f"{supplier}.csv"
                    file.write_text(f"nhs_number\n{PRESENT[day]}\n")
                    office.deliver_opt_outs(office.host, file, "type-1")
            found = [(one.source, one.why) for one in office.check_opt_outs(now + hour)]
            assert found == ([("two.csv", "silent")] if day == 6 else []), day
            assert office.check_opt_outs(now + 2 * hour) == []
        assert gateway.ready()["opt_outs"] == "alarm"
        (entry,) = office.read_log(office.host, {"kind": "opt-outs-alarm", "limit": 10})["entries"]
        assert entry["why"] == "silent" and entry["at"] == timestamp(start + timedelta(days=6, hours=1))
        assert entry["source"] == "two.csv" and "two.csv" not in base64.b64decode(entry["leaf"]).decode(), "for auditors alone"


def test_who_delivers_over_http_is_watched_apart(furnished: Path, tmp_path: Path) -> None:
    """Two controllers deliver daily and one of them stops, which the other does not hide; nor is 9 an alarm beside 40."""
    with opened(copy_home(furnished, tmp_path / "home")) as (office, _):
        start, hour = datetime.now(UTC), timedelta(hours=1)
        one, two = (Person(name, office.keys.person_pseudonym(name), frozenset({"controller"})) for name in ("one", "two"))
        body = {
            person: json.dumps({"regime": "type-1", "nhs_numbers": PRESENT[:many]}).encode()
            for person, many in ((one, 9), (two, 40))
        }
        for day in range(9):
            now = start + timedelta(days=day)
            office.clock = lambda now=now: now  # type: ignore[misc]
            office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
            for person in (two, one) if day < 4 else (one,):
                office.receive_opt_outs_body(person, [body[person]], csv=False)
            found = [(alarm.source, alarm.why) for alarm in office.check_opt_outs(now + hour)]
            assert found == ([(f"http {two.pseudonym}", "silent")] if day == 6 else []), day
        (entry,) = office.read_log(office.host, {"kind": "opt-outs-alarm", "limit": 10})["entries"]
        assert entry["source"] == f"http {two.pseudonym}"
        assert two.pseudonym not in base64.b64decode(entry["leaf"]).decode(), "for auditors alone"


def test_files_that_no_question_needs_are_swept(furnished: Path, tmp_path: Path) -> None:
    home = copy_home(furnished, tmp_path / "home")
    for path in (*home.glob("registers/*"), *home.rglob("exclusions/*")):
        path.touch()  # made once for all tests, which may be long ago
    with opened(home) as (office, gateway):
        (tmp_path / "reply.txt").write_bytes(lines(NUMBERS[20:]))
        left_out(office, gateway)
        office.deliver_cleared(office.host, tmp_path / "reply.txt")
        office.receive_opt_outs(office.host, "local", [PRESENT[0]])
        before = left_out(office, gateway)
        assert office.sweep_opt_outs() == [], "all of it is new"
        gone = office.sweep_opt_outs(older_than_s=-1)
        assert {"registers", "exclusions"} == {path.parent.name for path in gone}
        assert left_out(office, gateway) == before
        assert len(list(office.registers.glob("*.duckdb"))) == 1
        snapshot = office.live_snapshot("gp")
        assert snapshot is not None
        left = sorted(path.name.partition("-")[0] for path in Path(snapshot.folder).glob("exclusions/*.duckdb"))
        assert len(left) == 2 and left[1] == "uncleared"
