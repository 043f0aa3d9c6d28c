"""Records and opt-outs: serve, load, sample, opt-outs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tre.commands.terminal import Json, app, opened_office, opt_outs_app, progress, show
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
    as_json: Json = False,
) -> None:
    """Enter a list of opt-outs from a CSV; the next question computed leaves these people out."""
    with opened_office(read_settings()) as office, progress("entering opt-outs") as step:
        told = office.deliver_opt_outs(office.host, file, regime, step)
    for batch in told:
        show(batch, as_json)


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
