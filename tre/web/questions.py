"""The researcher's calls: preview, ask, look at one's own project's questions, cancel."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import WithJsonSchema

from tre.errors import Reason, Refusal
from tre.gateway import Cancelled, Faulted, Pending, Refused, Released
from tre.gateway.asking import Idempotency
from tre.gateway.desk import Ticket
from tre.gateway.outcomes import Outcome, Standing
from tre.terms import Person, Request, canonical, digest
from tre.web import problems
from tre.web.csv import release_as_csv
from tre.web.models import QuestionIn
from tre.web.signed_in import CALLED, Caller, Calling, Researcher, SignedIn, TheGateway

router = APIRouter(prefix="/v1", tags=["researcher"], responses=problems.responses(401, 403, 404, 422, 429, 503))
LATE = problems.responses(400, 410, 413, 500)  # what a question came to, with the status of its own
WAIT_S = 30.0
LONGEST_WAIT_S = 60.0
KEY = re.compile(r"^[!-~]{1,128}$")


def respond(standing: Standing, accept: str) -> Response:
    """A standing as HTTP: the stored envelope, byte for byte; an address to poll; or its own problem."""
    match standing:
        case Released(question, envelope):
            headers = {"Content-Location": f"/v1/queries/{question}", "Vary": "Accept"}
            if "text/csv" in accept:
                return Response(release_as_csv(envelope), 200, headers, "text/csv; charset=utf-8")
            return Response(envelope, 200, headers, "application/json")
        case Pending(question, state):
            headers = {"Location": f"/v1/queries/{question}", "Retry-After": "1"}
            return JSONResponse({"id": question, "state": state}, 202, headers)
        case Refused():
            return problems.of_refused(standing)
        case Faulted():
            return problems.of_faulted(standing)
        case Cancelled(question):
            return problems.problem(Reason.CANCELLED, question=question)


def _seconds(prefer: str) -> float:
    """RFC 7240 ``wait``: how long the asker would rather wait than poll."""
    given = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", prefer)
    return min(float(given.group(1)), LONGEST_WAIT_S) if given else WAIT_S


def _key(header: str | None, body: QuestionIn) -> Idempotency | None:
    if header is None:
        return None
    if not KEY.match(header):
        raise Refusal(Reason.INVALID_REQUEST, "An Idempotency-Key is 1 to 128 visible ASCII characters.")
    return Idempotency(header, digest(canonical(body.model_dump(mode="json"))))


@router.post("/preview", responses=problems.responses(400, 413))
def preview(body: QuestionIn, person: Researcher, gateway: TheGateway) -> dict[str, Any]:
    """What a question would cost and how accurate it would be: free, from text and policy alone."""
    return gateway.preview(person, body.request())


@router.post(
    "/queries",
    responses=problems.responses(400, 409, 410, 413, 500) | {202: {"description": "Waiting or running"}},
    openapi_extra=CALLED,
)
async def ask(
    body: QuestionIn,
    caller: Calling,
    idempotency_key: Annotated[str | None, Header(), WithJsonSchema({"type": "string", "pattern": KEY.pattern})] = None,
    prefer: Annotated[str, Header()] = "",
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Ask. 200 is the release; 202 is an address to poll; a refusal says why and costs nothing."""
    key, request = _key(idempotency_key, body), body.request()
    found = await _again(caller, request, key) or await _answer(caller, request, key, _seconds(prefer))
    return respond(found, accept)


async def _again(caller: Caller, request: Request, key: Idempotency | None) -> Outcome | None:
    """The outcome of a question that is a repeat for certain; None for the road, also where this could not be written: the road
    meets it again, and writes it down."""
    coming = caller.gateway.again(caller.token, caller.seen, request, key)
    if coming is None:
        return None
    try:
        return await asyncio.wrap_future(coming)
    except Exception:  # noqa: BLE001 - nothing of it was kept
        return None


async def _answer(caller: Caller, request: Request, key: Idempotency | None, seconds: float) -> Standing:
    def send() -> tuple[Person, Ticket]:
        person = caller.person()
        return person, caller.gateway.ask(person, request, key)

    try:
        person, ticket = await run_in_threadpool(send)
    except Refusal:
        caller.forget()
        raise
    if not ticket.coming.done():
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(ticket.coming)), seconds)
        # Looked up anew: whoever was removed or revoked meanwhile is not told.
        return await run_in_threadpool(caller.gateway.standing, person, ticket.question)
    return ticket.coming.result()


@router.get("/queries")
def queries(
    person: SignedIn,
    gateway: TheGateway,
    project: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:
    """The questions of one's own projects, newest first."""
    return gateway.history(person, project, after, limit)


@router.get("/queries/{question}", responses=LATE | {202: {"description": "Waiting or running"}})
def query(question: str, person: SignedIn, gateway: TheGateway, accept: Annotated[str, Header()] = "") -> Response:
    """One question: its release, its state, or its problem with its own status."""
    return respond(gateway.standing(person, question), accept)


@router.delete("/queries/{question}", responses={202: {"description": "Running: the charge stays"}})
def cancel(question: str, person: SignedIn, gateway: TheGateway) -> Response:
    """Cancel: free while waiting; once running the charge stays and the answer is never published."""
    state = gateway.cancel(person, question)
    return JSONResponse({"id": question, "state": state}, 202 if state == "running" else 200)
