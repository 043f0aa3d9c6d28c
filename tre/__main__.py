"""The command line: progress on stderr, data on stdout, refusals in one sentence with exit status 1 or 2.

Promises nothing of its own: each command opens the rooms, calls one road and says what came of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from tre.errors import Error, Refusal, Unfit
from tre.settings import Settings, read_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A trusted research environment."
)
opt_outs_app = typer.Typer(no_args_is_help=True, help="Registers of opt-outs.")
audit_app = typer.Typer(no_args_is_help=True, help="The log.")
policy_app = typer.Typer(no_args_is_help=True, help="The policy files.")
token_app = typer.Typer(no_args_is_help=True, help="Identities and their tokens.")
keys_app = typer.Typer(no_args_is_help=True, help="The keys of this home.")
GROUPS = {"opt-outs": opt_outs_app, "audit": audit_app, "policy": policy_app, "token": token_app, "keys": keys_app}
for name, group in GROUPS.items():
    app.add_typer(group, name=name)

Form = Literal["parquet", "csv"]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
out, err = Console(), Console(stderr=True)


def main() -> None:
    """Run the command line; what cannot be done is told in a sentence."""
    try:
        app()
    except Refusal as refusal:
        _stop(f"{refusal} {refusal.suggestion}".strip(), 1)
    except Unfit as unfit:
        _stop(str(unfit), 2)
    except Error:
        _stop("Something failed on our side; the log may tell an auditor more.", 1)
    except OSError as error:
        _stop(f"{error.filename or 'a file'}: {error.strerror or 'it cannot be used'}", 2)
    except Exception as error:  # noqa: BLE001 - the last net: an exception's text may quote what must not leave
        _stop(f"Something failed on our side ({type(error).__name__}); nothing more is said, for it could be of the records.", 1)


def _stop(sentence: str, status: int) -> NoReturn:
    """Say it on one line, however narrow the terminal: a script looks for the sentence whole."""
    err.print(sentence, style="bold red", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
    else:
        for name, value in found.items():
            _line(f"{name}: {value}")


def _line(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress(title: str) -> Iterator[Any]:
    """A progress bar on stderr where someone looks; silence where nobody does."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)

        def step(what: str, fraction: float) -> None:
            bar.update(task, completed=fraction, description=f"{title}: {what}")

        yield step


def _office(settings: Settings, governed: bool = False) -> AbstractContextManager[Any]:
    """The office over this home, as whoever is at this machine; ``governed`` for what is done under the policy."""
    from tre.office import Office

    return Office.open(settings, governed=governed)


