"""Questions over HTTP, as a researcher asks them: ask, preview, budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.table import Table

from tre.commands.terminal import Json, app, out, show, stop

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
        stop(str(problem), 1)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        stop(f"the server did not answer ({type(error).__name__}); set TRE_ADDRESS and TRE_TOKEN", 2)


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
        show(release.envelope, True)
        return
    table = Table()
    for column in release.columns:
        table.add_column(column["name"], justify="left" if column["role"] == "key" else "right")
    for row in release.table[1:]:
        table.add_row(*row)
    out.print(table)
    show({"charge": release.envelope["charge"], "remaining": release.envelope["remaining"]}, False)


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
        show(client.preview(sql, project=project, dataset=dataset, **_accuracy(share, margin)), as_json)


@app.command()
def budget(project: Project = "demo", as_json: Json = False) -> None:
    """A project's budget: stated, spent, reserved, remaining."""
    with _client() as client:
        show(client.project(project)["budget"], as_json)
