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
# A full tile never changes and never goes; a partial one never changes, and gives way to the full one.
FOR_EVER, FOR_AN_HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"
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
def readyz(gateway: TheGateway, office: TheOffice) -> JSONResponse:
    """Whether questions can be answered, with the sandbox on, and whether the log goes on being published."""
    found = gateway.ready() | {"log": office.publication.standing()}
    return JSONResponse(found, 200 if found["ready"] else 503)


@router.get("/checkpoint", response_class=PlainTextResponse, responses=problems.responses(503))
def checkpoint(office: TheOffice) -> Response:
    """The newest signed checkpoint of the log (C2SP tlog-checkpoint); a new one on a fixed period."""
    return PlainTextResponse(office.publication.checkpoint())


@router.get("/v1/erasures")
def erasures(office: TheOffice) -> dict[str, Any]:
    """Every erasure certificate, newest first, and every backup with the datasets whose erasures it predates. The same whoever
    had a record."""
    return office.erasures()


@router.get("/v1/erasures/{erasure}", responses=problems.responses(404))
def erasure(erasure: str, office: TheOffice) -> dict[str, Any]:
    """One erasure certificate: its signature is over the canonical JSON of everything else but key and index."""
    return office.erasure(erasure)


class Octets(Response):
    media_type = "application/octet-stream"


@router.get("/tile/{path:path}", response_class=Octets, responses=problems.responses(404))
def tile(path: str, office: TheOffice) -> Response:
    """One file of the log, as C2SP tlog-tiles names it: <level>/<number>[.p/<width>] or entries/<number>[.p/<width>]."""
    found = office.publication.tile(path)
    return Octets(found.content, headers={"Cache-Control": FOR_EVER if found.full else FOR_AN_HOUR})


def mount_static(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