def _database(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:///"):
        raise Unfit("TRE_DATABASE is not a SQLite file; export the log and verify the folder")
    return Path(settings.database_url.removeprefix("sqlite:///"))


@app.command()
def serve() -> None:
    """Serve on TRE_HOST:TRE_PORT. One at a time for a home."""
    from tre.web.serving import serve as run

    run(read_settings())


@app.command()
def load(dataset: str, source: Path, as_json: Json = False) -> None:
    """Load records from a folder of <table>.csv or <table>.parquet; live when it returns."""
    with _office(read_settings(), governed=True) as office, _progress(f"loading {dataset}") as step:
        told = office.load(office.host, dataset, source, step)
    _show(told, as_json)


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

    with _progress("making records") as step:
        generate(folder, persons=persons, seed=seed, form=form, progress=step)
    _show({"folder": str(folder), "persons": persons, "seed": seed}, as_json)


@opt_outs_app.command("apply")
def apply_opt_outs(
    file: Path,
    regime: Annotated[str | None, typer.Option(help="The register, where the file has no such column.")] = None,
    as_json: Json = False,
) -> None:
    """Enter a list of opt-outs from a CSV; the next question computed leaves these people out."""
    with _office(read_settings()) as office, _progress("entering opt-outs") as step:
        told = office.deliver_opt_outs(office.host, file, regime, step)
    for batch in told:
        _show(batch, as_json)


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
        verdict = verify_database(_database(read_settings()), key or (), notes)
    _show({name: getattr(verdict, name) for name in ("ok", "size", "root", "first_bad", "detail")}, as_json)
    if not verdict.ok:
        raise SystemExit(1)


@audit_app.command("export")
def audit_export(folder: Annotated[Path, typer.Argument(metavar="DIR")], as_json: Json = False) -> None:
    """Write the log as C2SP static tiles with a signed checkpoint, for others to check."""
    with _office(read_settings()) as office:
        told = office.export_log(office.host, folder)
    _show(told, as_json)


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """Read every policy file; say what is wrong, with file, line and mend. In a home: what they change, and what that needs."""
    from tre.office.doctor import check_policy

    told = check_policy(read_settings())
    if not as_json:
        _line(told.pop("policies"))
        for one in told.pop("differences", ()):
            _line(f"{one['effect']}: {one['file']}: {one['field'] or 'the whole file'}: {one['old']} → {one['new']}")
    _show(told, as_json)


@policy_app.command("approve")
def policy_approve(digest: str, as_json: Json = False) -> None:
    """Approve, as a controller, the looser policy on disk that has this digest; in force at the next start once two have.

    Who approves is told by TRE_TOKEN, or asked for. Nothing is refunded: what was released and spent under the policy before
    stays, and an answer that was given under it is not given again under the new one."""
    settings = read_settings()
    token = settings.token.get_secret_value() or _asked("Token of a controller")
    with _office(settings) as office:
        _show(office.approve_policy(token, digest), as_json)


def _asked(what: str, twice: bool = False) -> str:
    """A secret, typed without being shown; `Unfit` where nobody is there to type."""
    if not sys.stdin.isatty():
        raise Unfit(f"{what} cannot be asked for here: there is no terminal")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))


@policy_app.command("explain")
def policy_explain(as_json: Json = False) -> None:
    """What the policy in force says, resolved."""
    from tre.office.catalogue import dictionary
    from tre.policy import read_policies

    policies = read_policies(read_settings().policies)
    for policy in policies.datasets.values():
        told = dictionary(policy, policy.digest)
        if as_json:
            _show(told, True)
            continue
        table = Table("table", "column", "type", "key", "values", title=f"{policy.title} ({policy.dataset})")
        for found in told["tables"]:
            for column in found["columns"]:
                table.add_row(found["table"], column["name"], column["type"], column["keys"] or "", column["told_values"])
        out.print(table)
        _show({name: told[name] for name in ("policy", "lifetime_cap", "disclosure", "accounting", "opt_outs")}, False)


@token_app.command("new")
def token_new(name: str, role: Annotated[list[str], typer.Option("--role")], as_json: Json = False) -> None:
    """Make an identity with a role on this machine; its token is shown this once."""
    with _office(read_settings()) as office:
        told = office.make_identity(office.host, name, tuple(role))
    _show(told, as_json)


PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Read the passphrase from a file of mode 0600 instead of asking for it.")
]


def _passphrase(file: Path | None, twice: bool) -> str:
    from tre.keys import read_passphrase

    return read_passphrase(file) if file is not None else _asked("Passphrase of the backup", twice)


@keys_app.command("backup")
def keys_backup(
    place: Annotated[Path, typer.Argument(metavar="FILE|DIR")], passphrase_file: PassphraseFile = None, as_json: Json = False
) -> None:
    """Write all keys into one new file that only its passphrase opens. Keep it, and the passphrase, away from this machine."""
    from tre.office.keeping import back_up_keys

    _show(back_up_keys(read_settings(), place, _passphrase(passphrase_file, twice=True)), as_json)


