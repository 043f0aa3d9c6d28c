"""What every command shares: the groups, what is printed where, progress, and the office of this home.

Data goes to stdout, progress and refusals to stderr. A refusal is one sentence and an exit status of 1 or 2.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from tre.errors import Unfit
from tre.settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A trusted research environment."
)
opt_outs_app = typer.Typer(no_args_is_help=True, help="Registers of opt-outs.")
audit_app = typer.Typer(no_args_is_help=True, help="The log.")
policy_app = typer.Typer(no_args_is_help=True, help="The policy files.")
token_app = typer.Typer(no_args_is_help=True, help="Identities and their tokens.")
register_app = typer.Typer(no_args_is_help=True, help="The register of who uses the records, and what for.")
keys_app = typer.Typer(no_args_is_help=True, help="The keys of this home.")
GROUPS = {
    "opt-outs": opt_outs_app,
    "audit": audit_app,
    "policy": policy_app,
    "token": token_app,
    "keys": keys_app,
    "register": register_app,
}
for name, group in GROUPS.items():
    app.add_typer(group, name=name)

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
out, err = Console(), Console(stderr=True)


def stop(sentence: str, status: int) -> NoReturn:
    """Say it on one line, however narrow the terminal: a script looks for the sentence whole."""
    err.print(sentence, style="bold red", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def show(found: Any, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
    else:
        for name, value in found.items():
            line(f"{name}: {value}")


def line(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[Any]:
    """A progress bar on stderr where someone looks; silence where nobody does."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)

        def step(what: str, fraction: float) -> None:
            bar.update(task, completed=fraction, description=f"{title}: {what}")

        yield step


def opened_office(settings: Settings, governed: bool = False) -> AbstractContextManager[Any]:
    """The office over this home, as whoever is at this machine; ``governed`` for what is done under the policy."""
    from tre.office import Office

    return Office.open(settings, governed=governed)


def asked(what: str, twice: bool = False) -> str:
    """A secret, typed without being shown; `Unfit` where nobody is there to type."""
    if not sys.stdin.isatty():
        raise Unfit(f"{what} cannot be asked for here: there is no terminal")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
