"""The calls of exemptions from opt-outs: proposed, listed, ended. One is approved where every approval is: /v1/approvals/{id}."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from tre.web import problems
from tre.web.models import ExemptionIn
from tre.web.signed_in import AdminAuditorOrController, Controller, TheOffice

router = APIRouter(prefix="/v1", tags=["controller"], responses=problems.responses(401, 403, 404, 422))


@router.get("/exemptions")
def exemptions(person: AdminAuditorOrController, office: TheOffice) -> dict[str, Any]:
    """The exemptions in force, and those that wait for another controller. The public reads them in the register."""
    return office.exemptions(person)


@router.post("/exemptions", status_code=202)
def propose_exemption(body: ExemptionIn, person: Controller, office: TheOffice) -> Response:
    """Propose that some opt-outs do not apply to a project, for at most a year: another controller approves it, or not."""
    fields = body.model_dump(mode="json", exclude={"project"})
    made = office.propose_exemption(person, body.project, fields)
    return JSONResponse(made.to_json(), 202, {"Location": made.address})


@router.delete("/exemptions/{exemption}")
def revoke_exemption(exemption: str, person: Controller, office: TheOffice) -> dict[str, Any]:
    """End an exemption: the opt-outs apply again at once."""
    return office.revoke_exemption(person, exemption)