@keys_app.command("restore")
def keys_restore(file: Path, passphrase_file: PassphraseFile = None, as_json: Json = False) -> None:
    """Put the keys of a backup into a home that has none; refused where the log names other keys."""
    from tre.office.keeping import restore_keys

    _show(restore_keys(read_settings(), file, _passphrase(passphrase_file, twice=False)), as_json)


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

    _show(rotate_keys(read_settings()), as_json)


Calibrate = Annotated[bool, typer.Option("--calibrate", help="First measure how long questions take here, on made-up records.")]
Runs = Annotated[int, typer.Option(min=1, help="Of each class of questions; fewer than 1,000 are measured, and not used.")]


@app.command()
def doctor(calibrate: Calibrate = False, runs: Runs = 1_000, as_json: Json = False) -> None:
    """Look at permissions, keys, sandbox, clock, disk, policy, database, log, ledger and release times; exit status 1 when
    something is wrong."""
    from tre.office.doctor import examine

    if calibrate:
        _calibrate(read_settings(), runs)
    found = examine(read_settings())
    if as_json:
        _show({finding.what: {"ok": finding.ok, "hint": finding.hint, "told": finding.told} for finding in found}, True)
    else:
        for one in found:
            _line(f"{'hint' if one.hint else 'ok  ' if one.ok else 'NO  '} {one.what}: {one.told}")
    if not all(finding.ok for finding in found):
        raise SystemExit(1)


def _calibrate(settings: Settings, runs: int) -> None:
    from tre.gateway.calibrating import measure
    from tre.office.doctor import keep_calibration
    from tre.policy import read_policies

    with _progress("calibrating") as step:
        keep_calibration(settings, measure(settings, read_policies(settings.policies), runs, step))


Share = Annotated[float | None, typer.Option(help="Charge: a fraction of the project's stated budget.")]
Margin = Annotated[int | None, typer.Option(help="Accuracy: 95 % within plus or minus this.")]
Project = Annotated[str, typer.Option(envvar="TRE_PROJECT")]
Dataset = Annotated[str, typer.Option(envvar="TRE_DATASET")]


@contextmanager
def _client() -> Iterator[Any]:
    """The client of TRE_ADDRESS and TRE_TOKEN; a problem is told in its own words."""
    import httpx

    from tre.client import Client, ProblemError

    try:
        with Client.from_env() as client:
            yield client
    except ProblemError as problem:
        _stop(str(problem), 1)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _stop(f"the server did not answer ({type(error).__name__}); set TRE_ADDRESS and TRE_TOKEN", 2)


def _accuracy(share: float | None, margin: int | None) -> dict[str, Any]:
    return {name: given for name, given in (("share", share), ("margin", margin)) if given is not None}


@app.command()
def ask(
    sql: str,
    project: Project = "demo",
    dataset: Dataset = "gp",
    share: Share = None,
    margin: Margin = None,
    as_json: Json = False,
) -> None:
    """Ask one question and wait for its release."""
    with _client() as client:
        release = client.ask(sql, project=project, dataset=dataset, **_accuracy(share, margin))
    if as_json:
        _show(release.envelope, True)
        return
    table = Table()
    for column in release.columns:
        table.add_column(column["name"], justify="left" if column["role"] == "key" else "right")
    for row in release.table[1:]:
        table.add_row(*row)
    out.print(table)
    _show({"charge": release.envelope["charge"], "remaining": release.envelope["remaining"]}, False)


@app.command()
def preview(
    sql: str,
    project: Project = "demo",
    dataset: Dataset = "gp",
    share: Share = None,
    margin: Margin = None,
    as_json: Json = False,
) -> None:
    """What a question would cost and how accurate it would be; free."""
    with _client() as client:
        _show(client.preview(sql, project=project, dataset=dataset, **_accuracy(share, margin)), as_json)


@app.command()
def budget(project: Project = "demo", as_json: Json = False) -> None:
    """A project's budget: stated, spent, reserved, remaining."""
    with _client() as client:
        _show(client.project(project)["budget"], as_json)


if __name__ == "__main__":
    main()
