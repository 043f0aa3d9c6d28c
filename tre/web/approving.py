"""The calls of the second person: approvals, requests for more budget, projects held after faults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response

from tre.web import problems
from tre.web.models import DecisionIn, HoldIn, RequestIn
from tre.web.signed_in import Admin, AdminOrAuditor, Researcher, TheOffice

router = APIRouter(prefix="/v1", responses=problems.responses(401, 403, 404, 422))
IfMatch = Annotated[str | None, Header(description="The ETag that was read: 412 when it has changed meanwhile")]
State = Literal["waiting", "approved", "refused", "withdrawn", "lapsed"]


def _tagged(found: dict[str, Any]) -> Response:
    return JSONResponse(found, headers={"ETag": f'"{found["version"]}"'})


@router.get("/approvals", tags=["admin"])
def approvals(person: AdminOrAuditor, office: TheOffice, state: State | None = None) -> dict[str, Any]:
    """What was proposed and what was decided of it, newest first; for admins and auditors."""
    return {"approvals": office.approvals(person, state)}


@router.get("/approvals/{approval}", tags=["admin"])
def approval(approval: str, person: AdminOrAuditor, office: TheOffice) -> Response:
    """One approval: what is proposed, by whom, and what it would mean."""
    return _tagged(office.approval(person, approval))


@router.post("/approvals/{approval}", tags=["admin"], responses=problems.responses(412))
def decide(approval: str, body: DecisionIn, person: Admin, office: TheOffice, if_match: IfMatch = None) -> Response:
    """Another admin than the proposer approves, and it is done, or refuses; the proposer withdraws with approve: false."""
    return _tagged(office.decide(person, approval, body.approve, body.why, if_match))


@router.post("/projects/{project}/requests", status_code=201, tags=["researcher"])
def request_budget(project: str, body: RequestIn, person: Researcher, office: TheOffice) -> dict[str, Any]:
    """Ask for more budget, with the reason: admins see it; it changes nothing by itself."""
    return office.request_budget(person, project, body.epsilon, body.delta, body.why)


@router.get("/requests", tags=["admin"])
def requests(person: AdminOrAuditor, office: TheOffice, project: str | None = None) -> dict[str, Any]:
    """Researchers' requests for more budget, newest first; for admins and auditors."""
    return {"requests": office.budget_requests(person, project)}


@router.get("/holds", tags=["admin"])
def holds(person: AdminOrAuditor, office: TheOffice) -> dict[str, Any]:
    """The projects held after faults, and what was decided of each so far; for admins and auditors."""
    return {"holds": office.holds(person)}


@router.post("/holds/{project}", tags=["admin"], responses=problems.responses(412))
def decide_hold(project: str, body: HoldIn, person: Admin, office: TheOffice, if_match: IfMatch = None) -> dict[str, Any]:
    """Let a held project ask again, or leave it held, with the reason. By an admin who is not one of its members."""
    return office.decide_hold(person, project, body.release, body.why, if_match)
