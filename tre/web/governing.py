"""The calls of those who govern: admins, auditors, controllers; and what everyone with a token can see of themselves."""

from __future__ import annotations

import datetime
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BeforeValidator

from tre.office import Proposed
from tre.web import problems
from tre.web.csv import log_as_csv
from tre.web.models import BudgetIn, IdentityIn, MemberIn, ProjectChange, ProjectIn
from tre.web.signed_in import Admin, AdminAuditorOrController, Auditor, SignedIn, TheOffice


def _in_range(at: datetime.datetime) -> datetime.datetime:
    """UTC where no zone is given; a time that has no UTC is no time."""
    try:
        return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError("a time between the years 1 and 9999") from None


def _written(given: Any) -> Any:
    """A day or a time as RFC 3339 writes it; the library would take a number of seconds too."""
    if isinstance(given, str) and not BEGINS_WITH_A_DAY.match(given):
        raise ValueError("a time such as 2026-12-31T12:00:00Z")
    return given


BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:$|[Tt ])")
Time = Annotated[datetime.datetime, BeforeValidator(_written), AfterValidator(_in_range)]
Label = Annotated[str | None, Query(max_length=200)]
router = APIRouter(prefix="/v1", responses=problems.responses(401, 403, 404, 422))
WAITING: dict[int | str, dict[str, Any]] = {202: {"description": "It loosens a protection and waits for another admin"}}
IfMatch = Annotated[str | None, Header(description="The ETag that was read: 412 when it has changed meanwhile")]


def _tagged(found: dict[str, Any] | Proposed, status: int = 200) -> Response:
    """The thing with its ETag: its version. What waits for another person instead has an address."""
    if isinstance(found, Proposed):
        return JSONResponse(found.to_json(), 202, {"Location": found.address})
    headers = {"ETag": f'"{found["version"]}"'} if "version" in found else {}
    return JSONResponse(found, status, headers)


@router.get("/me", tags=["everyone"])
def me(person: SignedIn, office: TheOffice) -> dict[str, Any]:
    """Name, roles and projects."""
    return office.me(person)


@router.get("/datasets", tags=["everyone"])
def datasets(person: SignedIn, office: TheOffice) -> dict[str, Any]:
    """The catalogue, from the policy alone."""
    return {"datasets": office.catalogue()}


@router.get("/datasets/{dataset}", tags=["everyone"])
def dataset(dataset: str, person: SignedIn, office: TheOffice) -> dict[str, Any]:
    """One dataset's data dictionary, from the policy alone."""
    return office.dictionary(dataset)


@router.get("/projects", tags=["researcher"])
def projects(person: SignedIn, office: TheOffice) -> dict[str, Any]:
    """One's own projects; an admin and an auditor see all."""
    return {"projects": office.projects(person)}


@router.get("/projects/{project}", tags=["researcher"])
def project(project: str, person: SignedIn, office: TheOffice) -> Response:
    """Members, purpose, budget: stated, spent, reserved, remaining."""
    return _tagged(office.project(person, project))


@router.post("/projects", status_code=201, tags=["admin"], responses=problems.responses(409))
def make_project(body: ProjectIn, person: Admin, office: TheOffice) -> Response:
    """A new project: inactive, with a budget of 0. Making it active waits for another admin, and for an approval to stand on."""
    return _tagged(office.make_project(person, body.model_dump()), 201)


@router.patch("/projects/{project}", tags=["admin"], responses=WAITING | problems.responses(412))
def change_project(project: str, body: ProjectChange, person: Admin, office: TheOffice, if_match: IfMatch = None) -> Response:
    """An earlier end of the project or of an approval, inactive, closed, better words: at once. A later end, another approval,
    active: by another admin's approval."""
    return _tagged(office.change_project(person, project, body.model_dump(exclude_unset=True), if_match))


@router.put("/projects/{project}/budget", tags=["admin"], responses=WAITING | problems.responses(409, 412))
def project_budget(project: str, body: BudgetIn, person: Admin, office: TheOffice, if_match: IfMatch = None) -> Response:
    """Set a project's budget: lower at once; higher, or of another kind of accounting, by another admin's approval."""
    return _tagged(office.set_project_budget(person, project, body.epsilon, body.delta, body.keys_delta, if_match))


@router.put("/projects/{project}/members", tags=["admin"], responses=WAITING | problems.responses(409, 412))
def members(project: str, body: list[MemberIn], person: Admin, office: TheOffice, if_match: IfMatch = None) -> Response:
    """Set a project's members: removing at once, a new one or a wider ceiling by another admin's approval."""
    return _tagged(office.set_members(person, project, [member.model_dump() for member in body], if_match))


