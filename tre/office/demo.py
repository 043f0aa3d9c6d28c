"""Under TRE_DEMO: the demo identities, the project `demo`, sample records and fresh lists of opt-outs, each made once.

Promises to make nothing twice and to write the tokens where their owner alone reads them. Off elsewhere.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tre.office.office import Office
from tre.projects import OutsideApproval
from tre.sample import generate

QUESTION = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"
PERSONS, SEED = 100_000, 2026
ROLES = {
    "researcher": "researcher",
    "researcher2": "researcher",
    "admin": "admin",
    "admin2": "admin",
    "auditor": "auditor",
    "controller": "controller",
    "controller2": "controller",
    "checker": "checker",
}
EPSILON, DELTA = Decimal(20), Decimal("1e-6")
LIST_DAYS = timedelta(days=1)


def open_demo(office: Office, home: Path) -> None:
    """Bring the demo about, or find it as it was left."""
    if not (home / "demo.json").exists():
        make_identities(office, home)
    if office.live_snapshot("gp") is None:
        _records(office, home)
    if office.age_of_opt_outs() > LIST_DAYS:
        if not (home / "sample" / "cleared.txt").exists():  # a home that an older version made
            generate(home / "sample", persons=PERSONS, seed=SEED, form="parquet")
            _keep_lists(home / "sample")
        _deliver(office, home / "sample")


def make_identities(office: Office, home: Path) -> None:
    """Written whole or not at all: a crash before the rename makes new tokens at the next start."""
    tokens = {name: office.renew_identity(name, (role,)) for name, role in ROLES.items()}
    office.found_project(
        "demo",
        dataset="gp",
        title="Demonstration",
        purpose="research",
        legal_basis="None needed: the records are synthetic",
        lay_summary="Lets a newcomer ask questions of made-up records.",
        organisation="Sample Data Controller",
        benefit="Whoever tries it sees what a question tells and what it does not.",
        ends_on=date(2099, 12, 31),
        members=("researcher", "researcher2"),
        stated=(EPSILON, DELTA),
        approvals=(OutsideApproval("ethics", "Demonstration: none needed", datetime(2100, 1, 1, tzinfo=UTC)),),
    )
    half = home / "demo.json.part"
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(tokens, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    half.rename(home / "demo.json")


def _records(office: Office, home: Path) -> None:
    """Make the sample, load it, keep of the source only the lists of opt-outs."""
    source = home / "sample"
    sys.stderr.write(f"first start: making and loading {PERSONS:,} synthetic persons\n")
    generate(source, persons=PERSONS, seed=SEED, form="parquet")
    _deliver(office, source)
    office.load(office.host, "gp", source)
    _keep_lists(source)


def _deliver(office: Office, source: Path) -> None:
    """A fresh list of opt-outs, and the check service's of those without."""
    office.deliver_opt_outs(office.host, source / "opt_outs.csv", None)
    office.deliver_cleared(office.host, source / "cleared.txt")


def _keep_lists(source: Path) -> None:
    for path in source.iterdir():
        if path.name not in ("opt_outs.csv", "cleared.txt"):
            path.unlink()
