"""The register in public: who uses the records and for what, as JSON, as a table, and as pages; and what opt-outs do here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse, Response

from tre.terms import canonical
from tre.web import problems
from tre.web.csv import table_as_csv
from tre.web.public import page
from tre.web.signed_in import TheOffice

router = APIRouter(tags=["public"])
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/v1/register", responses=CSV | problems.responses(422))
def register(
    office: TheOffice,
    accept: Annotated[str, Header()] = "",
    form: Annotated[str, Query(alias="format", pattern="^(json|csv)$")] = "json",
) -> Response:
    """Who uses the records, what for, under which approvals and until when: read from the log alone. As CSV, under the column
    names of HDR UK's register of data uses."""
    if form == "csv" or "text/csv" in accept:
        return Response(table_as_csv(office.register_rows()), 200, {"Vary": "Accept"}, "text/csv; charset=utf-8")
    return _json(office.show_register(), {"Vary": "Accept"})


@router.get("/v1/register/{project}", responses=problems.responses(404))
def registered(project: str, office: TheOffice) -> Response:
    """One project: all that the register tells of it."""
    return _json(office.show_project(project))


@router.get("/register", include_in_schema=False)
def register_page(office: TheOffice) -> HTMLResponse:
    """Who uses the records, and what for."""
    return page("register.html", title="Who uses the records", register=office.show_register())


@router.get("/register/{project}", include_in_schema=False)
def registered_page(project: str, office: TheOffice) -> HTMLResponse:
    """One project."""
    found = office.show_project(project)
    return page("registered.html", title=found["title"] or project, found=found)


@router.get("/opt-outs", include_in_schema=False)
def opt_outs_page(office: TheOffice) -> HTMLResponse:
    """What opt-outs do here and what they do not."""
    return page("opt-outs.html", title="Opt-outs", found=office.show_opt_outs())


def _json(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(canonical(document), 200, headers, "application/json")
