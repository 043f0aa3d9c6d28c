"""Two people, over HTTP: what loosens a protection is proposed by one admin and has no effect until another approves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import Served, copy_home, office_of
from tre import budget, projects
from tre.budget import Stated
from tre.client import ProblemError
from tre.errors import Reason, Refusal
from tre.office import Office, Proposed
from tre.policy import Policies

WHY = "discussed on Monday"
ETHICS = {"kind": "ethics", "reference": "REC 26/LO/0123", "expires_at": "2029-06-30T12:00:00.000000Z"}
DPIA = {"kind": "dpia", "reference": "DPIA-12", "expires_at": "2028-01-01T00:00:00.000000Z"}
TOLD = {"organisation": "A university", "benefit": "Care gets better."}
BUDGET = {"epsilon": 30, "delta": 1e-6}


def call(served: Served, who: str, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    with served.http(who) as http:
        return http.request(method, path, json=body, headers=headers)


def decide(served: Served, who: str, approval: str, approve: bool = True, **headers: str) -> httpx.Response:
    return call(served, who, "POST", f"/v1/approvals/{approval}", {"approve": approve, "why": WHY}, **headers)


def proposed(served: Served, method: str, path: str, body: object, who: str = "admin") -> str:
    answer = call(served, who, method, path, body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["address"] == f"/v1/approvals/{answer.json()['approval']}"
    return str(answer.json()["approval"])


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("reason", "")


def found(
    served: Served, project: str, members: tuple[str, ...] = ("researcher",), epsilon: int = 10, delta: str = "1e-6"
) -> str:
    """A project of its own for a test, founded at the terminal."""
    with office_of(served.home) as office:
        office.found_project(
            project,
            dataset="gp",
            title="A title",
            purpose="research",
            legal_basis="none needed",
            lay_summary="A summary.",
            ends_on=date(2027, 12, 31),
            members=members,
            stated=(Decimal(epsilon), Decimal(delta)),
        )
    return project


def kinds(served: Served, approval: str) -> list[str]:
    """The entries of an approval, and the one after its approval."""
    entries: list[dict[str, Any]] = []
    after = -1
    while True:
        path = "/v1/audit?limit=1000" + (f"&after={after}" if after >= 0 else "")
        page = call(served, "auditor", "GET", path).json()
        entries += page["entries"]
        if page["next"] is None:
            break
        after = page["next"]
    own = [n for n, entry in enumerate(entries) if entry.get("approval") == approval]
    last = [entries[own[-1] + 1]["kind"]] if entries[own[-1]]["kind"] == "approved" else []
    assert all(WHY not in str(entry) for entry in entries)
    return [entries[n]["kind"] for n in own] + last


LOOSER = {
    "project-budget": ("PUT", "/budget", BUDGET, "budget", lambda told: told["budget"]["stated"]["epsilon"] == "30"),
    "pure-budget": ("PUT", "/budget", {"epsilon": 2, "delta": 0}, "budget", lambda told: told["budget"]["accounting"] == "pure"),
    "new-member": (
        "PUT",
        "/members",
        [{"name": "researcher"}, {"name": "researcher2"}],
        "members",
        lambda told: told["members"] == ["researcher", "researcher2"],
    ),
    "later-end": ("PATCH", "", {"ends_on": "2030-01-01"}, "project-changed", lambda told: told["ends_on"] == "2030-01-01"),
}


@pytest.mark.parametrize("case", LOOSER)
def test_a_loosening_waits_for_another_admin(served: Served, case: str) -> None:
    method, path, body, entry, done = LOOSER[case]
    project = found(served, case)
    approval = proposed(served, method, f"/v1/projects/{project}{path}", body)
    before = call(served, "admin", "GET", f"/v1/projects/{project}").json()
    assert not done(before)
    assert told(decide(served, "admin", approval)) == (403, "role-not-allowed")
    for who in ("researcher", "auditor", "controller"):
        assert told(decide(served, who, approval)) == (403, "role-not-allowed")
    assert call(served, "admin", "GET", f"/v1/projects/{project}").json() == before
    answer = decide(served, "admin2", approval)
    assert answer.status_code == 200 and answer.json()["state"] == "approved" and done(answer.json()["done"]), answer.text
    assert done(call(served, "admin", "GET", f"/v1/projects/{project}").json())
    assert kinds(served, approval) == ["proposed", "approved", entry]
    assert told(decide(served, "admin2", approval)) == (412, "changed-meanwhile")


def test_a_wider_ceiling_waits_and_a_lower_one_does_not(served: Served) -> None:
    path = f"/v1/projects/{found(served, 'ceilings')}/members"

    def ceiling(epsilon: int) -> list[dict[str, Any]]:
        return [{"name": "researcher", "epsilon": epsilon, "delta": 1e-6}]

    assert call(served, "admin", "PUT", path, ceiling(3)).status_code == 200
    assert call(served, "admin", "PUT", path, ceiling(2)).status_code == 200
    wider = proposed(served, "PUT", path, ceiling(3))
    body = call(served, "admin", "GET", f"/v1/approvals/{wider}").json()
    assert body["simulation"] == {"new_members": [], "wider_ceilings": ["researcher"]}
    assert decide(served, "admin2", wider).status_code == 200
    assert call(served, "admin", "PUT", path, ceiling(3)).status_code == 200, "as it is: nothing to approve"
    twice = call(served, "admin", "PUT", path, ceiling(1) + ceiling(2))
    assert told(twice) == (422, "invalid-request")


def test_a_dataset_ceiling_is_raised_by_two_within_the_lifetime_cap(served: Served) -> None:
    path = "/v1/datasets/gp/budget"
    assert call(served, "admin", "PUT", path, {"epsilon": 45, "delta": 1e-6}).status_code == 200
    assert told(call(served, "admin", "PUT", path, {"epsilon": 51, "delta": 1e-6})) == (422, "invalid-request")
    approval = proposed(served, "PUT", path, {"epsilon": 50, "delta": 1e-6})
    assert told(decide(served, "admin", approval)) == (403, "role-not-allowed")
    assert decide(served, "admin2", approval).json()["done"]["budget"]["stated"]["epsilon"] == "50"
    assert kinds(served, approval) == ["proposed", "approved", "budget"]


def test_a_new_project_becomes_active_by_two(served: Served) -> None:
    fields = {"id": "new", "title": "T", "dataset": "gp", "purpose": "research", "legal_basis": "L", "lay_summary": "S"}
    fields |= TOLD
    made = call(served, "admin", "POST", "/v1/projects", fields | {"ends_on": "2030-01-01", "approvals": [ETHICS, DPIA]})
    assert made.status_code == 201 and made.json()["state"] == "inactive"
    approval = made.json()["approval"]
    assert told(decide(served, "admin", approval)) == (403, "role-not-allowed")
    budget = proposed(served, "PUT", "/v1/projects/new/budget", BUDGET)
    members = proposed(served, "PUT", "/v1/projects/new/members", [{"name": "researcher"}])
    for waiting in (budget, members, approval):  # the one does not make the other stale
        assert decide(served, "admin2", waiting).status_code == 200
    now = call(served, "researcher", "GET", "/v1/projects/new").json()
    assert (now["state"], now["budget"]["stated"]["epsilon"], now["members"]) == ("active", "30", ["researcher"])


def test_words_changed_after_a_proposal_are_not_approved_with_it(served: Served) -> None:
    project = found(served, "words")
    approval = proposed(served, "PATCH", f"/v1/projects/{project}", {"ends_on": "2031-01-01"})
    assert call(served, "admin", "PATCH", f"/v1/projects/{project}", {"lay_summary": "Quite another."}).status_code == 200
    assert told(decide(served, "admin2", approval)) == (412, "changed-meanwhile")
    assert call(served, "admin", "GET", f"/v1/approvals/{approval}").json()["state"] == "lapsed"
    assert kinds(served, approval) == ["proposed", "lapsed"]


def test_a_role_is_given_by_two_and_not_by_whoever_saw_the_token(served: Served) -> None:
    made = call(served, "admin", "POST", "/v1/identities", {"name": "third", "roles": ["admin", "researcher"]})
    assert made.status_code == 202 and made.json()["roles"] == []
    served.tokens["third"] = made.json()["token"]
    waiting = {one["role"]: one["approval"] for one in made.json()["approvals"]}
    assert call(served, "third", "GET", "/v1/me").json()["roles"] == []
    assert told(decide(served, "third", waiting["admin"])) == (403, "role-not-allowed")
    assert told(decide(served, "admin", waiting["admin"])) == (403, "role-not-allowed")
    assert decide(served, "admin2", waiting["admin"]).json()["done"] == {"name": "third", "roles": ["admin"]}
    assert kinds(served, waiting["admin"]) == ["proposed", "approved", "role"]
    # Now an admin, and still neither for itself, nor for its maker, nor its maker for it.
    assert told(decide(served, "third", waiting["researcher"])) == (403, "role-not-allowed")
    path = f"/v1/projects/{found(served, 'third')}/budget"
    makers, own = proposed(served, "PUT", path, BUDGET), proposed(served, "PUT", path, BUDGET, who="third")
    assert told(decide(served, "third", makers)) == told(decide(served, "admin", own)) == (403, "role-not-allowed")
    # A revoked admin decides nothing more, and what they proposed lapses.
    assert call(served, "admin2", "DELETE", "/v1/identities/third").status_code == 200
    assert told(decide(served, "third", makers)) == (401, "not-signed-in")
    assert told(decide(served, "admin2", own)) == (412, "changed-meanwhile")
    assert told(decide(served, "admin2", waiting["researcher"])) == (412, "changed-meanwhile"), "the role of a revoked identity"
    assert call(served, "admin", "GET", "/v1/projects/third").json()["budget"]["stated"]["epsilon"] == "10"


def test_a_no_has_its_reason_and_no_effect(served: Served) -> None:
    path = f"/v1/projects/{found(served, 'no')}/budget"
    approval, other = proposed(served, "PUT", path, BUDGET), proposed(served, "PUT", path, BUDGET)
    assert call(served, "admin2", "POST", f"/v1/approvals/{approval}", {"approve": False}).status_code == 422
    assert decide(served, "admin2", approval, approve=False).json()["state"] == "refused"
    assert told(decide(served, "admin2", approval)) == (412, "changed-meanwhile")
    assert decide(served, "admin", other, approve=False).json()["state"] == "withdrawn"
    shown = call(served, "auditor", "GET", f"/v1/approvals/{approval}").json()
    assert (shown["why"], shown["decided_by"], shown["state"]) == (WHY, "admin2", "refused")
    assert kinds(served, approval) == ["proposed", "refused"]
    assert call(served, "admin", "GET", "/v1/projects/no").json()["budget"]["stated"]["epsilon"] == "10"


def test_sixty_four_approvals_at_once_have_one_effect(served: Served) -> None:
    project = found(served, "sixty-four")
    approval = proposed(served, "PUT", f"/v1/projects/{project}/budget", BUDGET)
    before = call(served, "admin", "GET", f"/v1/projects/{project}").json()["version"]
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: told(decide(served, "admin2", approval)), range(64)))
    assert sorted(answers) == [(200, "")] + [(412, "changed-meanwhile")] * 63
    assert call(served, "admin", "GET", f"/v1/projects/{project}").json()["version"] == before + 1
    assert kinds(served, approval) == ["proposed", "approved", "budget"]


def test_two_admins_race_one_budget(served: Served) -> None:
    path = f"/v1/projects/{found(served, 'raced')}/budget"
    etag = call(served, "admin", "GET", "/v1/projects/raced").headers["etag"]
    first = proposed(served, "PUT", path, {"epsilon": 20, "delta": 1e-6}, who="admin")
    second = proposed(served, "PUT", path, {"epsilon": 40, "delta": 1e-6}, who="admin2")
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(decide, served, who, id) for who, id in (("admin2", first), ("admin", second))]
        assert sorted(told(job.result()) for job in jobs) == [(200, ""), (412, "changed-meanwhile")]
    assert call(served, "admin", "GET", "/v1/projects/raced").json()["budget"]["stated"]["epsilon"] in ("20", "40")
    late = call(served, "admin", "PUT", path, {"epsilon": 45, "delta": 1e-6}, **{"If-Match": etag})
    assert told(late) == (412, "changed-meanwhile")
    states = {call(served, "admin", "GET", f"/v1/approvals/{id}").json()["state"] for id in (first, second)}
    assert states == {"approved", "lapsed"}


def test_an_approval_has_an_etag(served: Served) -> None:
    approval = proposed(served, "PUT", f"/v1/projects/{found(served, 'etag')}/budget", BUDGET)
    etag = call(served, "admin2", "GET", f"/v1/approvals/{approval}").headers["etag"]
    assert told(decide(served, "admin2", approval, **{"If-Match": '"7"'})) == (412, "changed-meanwhile")
    assert decide(served, "admin2", approval, **{"If-Match": etag}).headers["etag"] != etag


def test_who_gains_does_not_approve(served: Served) -> None:
    """An admin who is a member of the project, and one who would become one."""
    own = found(served, "own", members=("researcher", "admin2"))
    approval = proposed(served, "PUT", f"/v1/projects/{own}/budget", BUDGET)
    assert told(decide(served, "admin2", approval)) == (403, "role-not-allowed")
    joining = found(served, "joining")
    approval = proposed(served, "PUT", f"/v1/projects/{joining}/members", [{"name": "researcher"}, {"name": "admin2"}])
    assert told(decide(served, "admin2", approval)) == (403, "role-not-allowed")


def test_what_could_not_be_carried_out_is_not_proposed(served: Served) -> None:
    project = found(served, "impossible")
    stranger = call(served, "admin", "PUT", f"/v1/projects/{project}/members", [{"name": "no-such-person"}])
    assert told(stranger) == (404, "not-found")
    assert call(served, "admin", "PATCH", f"/v1/projects/{project}", {"state": "closed"}).status_code == 200
    assert told(call(served, "admin", "PATCH", f"/v1/projects/{project}", {"state": "active"})) == (422, "invalid-request")
    assert told(call(served, "admin", "PUT", "/v1/projects/none/budget", BUDGET)) == (404, "not-found")
    waiting = call(served, "admin", "GET", "/v1/approvals?state=waiting").json()["approvals"]
    assert project not in {one["project"] for one in waiting}
    assert told(call(served, "researcher", "GET", "/v1/approvals")) == (403, "role-not-allowed")


def test_the_simulation_of_a_raise(served: Served) -> None:
    """Three questions refused: two the larger budget would hold one after the other, one it would not."""
    project = found(served, "simulated", epsilon=1)
    path = f"/v1/projects/{project}/budget"
    body = {"project": project, "dataset": "gp", "sql": "SELECT sex, COUNT(*) FROM patients GROUP BY sex"}
    with served.client() as client:
        for rho in (0.03, 0.04, 5):
            with pytest.raises(ProblemError, match="budget"):
                client.ask(rho=rho, **body)
        client.ask(share=0.5, **body)
    raised = call(served, "admin", "PUT", path, {"epsilon": 2, "delta": 1e-6}).json()["simulation"]
    assert raised["refusals_that_would_have_passed"] == 2
    assert 0 <= raised["worst_case_posterior"] - math.exp(2) / (1 + math.exp(2)) < 0.0001
    assert raised["worst_case_posterior_now"] == 0.7311
    little = call(served, "admin", "PUT", path, {"epsilon": 1.5, "delta": 1e-6}).json()
    assert little["simulation"]["refusals_that_would_have_passed"] == 1, "the second would not fit after the first"
    assert decide(served, "admin2", little["approval"]).status_code == 200
    again = call(served, "admin", "PUT", path, {"epsilon": 9, "delta": 1e-6}).json()["simulation"]
    assert again["refusals_that_would_have_passed"] == 0, "counted since the budget was last set"


def test_a_researcher_asks_for_more_budget(served: Served) -> None:
    project = found(served, "asking")
    path, body = f"/v1/projects/{project}/requests", {"epsilon": 15, "delta": 1e-6, "why": "a second cohort"}
    before = call(served, "researcher", "GET", f"/v1/projects/{project}").json()
    made = call(served, "researcher", "POST", path, body)
    assert made.status_code == 201 and made.json()["by"] == "researcher", made.text
    assert call(served, "researcher", "GET", f"/v1/projects/{project}").json() == before
    assert told(call(served, "researcher2", "POST", path, body)) == (404, "not-found")
    assert told(call(served, "admin", "POST", path, body)) == (403, "role-not-allowed")
    assert call(served, "researcher", "POST", path, body | {"why": " "}).status_code == 422
    assert call(served, "admin", "GET", f"/v1/requests?project={project}").json()["requests"] == [made.json()]
    assert told(call(served, "researcher", "GET", "/v1/requests")) == (403, "role-not-allowed")
    logged = call(served, "auditor", "GET", f"/v1/audit?project={project}&kind=budget-requested").json()["entries"]
    assert [entry["request"] for entry in logged] == [made.json()["request"]] and "cohort" not in str(logged)


def test_a_hold_as_each_role_sees_it(served: Served) -> None:
    project = found(served, "faulty", members=("researcher", "admin2"))
    question = {"project": project, "dataset": "gp", "sql": "SELECT sex, COUNT(*) FROM patients GROUP BY sex"}
    with office_of(served.home) as office:
        for _ in range(3):
            office.state.write(lambda tx: projects.add_fault(tx, project, 3, datetime.now(UTC)))
    assert told(call(served, "researcher", "POST", "/v1/queries", question)) == (403, "project-held")
    assert told(call(served, "researcher", "GET", "/v1/holds")) == (403, "role-not-allowed")
    [hold] = call(served, "admin", "GET", "/v1/holds").json()["holds"]
    assert (hold["project"], hold["faults"], hold["decisions"]) == (project, 3, [])
    path = f"/v1/holds/{project}"
    assert told(call(served, "admin2", "POST", path, {"release": True, "why": WHY})) == (403, "role-not-allowed"), "a member"
    assert told(call(served, "admin", "POST", path, {"release": True, "why": WHY}, **{"If-Match": '"0"'}))[0] == 412
    assert call(served, "admin", "POST", path, {"release": False, "why": WHY}).json()["state"] == "held"
    assert [one["why"] for one in call(served, "auditor", "GET", "/v1/holds").json()["holds"][0]["decisions"]] == [WHY]
    assert told(call(served, "researcher", "POST", "/v1/queries", question)) == (403, "project-held")
    assert call(served, "admin", "POST", path, {"release": True, "why": WHY}).json()["state"] == "active"
    assert told(call(served, "admin", "POST", path, {"release": True, "why": WHY})) == (404, "not-found")
    assert call(served, "researcher", "POST", "/v1/queries", question).status_code == 200
    logged = [
        call(served, "auditor", "GET", f"/v1/audit?project={project}&kind={kind}").json()["entries"]
        for kind in ("hold-kept", "hold-released")
    ]
    assert [len(entries) for entries in logged] == [1, 1] and WHY not in str(logged)


@pytest.fixture
def office(furnished: Path, tmp_path: Path) -> Iterator[Office]:
    with office_of(copy_home(furnished, tmp_path / "home")) as opened:
        yield opened


def test_a_prohibited_purpose_is_never_activated(office: Office) -> None:
    """Prohibited when it is proposed, or since."""
    persons = {one.name: one.person for one in _identities(office)}
    fields = {"title": "T", "dataset": "gp", "legal_basis": "L", "lay_summary": "S", "ends_on": date(2030, 1, 1)}
    fields |= TOLD | {"approvals": [ETHICS, DPIA]}
    insured = projects.Project(id="insured", purpose="insurance", **fields | {"approvals": projects.approvals_of([ETHICS])})
    office.state.write(lambda tx: projects.create(tx, insured))
    office.state.write(lambda tx: budget.open_account(tx, "project:insured", Stated(Decimal(0), Decimal(0))))
    with pytest.raises(Refusal) as refused:
        office.change_project(persons["admin"], "insured", {"state": "active"}, None)
    assert refused.value.reason is Reason.PURPOSE_NOT_PERMITTED

    made = office.make_project(persons["admin"], {"id": "planned", "purpose": "planning", **fields})
    sound = office.policies
    office.policies = _without(sound, "planning")
    with pytest.raises(Refusal) as refused:
        office.decide(persons["admin2"], made["approval"], True, WHY)
    assert refused.value.reason is Reason.PURPOSE_NOT_PERMITTED
    assert office.project(persons["admin"], "planned")["state"] == "inactive"
    assert office.approval(persons["admin"], made["approval"])["state"] == "waiting"
    office.policies = sound
    assert office.decide(persons["admin2"], made["approval"], True, WHY)["done"]["state"] == "active"


def test_a_revoked_admin_who_is_still_signed_in_does_nothing_more(office: Office) -> None:
    persons = {one.name: one.person for one in _identities(office)}
    waiting = office.set_project_budget(persons["admin"], "demo", Decimal(30), Decimal("1e-6"), None, None)
    assert isinstance(waiting, Proposed)
    office.revoke(persons["admin"], "admin2")
    for act in (
        lambda: office.decide(persons["admin2"], waiting.approval, True, WHY),
        lambda: office.decide(persons["admin2"], waiting.approval, False, WHY),
        lambda: office.set_project_budget(persons["admin2"], "demo", Decimal(30), Decimal("1e-6"), None, None),
        lambda: office.make_identity(persons["admin2"], "friend", ()),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.reason is Reason.ROLE_NOT_ALLOWED


def _identities(office: Office) -> list[projects.Identity]:
    with office.state.read() as tx:
        return projects.identities(tx)


def _without(policies: Policies, purpose: str) -> Policies:
    purposes = {name: policy for name, policy in policies.purposes.items() if name != purpose}
    return replace(policies, purposes=purposes)
