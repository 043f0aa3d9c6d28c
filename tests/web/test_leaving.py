"""Who leaves a project, or is revoked, sees nothing more of it: not by polling, not by a key, not on an open connection."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.serving import Served, copy_home

BODY = {"project": "demo", "dataset": "gp"}
ALONE = [{"name": "researcher"}]


@pytest.fixture
def own(furnished: Path, tmp_path: Path) -> Path:
    return copy_home(furnished, tmp_path / "home")


def of(year: int) -> dict[str, str]:
    return BODY | {"sql": f"SELECT sex, COUNT(*) AS n FROM patients WHERE year_of_birth = {year} GROUP BY sex"}


def test_a_former_member_sees_no_answer_again(own: Path) -> None:
    with Served(own) as served, served.http("researcher2") as http, served.http("admin") as admin:
        key = {"Idempotency-Key": "mine"}
        answer = http.post("/v1/queries", json=of(1950), headers=key)
        assert answer.status_code == 200
        assert admin.put("/v1/projects/demo/members", json=ALONE).status_code == 200
        for again in (
            http.post("/v1/queries", json=of(1950), headers=key),
            http.post("/v1/queries", json=of(1951), headers=key),
            http.get(f"/v1/queries/{answer.json()['id']}"),
            http.delete(f"/v1/queries/{answer.json()['id']}"),
        ):
            assert (again.status_code, again.json()["reason"]) == (404, "not-found")


@pytest.mark.parametrize("how", ["removed", "revoked"])
def test_an_open_connection_is_told_no_more(own: Path, how: str) -> None:
    with Served(own) as served, served.http("researcher2") as http, served.http("admin") as admin:
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(http.post("/v1/queries", json=of(1952))))
        asking.start()
        time.sleep(0.2)
        if how == "removed":
            assert admin.put("/v1/projects/demo/members", json=ALONE).status_code == 200
        else:
            assert admin.delete("/v1/identities/researcher2").status_code == 200
        asking.join()
    assert answers[0].status_code in (403, 404), answers[0].text


def test_a_strangers_question_is_not_among_the_projects(own: Path) -> None:
    with Served(own) as served, served.http("researcher2") as stranger, served.http() as http, served.http("admin") as admin:
        admin.put("/v1/projects/demo/members", json=ALONE)
        asked = stranger.post("/v1/queries", json=of(1953) | {"note": "let me in"})
        assert asked.status_code == 404
        assert "let me in" not in http.get("/v1/queries").text
        assert stranger.get(f"/v1/queries/{asked.json()['id']}").json()["reason"] == "not-found"
    with Served(own) as served, served.http("auditor") as auditor:
        refused = auditor.get("/v1/audit?kind=refused").json()["entries"]
        assert refused[-1]["reason"] == "not-found" and refused[-1]["project"] == "demo"


def test_a_cancelled_question_is_not_published_by_a_crash(own: Path) -> None:
    with Served(own) as served, served.http() as http:
        asked = http.post("/v1/queries", json=of(1954), headers={"Prefer": "wait=0"}).json()["id"]
        while http.get(f"/v1/queries/{asked}").json().get("state") != "running":
            time.sleep(0.005)
        assert http.delete(f"/v1/queries/{asked}").json()["state"] == "running"
        time.sleep(0.1)
        served.kill()
    with Served(own) as served, served.http() as http:
        answer = http.get(f"/v1/queries/{asked}")
        assert (answer.status_code, answer.json()["reason"]) == (410, "cancelled")
        assert float(http.get("/v1/projects/demo").json()["budget"]["spent"]["rho"]) > 0
        assert served.stop(signal.SIGTERM) == 0
