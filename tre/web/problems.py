"""Every refusal as RFC 9457 ``application/problem+json``: the one table from reason to status, title and suggestion."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from tre.errors import Fault, Reason, Refusal
from tre.gateway import Faulted, Refused
from tre.terms import canonical

MEDIA_TYPE = "application/problem+json"
FAULT = "fault"
log = logging.getLogger("tre.web")


@dataclass(frozen=True, slots=True)
class Telling:
    """How a reason is told: the status, what happened, and what to do about it unless the refusal knows better."""

    status: int
    title: str
    suggestion: str
    retry_after: int | None = None


TABLE: Mapping[str, Telling] = {
    Reason.SQL_NOT_UNDERSTOOD: Telling(400, "The text is not understood", "Write one SELECT statement in SQL."),
    Reason.STATEMENT_NOT_OFFERED: Telling(422, "This statement is not offered", "Ask for keys and statistics with one SELECT."),
    Reason.TABLE_NOT_IN_POLICY: Telling(422, "There is no such table", "GET /v1/datasets/{dataset} lists the tables."),
    Reason.COLUMN_NOT_IN_POLICY: Telling(422, "There is no such column", "GET /v1/datasets/{dataset} lists the columns."),
    Reason.STATISTIC_NOT_OFFERED: Telling(422, "This statistic is not offered", "Ask for COUNT(*)."),
    Reason.FUNCTION_NOT_OFFERED: Telling(422, "This function is not offered", "Compare columns with literals."),
    Reason.NOT_PERSON_SEPARABLE: Telling(422, "This part of the question mixes people", "Name the person in every part."),
    Reason.BOUNDS_MISSING: Telling(422, "A bound is missing", "The data controller states bounds in the policy."),
    Reason.KEYS_TOO_MANY: Telling(422, "The answer would have too many groups", "Group by fewer or coarser keys."),
    Reason.PURPOSE_NOT_PERMITTED: Telling(403, "The purpose is not permitted", "The project's purpose is set by its admins."),
    Reason.APPROVAL_LAPSED: Telling(403, "The project or an approval of it has lapsed", "Ask an admin to renew it."),
    Reason.BUDGET_EXHAUSTED: Telling(
        403, "The privacy budget does not allow this", "Ask for less accuracy, or repeat an answer."
    ),
    Reason.INVALID_REQUEST: Telling(422, "The request is not valid", "See /docs for the fields of this call."),
    Reason.NOT_SIGNED_IN: Telling(401, "Nobody is signed in", "Send the header: Authorization: Bearer TOKEN"),
    Reason.ROLE_NOT_ALLOWED: Telling(403, "This is not for your role", "GET /v1/me shows your roles."),
    Reason.PROJECT_HELD: Telling(403, "The project is held", "An admin decides after looking at its faults."),
    Reason.NOT_FOUND: Telling(404, "There is no such thing, or it is not yours", "GET /v1/me lists your projects."),
    Reason.KEY_RUNNING: Telling(409, "A question with this key is still running", "Wait, then send it again.", 1),
    Reason.ACCOUNTING_KIND: Telling(
        409, "A charged concentrated budget does not become pure", "State a delta above 0, or make a new project."
    ),
    Reason.CHANGED_MEANWHILE: Telling(412, "It has changed meanwhile", "Read it again, then send the new ETag in If-Match."),
    Reason.TOO_LARGE: Telling(413, "The question is too large", "Ask in a shorter text."),
    Reason.KEY_REUSED: Telling(422, "The key was used for another body", "Send a new Idempotency-Key."),
    Reason.OPT_OUT_MODE: Telling(422, "The other opt-out mode was asked before", "Ask with the same opt-outs applied."),
    Reason.TOO_MANY_REQUESTS: Telling(429, "Too many requests", "Wait, then send it again.", 2),
    Reason.OPT_OUTS_STALE: Telling(
        503, "The opt-out list is missing or too old", "The data controller delivers a new list.", 600
    ),
    Reason.NOT_READY: Telling(503, "The dataset is not ready", "The data controller loads it, or opens it again.", 60),
    Reason.CANCELLED: Telling(410, "The question was cancelled", "Ask it again."),
    FAULT: Telling(500, "Something failed on our side", "Tell an admin the id. Charged loss stays charged."),
}
FAULT_DETAIL = "The question could not be answered. Nothing more can be said without speaking of the records."


def problem(reason: str, detail: str = "", suggestion: str = "", question: str = "") -> Response:
    """The response of a reason; what the refusal does not say comes from the table."""
    telling = TABLE[reason]
    body = {
        "type": f"/problems/{reason}",
        "title": telling.title,
        "status": telling.status,
        "detail": detail or telling.title + ".",
        "reason": reason,
        "suggestion": suggestion or telling.suggestion,
        "id": question or secrets.token_hex(16),
    }
    headers = {"Cache-Control": "no-store"}
    if telling.retry_after is not None:
        headers["Retry-After"] = str(telling.retry_after)
    if telling.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(canonical(body), telling.status, headers, MEDIA_TYPE)


def of_refused(refused: Refused) -> Response:
    return problem(refused.reason, refused.detail, refused.suggestion, refused.question)


def of_faulted(faulted: Faulted) -> Response:
    return problem(FAULT, FAULT_DETAIL, "", faulted.question)


def _validation(error: RequestValidationError) -> Response:
    """The names of the fields that are wrong, never their values."""
    parts = error.errors()[:5]
    if any(part["loc"] == ("body",) and part["type"] == "model_attributes_type" for part in parts):
        return problem(Reason.INVALID_REQUEST, "The body is not a JSON object.", "Send one, with Content-Type: application/json.")
    told = [f"{_place(part['loc'])}: {_WRONG.get(part['type'], part['msg'])}" for part in parts]
    return problem(Reason.INVALID_REQUEST, "; ".join(told).replace("Value error, ", "")[:1_000])


def _place(steps: tuple[int | str, ...]) -> str:
    """Where a field is; the library's own words for the forms that one field may take are left out."""
    return ".".join(str(step) for step in steps if "[" not in str(step))


