"""The calls of a controller about the registers: the check service's list of cleared people, and withdrawals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from tre.web import problems
from tre.web.models import OptOutsIn
from tre.web.signed_in import Controller, TheOffice

CLEARED = "/v1/opt-outs/cleared"
WRITTEN_AT_ONCE = 2**20
LIST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {"schema": {"type": "string", "description": "One NHS number a line, with or without a comma"}}
        },
    }
}
Smaller = Annotated[bool, Query(description="It is right that the list clears far fewer people than the former one")]
router = APIRouter(prefix="/v1", tags=["controller"], responses=problems.responses(401, 403, 413, 422))


@router.put("/opt-outs/cleared", openapi_extra=LIST_BODY)
async def cleared(request: Request, person: Controller, office: TheOffice, smaller: Smaller = False) -> dict[str, Any]:
    """Replace the check service's list of people without a national opt-out, whole: whoever is not on it is left out of the next
    question computed. A list that is empty, or far smaller than the former one, is refused and raises an alarm."""
    with office.receiving_cleared(person) as file:
        waiting = bytearray()
        async for piece in request.stream():
            waiting += piece
            if len(waiting) >= WRITTEN_AT_ONCE:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        file.write(waiting)
        return await run_in_threadpool(office.received_cleared, person, file, smaller)


@router.post("/opt-outs/withdrawals", status_code=202)
def withdrawals(body: OptOutsIn, person: Controller, office: TheOffice) -> dict[str, Any]:
    """Withdraw objections under one regime: the next question computed includes what is in the store of these people. What was
    erased stays erased."""
    return office.withdraw_opt_outs(person, body.regime, body.nhs_numbers)
