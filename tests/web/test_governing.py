"""Those who govern, over HTTP: projects, budgets, identities, the log; and what one person alone cannot loosen."""

from __future__ import annotations

import base64
import hashlib
import json

import httpx
import pytest

from tests.serving import Served

PROJECT = {
    "id": "asthma-2026",
    "title": "Asthma by region",
    "dataset": "gp",
    "purpose": "research",
    "legal_basis": "UK GDPR Article 6(1)(e)",
    "lay_summary": "How many people have asthma, where.",
    "ends_on": "2027-12-31",
}


def call(served: Served, who: str, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    with served.http(who) as http:
        return http.request(method, path, json=body, headers=headers)


def test_a_new_project_is_inactive_with_a_budget_of_nothing(served: Served) -> None:
    made = call(served, "admin", "POST", "/v1/projects", PROJECT)
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "inactive" and made.json()["budget"]["stated"]["epsilon"] == "0"
    again = call(served, "admin", "POST", "/v1/projects", PROJECT)
    assert again.status_code == 422 and again.json()["reason"] == "invalid-request"


@pytest.mark.parametrize("purpose", ["insurance", "marketing", "no-such-purpose"])
def test_a_prohibited_purpose_makes_no_project(served: Served, purpose: str) -> None:
    answer = call(served, "admin", "POST", "/v1/projects", PROJECT | {"id": "other", "purpose": purpose})
    assert (answer.status_code, answer.json()["reason"]) == (403, "purpose-not-permitted")


def test_one_admin_alone_loosens_nothing(served: Served) -> None:
    """Proposed, and without effect until another approves (test_approving.py); beyond the lifetime cap not even proposed."""
    before = [call(served, "admin", "GET", path).json() for path in ("/v1/projects/demo", "/v1/datasets/gp/budget")]
    for method, path, body in (
        ("PUT", "/v1/projects/demo/budget", {"epsilon": 30, "delta": 1e-6}),
        ("PUT", "/v1/projects/demo/members", [{"name": "researcher"}, {"name": "researcher2"}, {"name": "checker"}]),
        ("PATCH", "/v1/projects/demo", {"ends_on": "2199-01-01"}),
        ("POST", "/v1/identities", {"name": "friend", "roles": ["researcher"]}),
    ):
        answer = call(served, "admin", method, path, body)
        assert answer.status_code == 202, (path, answer.text)
        assert call(served, "admin2", "GET", answer.headers["location"]).json()["state"] == "waiting"
    over = call(served, "admin", "PUT", "/v1/datasets/gp/budget", {"epsilon": 51, "delta": 1e-6})
    assert over.status_code == 422 and over.json()["suggestion"]
    assert [call(served, "admin", "GET", path).json() for path in ("/v1/projects/demo", "/v1/datasets/gp/budget")] == before
    friend = [one for one in call(served, "admin", "GET", "/v1/identities").json()["identities"] if one["name"] == "friend"]
    assert [one["roles"] for one in friend] == [[]]


def test_tightening_is_at_once_and_guarded_by_the_etag(served: Served) -> None:
    read = call(served, "admin", "GET", "/v1/projects/demo")
    etag = read.headers["etag"]
    lower = {"epsilon": 19, "delta": 1e-6}
    first = call(served, "admin", "PUT", "/v1/projects/demo/budget", lower, **{"If-Match": etag})
    assert first.status_code == 200 and first.json()["budget"]["stated"]["epsilon"] == "19"
    second = call(served, "admin2", "PUT", "/v1/projects/demo/budget", {"epsilon": 18, "delta": 1e-6}, **{"If-Match": etag})
    assert (second.status_code, second.json()["reason"]) == (412, "changed-meanwhile")


def test_a_dataset_budget_tells_the_cap_and_what_is_spent(served: Served) -> None:
    found = call(served, "admin", "GET", "/v1/datasets/gp/budget").json()
    assert found["lifetime_cap"] == {"epsilon": "50", "delta": "0.000001"}
    assert set(found["budget"]) >= {"stated", "spent", "reserved", "remaining"}
    assert call(served, "researcher", "GET", "/v1/datasets/gp/budget").status_code == 403


def test_an_identity_is_made_shown_once_and_revoked_at_once(served: Served) -> None:
    made = call(served, "admin", "POST", "/v1/identities", {"name": "visitor"}).json()
    with httpx.Client(base_url=served.address, headers={"Authorization": f"Bearer {made['token']}"}) as http:
        assert http.get("/v1/me").json() == {"name": "visitor", "roles": [], "projects": []}
        assert call(served, "admin", "DELETE", "/v1/identities/visitor").status_code == 200
        assert http.get("/v1/me").status_code == 401
    listed = call(served, "admin", "GET", "/v1/identities")
    assert made["token"] not in listed.text
    assert (
        hashlib.sha256(made["token"].encode()).digest()
        in (served.home / "database.sqlite").read_bytes() + (served.home / "database.sqlite-wal").read_bytes()
    )
    assert made["token"].encode() not in (served.home / "database.sqlite").read_bytes()


def test_the_log_is_read_in_order_and_reading_is_in_it(served: Served) -> None:
    first = call(served, "auditor", "GET", "/v1/audit?limit=3").json()
    second = call(served, "auditor", "GET", f"/v1/audit?limit=3&after={first['next']}").json()
    assert [entry["index"] for entry in first["entries"] + second["entries"]] == list(range(6))
    read = call(served, "auditor", "GET", "/v1/audit?kind=read&limit=1000").json()["entries"]
    assert len(read) >= 2 and "limit" in read[-1]["filters"]
    for who in ("researcher", "admin", "controller"):
        assert call(served, who, "GET", "/v1/audit").status_code == 403


def test_an_entry_is_proved_by_hand(served: Served) -> None:
    """RFC 6962, section 2.1.1, written out once more here."""
    leaf = base64.b64decode(call(served, "auditor", "GET", "/v1/audit/2").json()["leaf"])
    proof = call(served, "auditor", "GET", "/v1/audit/2/proof").json()
    node, index, last = hashlib.sha256(b"\0" + leaf).digest(), 2, proof["size"] - 1
    for text in proof["hashes"]:
        sibling = base64.b64decode(text)
        if index % 2 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index // 2, last // 2
    assert base64.b64encode(node).decode() == proof["root"]


def test_the_server_verifies_its_log(served: Served) -> None:
    verdict = call(served, "auditor", "GET", "/v1/audit/verify").json()
    assert verdict["ok"] is True and verdict["first_bad"] is None and verdict["size"] > 0
    with served.http(None) as http:
        assert http.get("/checkpoint").text.startswith("tre.local/log\n")


def test_no_entry_names_a_person_or_holds_a_text(served: Served) -> None:
    call(
        served,
        "researcher",
        "POST",
        "/v1/queries",
        {"project": "demo", "dataset": "gp", "sql": "SELECT sex, COUNT(*) FROM patients GROUP BY sex"},
    )
    page = call(served, "auditor", "GET", "/v1/audit?limit=1000").json()["entries"]
    asked = [entry for entry in page if entry["kind"] == "asked"]
    assert asked and all(entry["question"].startswith("sha256:") for entry in asked)
    text = json.dumps([{name: value for name, value in entry.items() if name != "leaf"} for entry in page])
    assert "SELECT" not in text and '"researcher2"' not in text
    one = call(served, "auditor", "GET", f"/v1/audit/{asked[-1]['index']}").json()
    salted = hashlib.sha256(bytes.fromhex(one["text"]["salt"]) + one["text"]["sql"].encode()).hexdigest()
    assert one["question"] == f"sha256:{salted}"


@pytest.mark.parametrize("since", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z"])
def test_a_time_without_a_zone_is_utc(served: Served, since: str) -> None:
    assert call(served, "auditor", "GET", f"/v1/audit?since={since}").status_code == 200


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00", "yesterday"])
def test_a_time_that_is_none_is_refused(served: Served, since: str) -> None:
    answer = call(served, "auditor", "GET", f"/v1/audit?since={since}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid-request")
