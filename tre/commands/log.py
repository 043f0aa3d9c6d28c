"""The log: verify and export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tre.commands.terminal import Json, audit_app, opened_office, show
from tre.errors import Unfit
from tre.settings import Settings, read_settings


def database(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:///"):
        raise Unfit("TRE_DATABASE is not a SQLite file; export the log and verify the folder")
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _note(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise Unfit(f"{path} is not a checkpoint") from None


@audit_app.command("verify")
def audit_verify(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]")] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="A verifier key (vkey) you were given, to trust no other.")
    ] = None,
    known: Annotated[
        list[Path] | None, typer.Option("--known", help="A checkpoint you kept: the log must begin with it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the log: an exported folder, or this home's database. Exit status 1 when it does not hold."""
    from tre.audit.verify import verify_database, verify_folder

    notes = [_note(path) for path in known or []]
    if folder is not None:
        verdict = verify_folder(folder, key or (), notes)
    else:
        verdict = verify_database(database(read_settings()), key or (), notes)
    show({name: getattr(verdict, name) for name in ("ok", "size", "root", "first_bad", "detail")}, as_json)
    if not verdict.ok:
        raise SystemExit(1)


@audit_app.command("export")
def audit_export(folder: Annotated[Path, typer.Argument(metavar="DIR")], as_json: Json = False) -> None:
    """Write the log as C2SP static tiles with a signed checkpoint, for others to check."""
    with opened_office(read_settings()) as office:
        told = office.export_log(office.host, folder)
    show(told, as_json)
