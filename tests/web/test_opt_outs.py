"""Opt-outs over HTTP: the next question computed leaves the person out, a stale list stops questions, and nothing tells whether a
person has a record."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.serving import POLICIES, SAMPLE, Served, copy_home, office_of
from tre import optouts
from tre.commands import app
from tre.persons import valid_nhs_number

IDS = re.compile(r"[0-9a-f]{32}")


def present() -> list[str]:
    """NHS numbers of the sample's people who have not objected and have no national opt-out."""
    cleared = {line.removesuffix(",") for line in (SAMPLE / "cleared.txt").read_text().split()}
    with (SAMPLE / "opt_outs.csv").open() as file:
        objected = {row["nhs_number"] for row in csv.DictReader(file)}
    with (SAMPLE / "patients.csv").open() as file:
        people = {row["nhs_number"]: None for row in csv.DictReader(file) if valid_nhs_number(row["nhs_number"])}
    return [number for number in people if number in cleared - objected]


def count(served: Served, **more: object) -> int:
    """A count of everybody, with so much budget that the noise is below 30."""
    body = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients", "share": 0.001, "fresh": True}
    with served.http() as http:
        answer = http.post("/v1/queries", json=body | more)
    assert answer.status_code == 200, answer.text
    n: int = answer.json()["rows"][0]["n"]
    return n


def test_the_next_question_leaves_them_out(served: Served) -> None:
    people = present()[:1_000]
    with served.http("controller") as http:
        before = count(served)
        told = http.post("/v1/opt-outs", json={"regime": "national", "nhs_numbers": [*people, "123", people[0]]})
        assert told.status_code == 202, told.text
        batch = told.json()["batches"][0]
        assert batch["received"] == 1_002 == batch["applied"] + batch["already_known"] + sum(batch["rejected"].values())
        assert batch["rejected"] == {"invalid-nhs-number": 1}
        after = count(served)
    # Two draws of scale 10.5 (0.001 of the demo's rho), each rounded to 5: a difference of 150 is ten of its scales.
    assert abs((before - after) - 1_000) < 150


def test_a_repeat_says_that_it_is_stale(served: Served) -> None:
    sql = "SELECT sex, COUNT(*) AS n FROM patients WHERE imd_decile = 7 GROUP BY sex"
    body = {"project": "demo", "dataset": "gp", "sql": sql}
    with served.http() as http, served.http("controller") as controller:
        first = http.post("/v1/queries", json=body).json()
        controller.post("/v1/opt-outs", json={"regime": "local", "nhs_numbers": present()[-5:]})
        again = http.post("/v1/queries", json=body).json()
    assert again["charge"]["repeat_of"] == first["id"] and again["stale"] is True
    assert again["rows"] == first["rows"] and again["opt_outs_as_of"] == first["opt_outs_as_of"]


def test_a_list_comes_as_csv_too(served: Served) -> None:
    lines = "regime,nhs_number\r\n" + "".join(f"local,{number}\r\n" for number in present()[50:60]) + "local,12\r\n"
    with served.http("controller") as http:
        told = http.post("/v1/opt-outs", content=lines.encode(), headers={"Content-Type": "text/csv"})
        wrong = http.post("/v1/opt-outs", content=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})
        large = http.post("/v1/opt-outs", content=(b" " * 2**20 for _ in range(257)))
    assert told.status_code == 202 and told.json()["batches"][0]["received"] == 11, told.text
    assert told.json()["batches"][0]["rejected"] == {"invalid-nhs-number": 1}
    assert wrong.status_code == 422 and wrong.json()["reason"] == "invalid-request"
    assert large.status_code == 413 and large.json()["reason"] == "too-large"


def test_only_a_controller_delivers(served: Served) -> None:
    for who in ("researcher", "admin", "auditor"):
        with served.http(who) as http:
            assert http.post("/v1/opt-outs", json={"regime": "national", "nhs_numbers": []}).status_code == 403


