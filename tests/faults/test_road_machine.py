"""Any sequence, many of them, and the one that has one of each in it; and roads that are wrong, which are found out by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.driving import Gatehouse
from tests.faults.gatehouse import house_of, office_of
from tests.faults.road import DELTA, PEOPLE, Road
from tests.faults.wrong_roads import MUTANTS
from tests.serving import POLICIES, copy_home
from tre import projects
from tre.office import Office
from tre.policy import read_policies


@pytest.fixture(scope="module")
def gatehouse() -> Iterator[Gatehouse]:
    found = Gatehouse()
    yield found
    found.end()


@pytest.fixture(scope="module")
def template(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects, one of each kind, each on two approvals, and a researcher with a ceiling of their own in both."""
    home = copy_home(furnished, tmp_path_factory.mktemp("template") / "home")
    house = house_of(home, read_policies(POLICIES), lambda: datetime.now(UTC))
    office = office_of(house)
    far = datetime.now(UTC) + timedelta(days=300)
    on = (projects.OutsideApproval("board", "B-7", far), projects.OutsideApproval("ethics", "REC 26/LO/0123", far))
    office.found_project(
        "pure",
        dataset="gp",
        title="Pure",
        purpose="research",
        legal_basis="none needed",
        lay_summary="A pure budget.",
        ends_on=far.date(),
        members=PEOPLE,
        stated=(Decimal(2), Decimal(0)),
        approvals=on,
    )
    house.state.write(lambda tx: projects.change(tx, "demo", approvals=on))
    _open_own_ceilings(office)
    house.state.close()
    return home


def _open_own_ceilings(office: Office) -> None:
    for project, delta in (("demo", DELTA), ("pure", Decimal(0))):
        members = [
            {"name": "researcher", "epsilon": Decimal(1), "delta": delta},
            {"name": "researcher2", "epsilon": None, "delta": None},
        ]
        office.set_members(office.host, project, members, None)


def run(template: Path, gatehouse: Gatehouse, examples: int, steps: int) -> None:
    policies = read_policies(POLICIES)
    # Nothing is made smaller: the two processes would not meet in the same way again.
    size = settings(max_examples=examples, stateful_step_count=steps, phases=[Phase.generate], report_multiple_bugs=False)
    run_state_machine_as_test(lambda: Road(template, gatehouse, policies), settings=size)  # type: ignore[no-untyped-call]


def asked(project: str, share: str = "0.02", fresh: bool = True) -> dict[str, Any]:
    sql = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"
    return {"project": project, "person": "researcher2", "sql": sql, "share": share, "fresh": fresh, "again": False}


def told_in_order(road: Road) -> None:
    """One of each that a sequence is made of, each where it does most."""

    def ask(*burst: dict[str, Any], shut: str | None = None, failing: int = 0, fate: str = "come_to_rest") -> None:
        road._ask(list(burst), shut, failing, None, fate)
        road.log.advance()

    road.start()
    ask(asked("demo"), asked("pure"))
    ask(asked("demo", fresh=False))
    ask(asked("demo"), shut="publish", fate="stay")
    road._act(("opt_out", "local"))
    road.come_to_rest()
    ask(*[asked("demo")] * 4, shut="answer", fate="stay")
    road._act(("end", "demo", -1))
    road.come_to_rest()
    road._act(("end", "demo", 1_000_000))
    ask(asked("demo"), shut="publish", fate="kill")
    ask(asked("demo"), shut="answer", fate="kill")
    ask(asked("demo"), asked("demo"), shut="publish", fate="cancel")
    road.come_to_rest()
    ask(asked("pure"), shut="answer", fate="stay")
    road._act(("budget", "pure", 20, DELTA))
    road.come_to_rest()
    road._act(("budget", "pure", 20, Decimal(0)))
    ask(*[asked("pure")] * 3, failing=3)
    ask(asked("pure"))
    road._act(("release_hold", "pure"))
    road._act(("own_ceiling", 4))
    road._act(("budget", "demo", 2, DELTA))
    ask(asked("demo", share="0.9"))
    road._act(("dataset_budget", 8))
    ask(asked("demo"), asked("pure"), fate="close_and_start")
    road.send_everything_again()


# What a run has to have brought about to have been of any use.
OFTEN = {"released", "repeated", "fault", "refused: budget-exhausted", "project-changed", "budget", "members", "opt-outs"}
SELDOM = {
    "cancelled", "refused: approval-lapsed", "refused: project-held", "pure became concentrated", "published after a stop",
}  # fmt: skip


@pytest.fixture
def road(template: Path, gatehouse: Gatehouse) -> Iterator[Road]:
    gatehouse.seen.clear()
    yield Road(template, gatehouse, read_policies(POLICIES))
    gatehouse.mutant = None


def test_one_of_each(road: Road) -> None:
    try:
        told_in_order(road)
    finally:
        road.teardown()
    assert (OFTEN | SELDOM) - set(+road.gatehouse.seen) == set()


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_road_is_found_out(mutant: str, road: Road) -> None:
    road.gatehouse.mutant = mutant
    try:
        told_in_order(road)
    except AssertionError:
        return
    finally:
        road.log.sound = False
        road.teardown()
    pytest.fail(f"this lives: {mutant}")


def test_any_sequence(template: Path, gatehouse: Gatehouse) -> None:
    gatehouse.seen.clear()
    run(template, gatehouse, examples=8, steps=30)
    assert OFTEN - set(+gatehouse.seen) == set()


@pytest.mark.audit
def test_any_long_sequence(template: Path, gatehouse: Gatehouse) -> None:
    gatehouse.seen.clear()
    run(template, gatehouse, examples=120, steps=50)
    assert (OFTEN | SELDOM) - set(+gatehouse.seen) == set()
