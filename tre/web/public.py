"""What everyone can see without a token: the front page, the calls, the health of the service, the log's checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

from tre.errors import Reason
from tre.web import problems
from tre.web.signed_in import TheGateway, TheOffice

HERE = Path(__file__).parent
router = APIRouter(tags=["public"])
_pages = Environment(
    loader=FileSystemLoader(HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(name: str, **values: Any) -> HTMLResponse:
    """A page of `pages/`, filled."""
    return HTMLResponse(_pages.get_template(name).render(**values))


@router.get("/", include_in_schema=False)
def front(office: TheOffice) -> HTMLResponse:
    """What this is, and the catalogue."""
    return page("front.html", title="tre", datasets=[office.dictionary(found["dataset"]) for found in office.catalogue()])


@router.get("/docs", include_in_schema=False)
def calls(request: Request) -> HTMLResponse:
    """The calls, read from the OpenAPI document, without a script from elsewhere."""
    document = request.app.openapi()
    listed = [
        {"method": method.upper(), "path": path, "who": call.get("tags", [""])[0], "does": call.get("description", "")}
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    return page("calls.html", title="Calls", calls=listed)


@router.get("/problems/{reason}", include_in_schema=False)
def problem_page(reason: str) -> Response:
    """What a problem's ``type`` points at."""
    if reason not in problems.TABLE:
        return problems.problem(Reason.NOT_FOUND)
    return page("problem.html", title=reason, reason=reason, telling=problems.TABLE[reason])


@router.get("/livez", response_class=PlainTextResponse)
async def livez() -> str:
    """The process answers."""
    return "ok"


@router.get("/readyz", responses={503: {"description": "Something that a question needs is missing"}})
def readyz(gateway: TheGateway) -> JSONResponse:
    """Whether questions can be answered, and with the sandbox on."""
    found = gateway.ready()
    return JSONResponse(found, 200 if found["ready"] else 503)


@router.get("/checkpoint", response_class=PlainTextResponse)
def checkpoint(office: TheOffice) -> str:
    """The newest signed checkpoint of the log (C2SP tlog-checkpoint); a new one on a fixed period."""
    return office.checkpoint()


def mount_static(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
