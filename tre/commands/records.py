"""Records and opt-outs: serve, load, sample, opt-outs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from tre.commands.terminal import Json, app, opened_office, opt_outs_app, progress, show
from tre.errors import Unfit
from tre.settings import read_settings

Form = Literal["parquet", "csv"]


@app.command()
def serve() -> None:
    """Serve on TRE_HOST:TRE_PORT. One at a time for a home."""
    from tre.web.serving import serve as run

    run(read_settings())


@app.command()
def load(dataset: str, source: Path, as_json: Json = False) -> None:
    """Load records from a folder of <table>.csv or <table>.parquet; live when it returns."""
    with opened_office(read_settings(), governed=True) as office, progress(f"loading {dataset}") as step:
        told = office.load(office.host, dataset, source, step)
    show(told, as_json)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="OUT")],
    persons: Annotated[int, typer.Option(min=1, max=70_000_000)] = 100_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    form: Annotated[Form, typer.Option("--format")] = "parquet",
    as_json: Json = False,
) -> None:
    """Make realistic synthetic records and a list of opt-outs; the same bytes for the same seed."""
    from tre.sample import generate

    with progress("making records") as step:
        generate(folder, persons=persons, seed=seed, form=form, progress=step)
    show({"folder": str(folder), "persons": persons, "seed": seed}, as_json)


@opt_outs_app.command("apply")
def apply_opt_outs(
    file: Path,
    regime: Annotated[str | None, typer.Option(help="The register, where the file has no such column.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="It is everybody who objected: opens what a restore closed.")] = False,
    as_json: Json = False,
) -> None:
    """Enter a list of opt-outs from a CSV; the next question computed leaves these people out."""
    with opened_office(read_settings()) as office, progress("entering opt-outs") as step:
        told = office.deliver_opt_outs(office.host, file, regime, step, whole=whole)
    for batch in told:
        show(batch, as_json)


@opt_outs_app.command("check")
def check_receipt(
    file: Annotated[Path, typer.Argument(metavar="RECEIPT.json")],
    key: Annotated[
        str | None, typer.Option(help="The log's verifier key (vkey) as you were given it, to trust no other.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a receipt of an opt-out, without asking anybody. Exit status 1 when it does not hold."""
    from tre.client import check_receipt as check

    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise Unfit(f"{file} is not JSON; save what GET /v1/opt-outs/{{receipt}} answers") from None
    checked = check(found, key)
    told = {name: found[name] for name in ("state", "regime", "received_at", "effect")} if checked.ok else {}
    show({"ok": checked.ok, "detail": checked.detail} | told, as_json)
    if not checked.ok:
        raise SystemExit(1)


@opt_outs_app.command("cleared")
def deliver_cleared(
    file: Path,
    smaller: Annotated[bool, typer.Option("--smaller", help="It is right that it clears far fewer people.")] = False,
    as_json: Json = False,
) -> None:
    """Replace the check service's list of people without a national opt-out, whole: one NHS number a line. Whoever is not on it
    is left out of the next question computed."""
    with opened_office(read_settings()) as office, progress("reading the list"):
        told = office.deliver_cleared(office.host, file, smaller)
    show(told, as_json)


@opt_outs_app.command("withdraw")
def withdraw_opt_outs(
    file: Path,
    regime: Annotated[str, typer.Option(help="The register it was entered in.")],
    as_json: Json = False,
) -> None:
    """Withdraw objections from a CSV with the header nhs_number; what was erased stays erased."""
    with opened_office(read_settings()) as office, progress("withdrawing opt-outs"):
        told = office.withdraw_opt_outs_file(office.host, file, regime)
    show(told, as_json)
