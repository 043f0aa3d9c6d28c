"""Whether this home is well: doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from tre.commands.terminal import Json, app, line, progress, show
from tre.settings import Settings, read_settings

Calibrate = Annotated[bool, typer.Option("--calibrate", help="First measure how long questions take here, on made-up records.")]
Runs = Annotated[int, typer.Option(min=1, help="Of each class of questions; fewer than 1,000 are measured, and not used.")]


@app.command()
def doctor(calibrate: Calibrate = False, runs: Runs = 1_000, as_json: Json = False) -> None:
    """Look at permissions, keys, sandbox, clock, disk, policy, database, log, ledger, lists of opt-outs, what a restore closed
    and release times; exit status 1 when something is wrong."""
    from tre.office.doctor import examine

    if calibrate:
        _calibrate(read_settings(), runs)
    found = examine(read_settings())
    if as_json:
        show({finding.what: {"ok": finding.ok, "hint": finding.hint, "told": finding.told} for finding in found}, True)
    else:
        for one in found:
            line(f"{'hint' if one.hint else 'ok  ' if one.ok else 'NO  '} {one.what}: {one.told}")
    if not all(finding.ok for finding in found):
        raise SystemExit(1)


def _calibrate(settings: Settings, runs: int) -> None:
    from tre.gateway.calibrating import measure
    from tre.office.doctor import keep_calibration
    from tre.policy import read_policies

    with progress("calibrating") as step:
        keep_calibration(settings, measure(settings, read_policies(settings.policies), runs, step))
