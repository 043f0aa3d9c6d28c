"""Two datasets about the same people, through the whole road: what either was answered under is what both are answered under."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gatehouse import Clock, Gates, opened
from tests.faults.test_exemptions_ending import ALL, SQL, Ward
from tests.serving import POLICIES, copy_home
from tre import optouts
from tre.errors import Reason, Refusal
from tre.gateway import Refused, Released
from tre.policy import Policies, read_policies
from tre.terms import Asking, Request

SAMPLE = Path("sample_data").resolve()


def with_a_copy(population: str | None) -> Policies:
    """The policies that ship, and the same people again as `copy`."""
    policies = read_policies(POLICIES)
    copy = policies.datasets["gp"].model_copy(update={"dataset": "copy", "population": population})
    return replace(policies, datasets={**policies.datasets, "copy": copy})


@contextmanager
def two_datasets(furnished: Path, folder: Path, population: str | None) -> Iterator[Ward]:
    """The records twice; `demo` asks of gp, `outbreak`, which is exempted from two opt-outs, of the copy."""
    home, clock, gates = copy_home(furnished, folder / "home"), Clock(folder / "clock"), Gates()
    clock.set(datetime.now(UTC))
    with opened(home, with_a_copy(population), clock, gates) as gateway:
        ward = Ward(gateway, clock, gates)
        office, host = ward.office, ward.office.host
        office.found_project(
            "outbreak",
            dataset="copy",
            title="Outbreak",
            purpose="communicable-disease",
            legal_basis="COPI",
            lay_summary="S.",
            ends_on=date(2099, 1, 1),
            members=("researcher",),
            stated=(Decimal(10), Decimal("1e-6")),
        )
        office.load(host, "copy", SAMPLE)
        office.deliver_opt_outs(host, SAMPLE / "opt_outs.csv", None)
        office.deliver_cleared(host, SAMPLE / "cleared.txt")
        yield ward
    clock.close()


def ask(ward: Ward, project: str, dataset: str) -> Any:
    request = Request(project, dataset, SQL, Asking(share=Fraction(1, 100)), fresh=True)
    return ward.gateway.ask(ward.person("researcher"), request).coming.result(60)


@pytest.mark.parametrize("first", ["gp", "copy"])
def test_the_first_answer_in_either_decides_for_both(first: str, furnished: Path, tmp_path: Path) -> None:
    with two_datasets(furnished, tmp_path, "gp") as ward:
        ward.exempt()
        asked = [("demo", "gp"), ("outbreak", "copy")]
        answered, refused = asked if first == "gp" else asked[::-1]
        assert isinstance(ask(ward, *answered), Released)
        before = ward.spent(f"project:{refused[0]}")
        outcome = ask(ward, *refused)
        assert isinstance(outcome, Refused) and outcome.reason is Reason.OPT_OUT_MODE
        with pytest.raises(Refusal) as told:
            ward.gateway.preview(ward.person("researcher"), Request(*refused, SQL))
        assert told.value.reason is Reason.OPT_OUT_MODE, "and told by a preview, for nothing"
        assert ward.spent(f"project:{refused[0]}") == before
        assert isinstance(ask(ward, *answered), Released)
        with ward.gateway.house.state.read() as tx:
            modes = {optouts.mode(tx, ward.gateway.house.policies.same_people(name)) for name in ("gp", "copy")}
        assert modes == {ALL if first == "gp" else ("type-1",)}


def test_of_other_people_each_is_answered_under_its_own(furnished: Path, tmp_path: Path) -> None:
    """What the copy would be for whoever does not say whose records it holds."""
    with two_datasets(furnished, tmp_path, None) as ward:
        ward.exempt()
        assert isinstance(ask(ward, "demo", "gp"), Released) and isinstance(ask(ward, "outbreak", "copy"), Released)
        ward.gateway.house = replace(ward.gateway.house, policies=with_a_copy("gp"))
        assert ward.gateway.ready()["datasets"] == {"gp": "opt-out-mode", "copy": "opt-out-mode"}