# What a field's value is not, in our words; the library speaks of its own types.
_WRONG = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this call",
    "string_type": "is not a text",
    "string_pattern_mismatch": "has letters or a form that this field does not take",
    "string_too_long": "is too long",
    "string_too_short": "is empty",
    "string_unicode": "is not text in UTF-8",
    "decimal_type": "is not a number",
    "decimal_parsing": "is not a number",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "bool_type": "is not true or false",
    "date_from_datetime_parsing": "is not a date such as 2026-12-31",
    "date_parsing": "is not a date such as 2026-12-31",
    "datetime_from_date_parsing": "is not a time such as 2026-12-31T12:00:00Z",
    "datetime_parsing": "is not a time such as 2026-12-31T12:00:00Z",
    "timezone_aware": "has no zone; write such as 2026-12-31T12:00:00Z",
    "list_type": "is not a list",
    "dict_type": "is not an object",
    "json_invalid": "is not JSON",
}


_BY_STATUS = {401: Reason.NOT_SIGNED_IN, 404: Reason.NOT_FOUND, 413: Reason.TOO_LARGE}


def _http(request: Request, error: HTTPException) -> Response:
    """What the framework itself refuses: an unknown path, a method that a path does not have."""
    if error.status_code in _BY_STATUS:
        return problem(_BY_STATUS[error.status_code])
    if error.status_code == 400:
        return problem(Reason.INVALID_REQUEST, "The body cannot be read as JSON.", "Send JSON in UTF-8, not nested deeply.")
    response = problem(Reason.INVALID_REQUEST, "This call is not offered.", "GET /openapi.json lists the calls.")
    status = error.status_code
    body = response.body.replace(b'"status":422', f'"status":{status}'.encode())  # type: ignore[union-attr]
    return Response(body, status, {"Cache-Control": "no-store", **(error.headers or {}), **_allowed(request, status)}, MEDIA_TYPE)


def _allowed(request: Request, status: int) -> dict[str, str]:
    """RFC 9110, 15.5.6: all the methods that a path has, each of which is a route of its own."""
    if status != 405:
        return {}
    there = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {"Allow": ", ".join(sorted({method for route in there for method in route.methods}))}


def tell_problems(app: FastAPI) -> None:
    """Every way a call can fail becomes a problem; what was not foreseen becomes a fault with an id and one sentence."""

    @app.exception_handler(Refusal)
    async def on_refusal(_: Request, error: Refusal) -> Response:
        return problem(error.reason, error.detail, error.suggestion)

    @app.exception_handler(RequestValidationError)
    async def on_validation(_: Request, error: RequestValidationError) -> Response:
        return _validation(error)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return _http(request, error)

    @app.exception_handler(Fault)
    async def on_fault(_: Request, error: Fault) -> Response:
        return problem(FAULT, FAULT_DETAIL)

    @app.exception_handler(Exception)
    async def on_exception(_: Request, error: Exception) -> Response:
        id = secrets.token_hex(16)
        log.error("fault %s: %s", id, type(error).__name__)
        return problem(FAULT, FAULT_DETAIL, "", id)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a call can answer with, for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "A problem (RFC 9457)", "content": content} for status in statuses}
