"""An approval lapses while questions wait and run: nothing is taken from that second on, and what was taken before is answered.
The road and the rooms are real, and their clock is ours; the vault is false, for what it would say does not matter here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.gatehouse import Gates, office_of, opened
from tests.serving import POLICIES, copy_home
from tre import budget, projects
from tre.gateway import Gateway, Refused, Released
from tre.policy import Policies, read_policies
from tre.projects import OutsideApproval
from tre.terms import Asking, Person, Request

SECOND = timedelta(seconds=1)
YEARS = timedelta(days=900)


class Place:
    """One home at one moment, with a project that stands on two approvals and ends on a day."""

    def __init__(self, home: Path, policies: Policies) -> None:
        self.home, self.policies, self.gates = home, policies, Gates()
        self.now = datetime.now(UTC)

    @contextmanager
    def open(self) -> Iterator[Gateway]:
        with opened(self.home, self.policies, lambda: self.now, self.gates) as gateway:
            yield gateway

    def stand(self, gateway: Gateway, ethics: datetime, board: datetime, ends: datetime) -> None:
        on = (OutsideApproval("board", "B-7", board), OutsideApproval("ethics", "REC 26/LO/0123", ethics))
        gateway.house.state.write(lambda tx: projects.change(tx, "demo", approvals=on, ends_on=(ends - SECOND).date()))

    def ask(self, gateway: Gateway, year: int = 1950, fresh: bool = True) -> object:
        person = Person("researcher", gateway.house.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
        sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE year_of_birth = {year} GROUP BY sex"
        return gateway.ask(person, Request("demo", "gp", sql, Asking(), fresh=fresh)).coming


@pytest.fixture
def place(furnished: Path, tmp_path: Path) -> Place:
    return Place(copy_home(furnished, tmp_path / "home"), read_policies(POLICIES))


def outcome(coming: object) -> object:
    return coming.result(30)  # type: ignore[attr-defined]


def until_running(gateway: Gateway, questions: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with gateway.house.state.read() as tx:
            if len(budget.open_reservations(tx)) == questions:
                return
        time.sleep(0.005)
    raise AssertionError("they were not reserved")


WHICH = ("ethics", "board", "ends")


def standing(place: Place, gateway: Gateway, which: str) -> datetime:
    """All but one of the three ends are far away; when that one comes."""
    far, soon = place.now + YEARS, place.now + timedelta(hours=1)
    midnight = datetime(place.now.year, place.now.month, place.now.day, tzinfo=UTC) + timedelta(days=2)
    place.stand(gateway, **dict.fromkeys(WHICH, far) | {which: midnight if which == "ends" else soon})
    return midnight if which == "ends" else soon


@pytest.mark.parametrize("which", WHICH)
def test_a_second_before_it_is_answered_and_a_second_after_it_is_not(which: str, place: Place) -> None:
    with place.open() as gateway:
        end = standing(place, gateway, which)
        place.now = end - SECOND
        assert isinstance(outcome(place.ask(gateway)), Released)
        place.now = end + SECOND
        for fresh in (True, False):  # not even a repeat
            refused = outcome(place.ask(gateway, fresh=fresh))
            assert isinstance(refused, Refused) and refused.reason == "approval-lapsed"
            named = {"ethics": "ethics (REC 26/LO/0123)", "board": "board (B-7)", "ends": "ended on"}
            assert [name for name, words in named.items() if words in refused.detail] == [which]


@pytest.mark.parametrize("which", WHICH)
def test_what_waits_in_the_queue_is_refused_and_what_runs_is_published(which: str, place: Place) -> None:
    with place.open() as gateway:
        end = standing(place, gateway, which)
        place.now = end - SECOND
        place.gates.set("answer", False)
        running = [place.ask(gateway, year) for year in (1950, 1951)]
        until_running(gateway, 2)
        waiting = place.ask(gateway, 1952)
        place.now = end + SECOND
        place.gates.set("answer", True)
        assert all(isinstance(outcome(one), Released) for one in running), "taken before it lapsed"
        refused = outcome(waiting)
        assert isinstance(refused, Refused) and refused.reason == "approval-lapsed"


def test_a_later_end_lets_it_ask_again_and_an_earlier_one_does_not(place: Place) -> None:
    with place.open() as gateway:
        office = office_of(gateway.house)
        with gateway.house.state.read() as tx:
            admins = {one.name: one.person for one in projects.identities(tx)}
        end = standing(place, gateway, "ethics")
        board = {"kind": "board", "reference": "B-7", "expires_at": place.now + YEARS}
        place.now = end + SECOND
        later = [board, {"kind": "ethics", "reference": "REC 26/LO/0123", "expires_at": end + YEARS}]
        waits = office.change_project(admins["admin"], "demo", {"approvals": later}, None)
        assert isinstance(outcome(place.ask(gateway)), Refused)
        office.decide(admins["admin2"], waits.approval, True, "renewed by the committee")  # type: ignore[union-attr]
        assert isinstance(outcome(place.ask(gateway)), Released)
        office.change_project(admins["admin"], "demo", {"approvals": [board | {"expires_at": place.now}, later[1]]}, None)
        refused = outcome(place.ask(gateway))
        assert isinstance(refused, Refused) and "board (B-7)" in refused.detail and "ethics" not in refused.detail
