"""The calls of opt-outs: a controller's lists, as they come, and what became of each line; anybody's receipt, without a token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect

from tre.errors import Reason, Refusal
from tre.office import Office
from tre.office.receiving import OPT_OUTS
from tre.web import problems
from tre.web.incoming import Incoming
from tre.web.models import OptOutsIn
from tre.web.public import page
from tre.web.signed_in import Controller, TheOffice

# Questions need not wait for them. Each is held line by line.
_lists = Incoming()
LIST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": OptOutsIn.model_json_schema()},
            "text/csv": {"schema": {"type": "string", "description": "The header regime,nhs_number, then a line each"}},
        },
    }
}
NDJSON = "application/x-ndjson"
Whole = Annotated[bool, Query(description="It is everybody who objected, of each regime named: opens what a restore closed.")]


class _Receipt(Convertor[str]):
    """Whatever stands in a receipt's place, but for the names of other calls."""

    regex = "(?!(?:batches|cleared|withdrawals)$)[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("receipt", _Receipt())
router = APIRouter(responses=problems.responses(422))


@router.post(
    OPT_OUTS, status_code=202, tags=["controller"], openapi_extra=LIST_BODY, responses=problems.responses(401, 403, 413, 429)
)
async def opt_outs(request: Request, person: Controller, office: TheOffice, whole: Whole = False) -> Response:
    """Register opt-outs, as JSON or CSV, one or millions: the next question computed after this leaves these people out."""
    csv = request.headers.get("content-type", "").startswith("text/csv")

    def receive(parts: Iterator[bytes]) -> dict[str, Any]:
        return office.receive_opt_outs_body(person, parts, csv, whole)

    try:
        told = await _lists.read(person, request.stream(), receive)
    except ClientDisconnect:
        return problems.problem(Reason.INVALID_REQUEST, "The body was cut short; nothing of it was entered.", "Send it again.")
    headers = {"Location": told["batches"][0]["address"]} if told["batches"] else {}
    return JSONResponse(told, 202, headers)


@router.get(f"{OPT_OUTS}/batches", tags=["controller"], responses=problems.responses(401, 403))
def batches(person: Controller, office: TheOffice) -> dict[str, Any]:
    """The newest lists that were delivered, with their counts; and those not entered to their end, to be delivered again."""
    return office.opt_out_batches(person)


@router.get(
    f"{OPT_OUTS}/batches/{{batch}}",
    tags=["controller"],
    response_class=StreamingResponse,
    responses={**problems.responses(401, 403, 404), 200: {"content": {NDJSON: {}}}},
)
def batch(batch: str, person: Controller, office: TheOffice) -> Response:
    """What became of each line of a list, and its receipt: NDJSON, a line each, in their order."""
    return StreamingResponse(office.opt_out_lines(person, batch), media_type=NDJSON)


@router.get(f"{OPT_OUTS}/{{receipt:receipt}}", tags=["public"], responses=problems.responses(404))
def receipt(receipt: str, office: TheOffice) -> dict[str, Any]:
    """A receipt with its proof, for whoever holds it; it does not say whether the person has a record."""
    return office.opt_out_receipt(receipt)


@router.get("/receipt", include_in_schema=False)
def receipt_page(office: TheOffice, receipt: str | None = None) -> HTMLResponse:
    """Check a receipt by its id, in plain words."""
    asked = (receipt or "").strip().lower()
    found = _found(office, asked) if asked else None
    answer = page("receipt.html", title="Check a receipt", asked=asked, found=found)
    answer.status_code = 404 if asked and found is None else 200
    return answer


def _found(office: Office, asked: str) -> dict[str, Any] | None:
    try:
        return office.opt_out_receipt(asked)
    except Refusal:
        return None
