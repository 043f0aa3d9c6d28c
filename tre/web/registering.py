"""The calls of a controller about the registers: the check service's list of cleared people, and withdrawals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from tre.errors import Reason
from tre.web import problems
from tre.web.incoming import Incoming
from tre.web.models import OptOutsIn
from tre.web.signed_in import Controller, TheOffice

CLEARED = "/v1/opt-outs/cleared"
# One list is made at a time, of whomever's is here first.
_lists, _one = Incoming(), threading.Lock()
LIST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {"schema": {"type": "string", "description": "One NHS number a line, with or without a comma"}}
        },
    }
}
Smaller = Annotated[bool, Query(description="It is right that the list clears far fewer people than the former one")]
router = APIRouter(prefix="/v1", tags=["controller"], responses=problems.responses(401, 403, 413, 422, 429))


@router.put("/opt-outs/cleared", openapi_extra=LIST_BODY)
async def cleared(request: Request, person: Controller, office: TheOffice, smaller: Smaller = False) -> Response:
    """Replace the check service's list of people without a national opt-out, whole: whoever is not on it is left out of the next
    question computed. A list that is empty, or far smaller than the former one, is refused and raises an alarm."""

    def receive(parts: Iterator[bytes]) -> dict[str, Any]:
        with office.receiving_cleared(person) as file:
            for part in parts:
                file.write(part)
            with _one:
                return office.received_cleared(person, file, smaller)

    try:
        return JSONResponse(await _lists.read(person, request.stream(), receive))
    except ClientDisconnect:
        return problems.problem(
            Reason.INVALID_REQUEST, "The body was cut short; the former list stays in force.", "Send it again."
        )


@router.post("/opt-outs/withdrawals", status_code=202)
def withdrawals(body: OptOutsIn, person: Controller, office: TheOffice) -> dict[str, Any]:
    """Withdraw objections under one regime: the next question computed includes what is in the store of these people. What was
    erased stays erased."""
    return office.withdraw_opt_outs(person, body.regime, body.nhs_numbers)
