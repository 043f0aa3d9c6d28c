"""Exemptions over HTTP: one controller proposes, another approves, any of them ends it; each step is public."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Served, copy_home, office_of
from tests.web.test_approving import DPIA, ETHICS, TOLD, call, decide, told

LAST = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
WANTED: dict[str, Any] = {
    "project": "outbreak", "regimes": ["national", "local"], "legal_basis": "COPI regulation 3(4)",
    "approval_reference": "CAG 26/7", "expires_on": LAST, "why": "An outbreak of measles.",
}  # fmt: skip
QUESTION = {"project": "outbreak", "dataset": "gp", "sql": "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"}
OTHER = QUESTION | {"project": "demo"}


PROJECTS = ("outbreak", "repurposed", "lapsing")


@contextmanager
def serving(furnished: Path, folder: Path) -> Iterator[Served]:
    home = copy_home(furnished, folder / "home")
    with office_of(home) as office:
        for project in PROJECTS:
            office.found_project(
                project,
                dataset="gp",
                title="An outbreak",
                purpose="communicable-disease",
                legal_basis="COPI",
                lay_summary="S.",
                ends_on=date(2099, 1, 1),
                members=("researcher",),
                stated=(Decimal(10), Decimal("1e-6")),
            )
    with Served(home) as running:
        yield running


@pytest.fixture
def own(furnished: Path, tmp_path: Path) -> Iterator[Served]:
    """Where nothing was asked yet."""
    with serving(furnished, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(furnished, tmp_path_factory.mktemp("exemptions")) as running:
        yield running


def proposed(served: Served, **changed: Any) -> tuple[str, str]:
    """The approval, and the exemption that it is of."""
    made = call(served, "controller", "POST", "/v1/exemptions", WANTED | changed)
    assert made.status_code == 202, made.text
    assert made.headers["location"] == made.json()["address"]
    return made.json()["approval"], made.json()["simulation"]["exemption"]


def register(served: Served, project: str = "outbreak") -> dict[str, Any]:
    found: dict[str, Any] = call(served, "researcher", "GET", f"/v1/register/{project}").json()
    return found


def standing(served: Served) -> list[tuple[str, str]]:
    return [(one["regime"], one["applied"]) for one in register(served)["records"]["opt_outs"]]


def test_from_proposal_to_end(own: Served) -> None:
    served = own
    assert [applied for _, applied in standing(served)] == ["yes"] * 3
    approval, exemption = proposed(served)
    assert register(served)["records"]["exemptions"][0]["state"] == "proposed"
    assert [applied for _, applied in standing(served)] == ["yes"] * 3, "a proposal lifts nothing"
    told_of = call(served, "controller2", "GET", f"/v1/approvals/{approval}").json()
    assert told_of["proposed"]["why"] == WANTED["why"] and told_of["simulation"]["would_apply"] == ["type-1"]
    assert told(decide(served, "controller", approval)) == (403, "role-not-allowed"), "not who proposed it"
    assert told(decide(served, "admin", approval)) == (403, "role-not-allowed"), "nor an admin"
    done = decide(served, "controller2", approval)
    assert done.status_code == 200 and done.json()["done"]["apply"] == ["type-1"], done.text
    [one] = register(served)["records"]["exemptions"]
    assert (one["state"], one["approval_reference"], one["expires_on"]) == ("in force", "CAG 26/7", LAST)
    assert standing(served) == [("type-1", "yes"), ("national", "no: exemption"), ("local", "no: exemption")]
    answer = call(served, "researcher", "POST", "/v1/queries", QUESTION).json()
    assert answer["disclosure"]["exemptions"] == [exemption]
    assert exemption in next(rule["how"] for rule in answer["disclosure"]["rules"] if rule["rule"] == "opt-outs")
    assert told(call(served, "researcher", "POST", "/v1/queries", OTHER)) == (422, "opt-out-mode")
    assert call(served, "controller2", "DELETE", f"/v1/exemptions/{exemption}").status_code == 200
    assert [applied for _, applied in standing(served)] == ["yes"] * 3
    assert register(served)["records"]["exemptions"][0]["state"] == "revoked"
    assert told(call(served, "researcher", "POST", "/v1/queries", QUESTION)) == (422, "opt-out-mode"), "not even a repeat"
    kinds = [entry["kind"] for entry in call(served, "auditor", "GET", "/v1/audit?project=outbreak&limit=1000").json()["entries"]]
    steps = [kind for kind in kinds if kind in ("proposed", "approved", "exemption", "exemption-revoked")]
    assert steps == ["proposed", "approved", "exemption", "exemption-revoked"]


@pytest.mark.parametrize("field", WANTED)
def test_missing_any_one_field_it_is_refused(field: str, shared: Served) -> None:
    for changed in ({name: value for name, value in WANTED.items() if name != field}, WANTED | {field: ""}):
        assert told(call(shared, "controller", "POST", "/v1/exemptions", changed)) == (422, "invalid-request")


def test_what_may_not_be(shared: Served) -> None:
    late = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
    for changed, refused in [
        ({"expires_on": late}, (422, "invalid-request")),
        ({"expires_on": "2020-01-01"}, (422, "invalid-request")),
        ({"regimes": ["type-1", "national"]}, (403, "purpose-not-permitted")),
        ({"regimes": []}, (422, "invalid-request")),
        ({"regimes": ["type-2"]}, (422, "invalid-request")),
        ({"project": "demo"}, (403, "purpose-not-permitted")),
        ({"project": "none"}, (404, "not-found")),
        ({"more": 1}, (422, "invalid-request")),
    ]:
        assert told(call(shared, "controller", "POST", "/v1/exemptions", WANTED | changed)) == refused, changed


def test_another_purpose_ends_it_and_reopens_approval(shared: Served) -> None:
    """OO-22, OO-25: the project stops, and becomes active again on approvals of its own, with an impact assessment, by two."""
    approval, _ = proposed(shared, project="repurposed")
    decide(shared, "controller2", approval)
    path = "/v1/projects/repurposed"
    assert told(call(shared, "admin", "PATCH", path, {"purpose": "insurance"})) == (403, "purpose-not-permitted")
    assert told(call(shared, "admin", "PATCH", path, {"purpose": "research", "state": "active"})) == (422, "invalid-request")
    now = call(shared, "admin", "PATCH", path, {"purpose": "research"})
    assert now.status_code == 200 and (now.json()["state"], now.json()["approvals"]) == ("inactive", [])
    assert register(shared, "repurposed")["records"]["exemptions"][0]["state"] == "revoked"
    assert told(call(shared, "researcher", "POST", "/v1/queries", QUESTION | {"project": "repurposed"})) == (
        403,
        "approval-lapsed",
    )
    assert told(call(shared, "admin", "PATCH", path, {"state": "active"})) == (422, "invalid-request")
    decide(shared, "admin2", call(shared, "admin", "PATCH", path, {"approvals": [ETHICS]}).json()["approval"])
    assert call(shared, "admin", "PATCH", path, TOLD).status_code == 200
    refused = call(shared, "admin", "PATCH", path, {"state": "active"})
    assert told(refused) == (422, "invalid-request") and "impact assessment" in refused.json()["detail"]
    decide(shared, "admin2", call(shared, "admin", "PATCH", path, {"approvals": [ETHICS, DPIA]}).json()["approval"])
    active = call(shared, "admin", "PATCH", path, {"state": "active"})
    assert active.status_code == 202 and decide(shared, "admin2", active.json()["approval"]).status_code == 200
    assert call(shared, "researcher", "POST", "/v1/queries", QUESTION | {"project": "repurposed"}).status_code == 200
    told_of = register(shared, "repurposed")
    assert told_of["project"]["purpose_class"] == "research" and told_of["state"] == "active"
    assert {one["kind"] for one in told_of["project"]["approvals"]} == {"ethics", "dpia"}
    assert (told_of["people"]["organisation"], told_of["project"]["public_benefit"]) == tuple(TOLD.values())


def test_a_change_of_purpose_makes_what_waits_lapse(shared: Served) -> None:
    approval, _ = proposed(shared, project="lapsing")
    call(shared, "admin", "PATCH", "/v1/projects/lapsing", {"purpose": "planning"})
    assert told(decide(shared, "controller2", approval)) == (412, "changed-meanwhile")
