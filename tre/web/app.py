"""The application: routers, problems and the headers that every response carries."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from fastapi import FastAPI

from tre import __version__
from tre.errors import Reason
from tre.gateway import Gateway
from tre.office import Office
from tre.office.receiving import OPT_OUTS
from tre.web import approving, exempting, governing, opting, public, questions, register, registering
from tre.web.models import Problem
from tre.web.problems import FAULT, FAULT_DETAIL, problem, tell_problems
from tre.web.signed_in import Seen

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MIB = 2**20
THREADS, TURN_S = 4, 0.000_5
# The framework reads a body before it asks who sends it, on the loop that answers everybody; lists of opt-outs are read
# after, part by part.
LARGEST_BODY, LARGEST_LIST, LARGEST_CLEARED = 4 * MIB, 256 * MIB, 2048 * MIB
LARGEST = {OPT_OUTS: LARGEST_LIST, registering.CLEARED: LARGEST_CLEARED}
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
)


class Outermost:
    """Adds the headers, bounds the body and swallows what nobody foresaw: outside there is a fault's fixed sentence only."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = LARGEST.get(scope["path"], LARGEST_BODY)
        call = _Call(receive, send, _announced(scope), largest)
        try:
            if not call.too_large:
                await self.app(scope, call.receive, call.send)
        except Exception:  # noqa: BLE001 - the last net: an exception's text may quote what must not leave
            if not call.started and not call.too_large:
                await problem(FAULT, FAULT_DETAIL)(scope, receive, call.send)
        if call.too_large and not call.started:
            call.refused = True
            await problem(Reason.TOO_LARGE, f"The body is over {largest // MIB} MiB.")(scope, receive, call.send)


@dataclass
class _Call:
    """One call: how much has come in, and whether an answer has begun to go out."""

    receiving: Receive
    sending: Send
    announced: int
    largest: int
    received: int = 0
    started: bool = False
    refused: bool = False

    @property
    def too_large(self) -> bool:
        return max(self.announced, self.received) > self.largest

    async def receive(self) -> MutableMapping[str, Any]:
        message = await self.receiving()
        self.received += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.too_large else message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.too_large and not self.refused and not self.started:
            return  # what the application says of half a body
        if message["type"] == "http.response.start":
            self.started = True
            present = {name for name, _ in message["headers"]}
            added = [*HEADERS, (b"cache-control", b"no-store")]
            message["headers"] = [*message["headers"], *((name, value) for name, value in added if name not in present)]
        await self.sending(message)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def make_app(gateway: Gateway, office: Office) -> App:
    """The ASGI application over the two roads."""
    app = FastAPI(
        lifespan=_few_threads,
        title="tre",
        version=__version__,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        docs_url=None,
        redoc_url=None,
        summary="Questions in, statistics out, records stay.",
    )
    app.state.gateway = gateway
    app.state.office = office
    app.state.seen = Seen()
    tell_problems(app)
    routers = (
        questions.router,
        governing.router,
        approving.router,
        opting.router,
        registering.router,
        exempting.router,
        register.router,
        public.router,
    )
    app.state.routes = [route for router in routers for route in router.routes]
    for router in routers:
        app.include_router(router)
    public.mount_static(app)
    _describe(app)
    return Outermost(app)


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    """Calls run on few threads that take short turns: a burst of them must not keep the runners from sealing in time."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    sys.setswitchinterval(TURN_S)
    yield


def _describe(app: FastAPI) -> None:
    """Put the problem's schema into the OpenAPI document, once."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = described  # type: ignore[method-assign]
