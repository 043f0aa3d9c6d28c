"""The application: routers, problems and the headers that every response carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI

from tre import __version__
from tre.gateway import Gateway
from tre.office import Office
from tre.web import governing, public, questions
from tre.web.models import Problem
from tre.web.problems import FAULT, FAULT_DETAIL, problem, tell_problems

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 2**20
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
)


class Outermost:
    """Adds the headers, bounds the body and swallows what nobody foresaw: outside there is a fault's fixed sentence only."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((n, v) for n, v in HEADERS if n not in present)]
                if b"cache-control" not in present:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        if _announced(scope) > MAX_BODY:
            return await problem("too-large", "The body is over 64 MiB.")(scope, receive, sending)
        try:
            await self.app(scope, receive, sending)
        except Exception:  # noqa: BLE001 - the last net: an exception's text may quote what must not leave
            if not started:
                await problem(FAULT, FAULT_DETAIL)(scope, receive, sending)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def make_app(gateway: Gateway, office: Office) -> App:
    """The ASGI application over the two roads."""
    app = FastAPI(title="tre", version=__version__, docs_url=None, redoc_url=None, summary=__doc__ and "Query-only access")
    app.state.gateway = gateway
    app.state.office = office
    tell_problems(app)
    for router in (questions.router, governing.router, public.router):
        app.include_router(router)
    public.mount_static(app)
    _describe(app)
    return Outermost(app)


def _describe(app: FastAPI) -> None:
    """Put the problem's schema into the OpenAPI document, once."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = described  # type: ignore[method-assign]
