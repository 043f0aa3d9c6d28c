"""The approvals a project stands on, over HTTP: recorded by two, shortened by one, shown to its members, kept in the log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import Served
from tests.web.test_approving import DPIA, ETHICS, TOLD, call, decide, found, proposed, told

BOARD = {"kind": "board", "reference": "B-7", "expires_at": "2029-01-31T00:00:00.000000Z"}
QUESTION = {"dataset": "gp", "sql": "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"}


def shown(served: Served, project: str) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = call(served, "researcher", "GET", f"/v1/projects/{project}").json()["approvals"]
    return listed


def entries(served: Served, project: str) -> list[dict[str, Any]]:
    page: list[dict[str, Any]] = call(served, "auditor", "GET", f"/v1/audit?project={project}&limit=1000").json()["entries"]
    return page


def ends(one: dict[str, str], at: str) -> dict[str, str]:
    return one | {"expires_at": at}


def test_a_project_without_approvals_is_made_and_does_not_become_active(served: Served) -> None:
    fields = {"id": "bare", "title": "T", "dataset": "gp", "purpose": "research", "legal_basis": "L", "lay_summary": "S"}
    made = call(served, "admin", "POST", "/v1/projects", fields | TOLD | {"ends_on": "2030-01-01"})
    assert made.status_code == 201 and made.json()["approvals"] == []
    activation, path = made.json()["approval"], "/v1/projects/bare"
    assert told(decide(served, "admin2", activation)) == (422, "invalid-request")
    assert told(call(served, "admin", "PATCH", path, {"state": "active"})) == (422, "invalid-request")
    recorded = proposed(served, "PATCH", path, {"approvals": [ETHICS, BOARD, DPIA]})
    assert told(decide(served, "admin", recorded)) == (403, "role-not-allowed")
    assert decide(served, "admin2", recorded).json()["done"]["approvals"] == [BOARD, DPIA, ETHICS]
    now = decide(served, "admin2", activation).json()["done"]
    assert (now["state"], now["approvals"]) == ("active", [BOARD, DPIA, ETHICS])
    words = (
        "board (B-7) until 2029-01-31T00:00:00.000000Z; dpia (DPIA-12) until 2028-01-01T00:00:00.000000Z;"
        " ethics (REC 26/LO/0123) until 2029-06-30T12:00:00.000000Z"
    )
    kept = [(one["kind"], one["approvals"]) for one in entries(served, "bare") if "approvals" in one]
    assert kept == [("project-made", ""), ("project-changed", words), ("project-changed", words)]


def test_an_earlier_end_is_at_once_and_stops_the_next_question(served: Served) -> None:
    project = found(served, "shorter")
    [on] = shown(served, project)
    path, question = f"/v1/projects/{project}", QUESTION | {"project": project}
    assert call(served, "researcher", "POST", "/v1/queries", question).status_code == 200
    lapsed = ends(on, "2026-01-01T01:00:00+01:00")
    answer = call(served, "admin", "PATCH", path, {"approvals": [lapsed]})
    assert answer.status_code == 200 and answer.json()["approvals"] == [ends(on, "2026-01-01T00:00:00.000000Z")]
    for call_of in ("/v1/queries", "/v1/preview"):
        refused = call(served, "researcher", "POST", call_of, question | ({"fresh": True} if call_of == "/v1/queries" else {}))
        assert told(refused) == (403, "approval-lapsed")
        assert f"{on['kind']} ({on['reference']}) on 2026-01-01T00:00:00.000000Z" in refused.json()["detail"]
    renewed = proposed(served, "PATCH", path, {"approvals": [on]})
    assert told(call(served, "researcher", "POST", "/v1/queries", question)) == (403, "approval-lapsed"), "not even a repeat"
    assert decide(served, "admin2", renewed).status_code == 200
    assert call(served, "researcher", "POST", "/v1/queries", question).json()["charge"]["repeat"]


def test_none_at_all_is_at_once_and_asks_nothing(served: Served) -> None:
    project = found(served, "none")
    path = f"/v1/projects/{project}"
    assert call(served, "admin", "PATCH", path, {"approvals": []}).json()["approvals"] == []
    assert told(call(served, "researcher", "POST", "/v1/queries", QUESTION | {"project": project})) == (403, "approval-lapsed")
    assert call(served, "admin", "PATCH", path, {"approvals": [ETHICS]}).status_code == 202


def test_what_was_proposed_on_other_approvals_lapses(served: Served) -> None:
    project = found(served, "moved")
    [on] = shown(served, project)
    path = f"/v1/projects/{project}"
    waiting = proposed(served, "PATCH", path, {"approvals": [on, ETHICS]})
    assert call(served, "admin", "PATCH", path, {"approvals": [ends(on, "2026-12-31T00:00:00Z")]}).status_code == 200
    assert told(decide(served, "admin2", waiting)) == (412, "changed-meanwhile")


@pytest.mark.parametrize(
    "wrong",
    [ETHICS | {"expires_at": "2029-06-30T12:00:00"}, ETHICS | {"expires_at": 1_893_456_000}, ETHICS | {"expires_at": "soon"},
     ETHICS | {"expires_at": "0001-01-01T00:00:00+14:00"}, ETHICS | {"kind": "Ethics"}, ETHICS | {"reference": ""},
     ETHICS | {"reference": "x" * 101}, ETHICS | {"reference": "a\nb"}, ETHICS | {"more": 1}, {"kind": "ethics"}],
)  # fmt: skip
def test_an_approval_that_is_none_is_refused(wrong: dict[str, Any], served: Served) -> None:
    assert told(call(served, "admin", "PATCH", "/v1/projects/demo", {"approvals": [wrong]})) == (422, "invalid-request")


def test_an_approval_is_named_once(served: Served) -> None:
    twice = [ETHICS, ends(ETHICS, "2028-01-01T00:00:00Z")]
    assert told(call(served, "admin", "PATCH", "/v1/projects/demo", {"approvals": twice})) == (422, "invalid-request")


def test_the_demo_stands_on_one(served: Served) -> None:
    [one] = shown(served, "demo")
    assert one["kind"] == "ethics" and one["expires_at"] > "2099"
