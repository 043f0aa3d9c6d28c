"""Erasing people from the records, and backups that cannot bring them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tre.commands.terminal import Json, app, opened_office, progress, show
from tre.errors import Unfit
from tre.settings import read_settings

Check = Annotated[Path | None, typer.Option("--check", metavar="FILE", help="Check an erasure certificate, and erase nothing.")]
Key = Annotated[list[str] | None, typer.Option("--key", help="A verifier key (vkey) you were given, to trust no other.")]


@app.command()
def backup(folder: Annotated[Path, typer.Argument(metavar="DIR")], as_json: Json = False) -> None:
    """Copy database, log and live records into a new folder, also while tre serve runs. Keys are not in it: tre keys backup."""
    with opened_office(read_settings(), governed=True) as office, progress("backing up") as step:
        told = office.back_up(office.host, folder, step)
    show(told, as_json)


@app.command()
def restore(folder: Annotated[Path, typer.Argument(metavar="DIR")], as_json: Json = False) -> None:
    """Bring a backup back; stop tre serve before.

    Into the home that made it: its records, without everyone who objected or was erased since; the database stays. Into an empty
    home whose keys were restored (tre keys restore): database and log, with everything closed: deliver every list of opt-outs
    anew, run this command again for the records, then have an admin release each project and two set each privacy budget anew.
    Nothing is refunded."""
    from tre.office.restoring import restore as run

    with progress("restoring") as step:
        told = run(read_settings(), folder, step)
    show(told, as_json)


@app.command()
def erase(
    dataset: Annotated[str | None, typer.Argument()] = None, check: Check = None, key: Key = None, as_json: Json = False
) -> None:
    """Rewrite the records without everyone whose objection means deletion (type 1, local); all datasets, or one.

    Works beside tre serve: it goes on answering, and the files before are unlinked once nobody reads them. With --check: what a
    certificate says, if its signature holds."""
    if check is not None:
        from tre.office.certifying import check as read

        show(read(check, key or []), as_json)
        return
    with opened_office(read_settings(), governed=True) as office:
        live = [name for name in office.policies.datasets if office.live_snapshot(name) is not None]
        if dataset is None and not live:
            raise Unfit("no records are live: there is nothing to erase from")
        for name in live if dataset is None else [dataset]:
            with progress(f"erasing from {name}") as step:
                told = office.erase(office.host, name, step)
            show(told, as_json)