@router.get("/datasets/{dataset}/budget", tags=["admin"])
def dataset_budget(dataset: str, person: AdminAuditorOrController, office: TheOffice) -> Response:
    """The ceiling over all projects, and the lifetime loss."""
    return _tagged(office.dataset_budget(person, dataset))


@router.put("/datasets/{dataset}/budget", tags=["admin"], responses=WAITING | problems.responses(412))
def set_dataset_budget(dataset: str, body: BudgetIn, person: Admin, office: TheOffice, if_match: IfMatch = None) -> Response:
    """Set the ceiling over all projects: lower at once, higher by another admin's approval, within the lifetime cap."""
    return _tagged(office.set_dataset_budget(person, dataset, body.epsilon, body.delta, body.keys_delta, if_match))


@router.get("/identities", tags=["admin"])
def identities(person: Admin, office: TheOffice) -> dict[str, Any]:
    """Who can sign in, with which roles; never a token."""
    return {"identities": office.identities(person)}


@router.post("/identities", status_code=201, tags=["admin"], responses=WAITING)
def make_identity(body: IdentityIn, person: Admin, office: TheOffice) -> Response:
    """A new identity with no role; its token is shown this once. Each role waits for another admin's approval."""
    made = office.make_identity(person, body.name, tuple(body.roles))
    first = made.get("approvals", [])[:1]
    return JSONResponse(made, 202, {"Location": first[0]["address"]}) if first else JSONResponse(made, 201)


@router.delete("/identities/{name}", tags=["admin"])
def revoke(name: str, person: Admin, office: TheOffice) -> dict[str, Any]:
    """Revoke at once."""
    return office.revoke(person, name)


@router.get("/audit", tags=["auditor"])
def audit(
    request: Request,
    person: Auditor,
    office: TheOffice,
    project: Label = None,
    researcher: Label = None,
    outcome: Label = None,
    reason: Label = None,
    kind: Label = None,
    dataset: Label = None,
    since: Time | None = None,
    until: Time | None = None,
    after: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """The log, in order; reading is itself an entry. NDJSON or CSV when asked for, the next page then in Link."""
    filters = {
        "project": project,
        "researcher": researcher,
        "outcome": outcome,
        "reason": reason,
        "kind": kind,
        "dataset": dataset,
        "since": since,
        "until": until,
        "after": after,
        "limit": limit,
    }
    found = office.read_log(person, filters)
    headers = {"Vary": "Accept"}
    if found["next"] is not None:
        more = request.url.include_query_params(after=found["next"])
        headers["Link"] = f'<{more.path}?{more.query}>; rel="next"'
    if "application/x-ndjson" in accept:
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in found["entries"])
        return Response(lines, 200, headers, "application/x-ndjson")
    if "text/csv" in accept:
        return Response(log_as_csv(found["entries"]), 200, headers, "text/csv; charset=utf-8")
    return JSONResponse(found, headers=headers)


@router.get("/audit/questions/{question}", tags=["auditor"])
def story(question: str, person: Auditor, office: TheOffice) -> dict[str, Any]:
    """One question's whole story: its entries in order, and its text while that has not been erased."""
    return office.read_story(person, question)


@router.get("/audit/verify", tags=["auditor"])
def verify(person: Auditor, office: TheOffice) -> dict[str, Any]:
    """The server's own check of its log. Better: check it without us (docs/check-the-log.md)."""
    return office.verify_log(person)


@router.get("/audit/consistency", tags=["auditor"])
def consistency(
    person: Auditor,
    office: TheOffice,
    first: Annotated[int, Query(alias="from", ge=0, lt=2**63)],
    second: Annotated[int, Query(alias="to", ge=0, lt=2**63)],
) -> dict[str, Any]:
    """A consistency proof between two sizes (RFC 6962, section 2.1.2)."""
    return office.consistency(person, first, second)


@router.get("/audit/{index}", tags=["auditor"])
def audit_entry(index: int, person: Auditor, office: TheOffice) -> dict[str, Any]:
    """One entry, with the question's text while that has not been erased."""
    return office.read_entry(person, index)


@router.get("/audit/{index}/proof", tags=["auditor"])
def proof(index: int, person: Auditor, office: TheOffice) -> dict[str, Any]:
    """An inclusion proof against the present size (RFC 6962, section 2.1.1)."""
    return office.inclusion(person, index)
