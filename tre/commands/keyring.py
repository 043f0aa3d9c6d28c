"""Identities and the keys of this home: token, keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tre.commands.terminal import Json, asked, keys_app, opened_office, show, token_app
from tre.settings import read_settings


@token_app.command("new")
def token_new(name: str, role: Annotated[list[str], typer.Option("--role")], as_json: Json = False) -> None:
    """Make an identity with a role on this machine; its token is shown this once."""
    with opened_office(read_settings()) as office:
        told = office.make_identity(office.host, name, tuple(role))
    show(told, as_json)


PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Read the passphrase from a file of mode 0600 instead of asking for it.")
]


def _passphrase(file: Path | None, twice: bool) -> str:
    from tre.keys import read_passphrase

    return read_passphrase(file) if file is not None else asked("Passphrase of the backup", twice)


@keys_app.command("backup")
def keys_backup(
    place: Annotated[Path, typer.Argument(metavar="FILE|DIR")], passphrase_file: PassphraseFile = None, as_json: Json = False
) -> None:
    """Write all keys into one new file that only its passphrase opens. Keep it, and the passphrase, away from this machine."""
    from tre.office.keeping import back_up_keys

    show(back_up_keys(read_settings(), place, _passphrase(passphrase_file, twice=True)), as_json)


@keys_app.command("restore")
def keys_restore(file: Path, passphrase_file: PassphraseFile = None, as_json: Json = False) -> None:
    """Put the keys of a backup into a home that has none; refused where the log names other keys."""
    from tre.office.keeping import restore_keys

    show(restore_keys(read_settings(), file, _passphrase(passphrase_file, twice=False)), as_json)


@keys_app.command("rotate")
def keys_rotate(as_json: Json = False) -> None:
    """Make a new key to sign the log with; the old one names it in the log, signs once more beside it, and is gone.

    Stop tre serve before, make a new backup after, and tell the new verifier key to whoever checks the log.

    The other two keys stay for good. Every pseudonym in the registers of opt-outs and in the records is made with the pseudonym
    key, and every pseudonym in the log with the people key: with others, an objection would match nobody, and the log would
    know the same person by two names. If one of these two leaks, found a new home (another TRE_HOME), load the records and
    deliver all lists of opt-outs anew, make the identities and projects again with what is left of each budget, and keep
    the old log."""
    from tre.office.keeping import rotate_keys

    show(rotate_keys(read_settings()), as_json)