def test_an_old_list_stops_questions(furnished: Path, tmp_path: Path) -> None:
    home = copy_home(furnished, tmp_path / "home")
    with sqlite3.connect(home / "database.sqlite") as books:
        books.execute("UPDATE registers SET as_of = '2020-01-01T00:00:00.000000Z' WHERE regime = 'local'")
    with Served(home) as served, served.http() as http:
        answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) FROM patients"})
        assert (answer.status_code, answer.json()["reason"]) == (503, "opt-outs-stale")
        assert http.get("/readyz").status_code == 503
        budget = http.get("/v1/projects/demo").json()["budget"]
        assert set(budget["spent"]["rho"]) <= {"0", "."}


@pytest.mark.parametrize("regime", ["national", "local"])
def test_a_person_with_and_without_a_record_look_alike(furnished: Path, tmp_path: Path, regime: str) -> None:
    """Two homes alike: in one a person of the sample objects, in the other nobody's number does."""
    told = []
    for number, place in ((present()[3], "with"), ("9434765919", "without")):
        with Served(copy_home(furnished, tmp_path / place)) as served:
            with served.http("controller") as http, served.http("auditor") as auditor:
                answer = http.post("/v1/opt-outs", json={"regime": regime, "nhs_numbers": [number]})
                log = auditor.get("/v1/audit?kind=opt-outs").json()["entries"]
            told.append((IDS.sub("#", answer.text), [sorted(set(entry) - {"leaf"}) for entry in log]))
    assert told[0] == told[1]


def test_a_file_is_applied_at_the_terminal(furnished: Path, tmp_path: Path) -> None:
    home = copy_home(furnished, tmp_path / "home")
    file = tmp_path / "list.csv"
    file.write_text("nhs_number\n" + "\n".join(present()[:20]) + "\n")
    with office_of(home) as office:
        first = office.deliver_opt_outs(office.host, file, "local")
        second = office.deliver_opt_outs(office.host, file, "local")
    assert (first[0]["applied"], first[0]["already_known"]) == (20, 0)
    assert (second[0]["applied"], second[0]["already_known"]) == (0, 20)


def test_after_a_restore_whole_lists_open_what_one_line_does_not(
    furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP and at the terminal; a question is refused until then."""
    home = copy_home(furnished, tmp_path / "home")
    monkeypatch.setenv("TRE_HOME", str(home))
    monkeypatch.setenv("TRE_POLICIES", str(POLICIES))
    with office_of(home) as office:
        office.state.write(lambda tx: optouts.forget_deliveries(tx, office.clock()))
        office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
    asked = {"project": "demo", "dataset": "gp", "sql": "SELECT COUNT(*) AS n FROM patients", "share": 0.001, "fresh": True}
    (file := tmp_path / "nobody.csv").write_text("nhs_number\n")
    with Served(home) as served, served.http() as http, served.http("controller") as controller:
        assert controller.post("/v1/opt-outs", json={"regime": "local", "nhs_numbers": present()[:1]}).status_code == 202
        assert http.post("/v1/queries", json=asked).json()["reason"] == "opt-outs-stale"
        whole = {"regime": "local", "nhs_numbers": present()[:1]}
        (told,) = controller.post("/v1/opt-outs?whole=true", json=whole).json()["batches"]
        assert told["open"] is True and told["already_known"] == 1
        csv_list = {"content": b"regime,nhs_number\nnational,12\n", "headers": {"content-type": "text/csv"}}
        (told,) = controller.post("/v1/opt-outs?whole=true", **csv_list).json()["batches"]  # type: ignore[arg-type]
        assert told["open"] is False and told["received"] == 1
        assert http.post("/v1/queries", json=asked).json()["reason"] == "opt-outs-stale"
        for regime in ("national", "type-1"):
            ended = CliRunner().invoke(app, ["opt-outs", "apply", str(file), "--regime", regime, "--whole", "--json"])
            told = json.loads(ended.stdout)
            assert told["open"] is True and told["received"] == 0
        assert count(served) > 0
