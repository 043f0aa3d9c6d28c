"""What the tests of erasing share: people of the sample, and what is seen of a home."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from tests.serving import SAMPLE
from tre import audit, store
from tre.office import Office
from tre.persons import pseudonym, valid_nhs_number
from tre.terms import Snapshot


def present() -> list[str]:
    """NHS numbers of the sample's people who have not objected."""
    with (SAMPLE / "opt_outs.csv").open() as file:
        objected = {row["nhs_number"] for row in csv.DictReader(file)}
    with (SAMPLE / "patients.csv").open() as file:
        people = {row["nhs_number"]: None for row in csv.DictReader(file) if valid_nhs_number(row["nhs_number"])}
    return [number for number in people if number not in objected]


PEOPLE = present()


def live(office: Office) -> Snapshot:
    found = office.live_snapshot("gp")
    assert found is not None
    return found


def object_to(office: Office, regime: str, *numbers: str) -> None:
    office.receive_opt_outs(office.host, regime, list(numbers))


def kinds(office: Office) -> list[str]:
    with office.state.read() as tx:
        return [one.kind for one in audit.page(tx, limit=1_000)]


def persons(office: Office, numbers: list[str], spill: Path) -> int:
    return store.rows_of(live(office), [pseudonym(office.keys.pseudonym, number) for number in numbers], spill)


def folders(home: Path) -> set[str]:
    return {path.name for path in (home / "store/gp").iterdir() if not path.name.startswith(".")}


def until(seconds: float, holds: Any) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
