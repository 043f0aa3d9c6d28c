"""An exemption that ends while a question waits or runs: nothing is answered under it. Of two modes at once one is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gatehouse import Clock, Gates, office_of, opened
from tests.serving import POLICIES, copy_home
from tre import audit, budget, optouts
from tre.errors import Reason, Refusal
from tre.gateway import Faulted, Gateway, Refused, Released
from tre.office import Office
from tre.policy import read_policies
from tre.projects import exemptions
from tre.terms import Asking, Person, Request

SQL = "SELECT region, COUNT(*) AS n FROM patients GROUP BY region"
ALL = ("local", "national", "type-1")
FIELDS = {"regimes": ["national", "local"], "legal_basis": "COPI", "approval_reference": "CAG 1", "why": "An outbreak."}
HOW = {"revoked": timedelta(0), "expired": timedelta(days=11)}


class Ward:
    """A gateway over false workers, with a project that is exempted for ten days and one that is not."""

    def __init__(self, gateway: Gateway, clock: Clock, gates: Gates) -> None:
        self.gateway, self.clock, self.gates, self.office = gateway, clock, gates, office_of(gateway.house)
        self.people = {one["name"]: one for one in self.office.identities(self.office.host)}

    def person(self, name: str) -> Person:
        found = self.people[name]
        return Person(name, found["pseudonym"], frozenset(found["roles"]))

    def exempt(self, days: int = 10) -> str:
        last = (self.clock() + timedelta(days=days)).date().isoformat()
        made = self.office.propose_exemption(self.person("controller"), "outbreak", FIELDS | {"expires_on": last})
        self.office.decide(self.person("controller2"), made.approval, True, "Agreed.")
        return str(made.simulation["exemption"])

    def end(self, how: str, exemption: str) -> None:
        if how == "revoked":
            self.office.revoke_exemption(self.person("controller2"), exemption)
        self.clock.set(self.clock() + HOW[how])

    def ask(self, project: str = "outbreak", sql: str = SQL, fresh: bool = False) -> Any:
        request = Request(project, "gp", sql, Asking(share=Fraction(1, 100)), fresh=fresh)
        return self.gateway.ask(self.person("researcher"), request)

    def spent(self, scope: str) -> int:
        with self.gateway.house.state.read() as tx:
            now = budget.balance(tx, scope)
        return now.spent.rho + now.reserved.rho


def _open(furnished: Path, folder: Path) -> Iterator[Ward]:
    home, clock, gates = copy_home(furnished, folder / "home"), Clock(folder / "clock"), Gates()
    clock.set(datetime.now(UTC))
    with opened(home, read_policies(POLICIES), clock, gates) as gateway:
        ward = Ward(gateway, clock, gates)
        _found(ward.office)
        ward.office.deliver_opt_outs(ward.office.host, Path("sample_data/opt_outs.csv").resolve(), None)
        ward.office.deliver_cleared(ward.office.host, Path("sample_data/cleared.txt").resolve())
        yield ward
        gates.set("answer", True)
        gates.set("publish", True)
    clock.close()


def _found(office: Office) -> None:
    fields: dict[str, Any] = {
        "dataset": "gp", "title": "Outbreak", "purpose": "communicable-disease", "legal_basis": "COPI", "lay_summary": "S.",
        "ends_on": date(2099, 1, 1), "members": ("researcher",), "stated": (Decimal(10), Decimal("1e-6")),
    }  # fmt: skip
    office.found_project("outbreak", **fields)


@pytest.fixture
def ward(furnished: Path, tmp_path: Path) -> Iterator[Ward]:
    yield from _open(furnished, tmp_path)


def plans(ward: Ward) -> list[Any]:
    with ward.gateway.house.state.read() as tx:
        return [(entry.body["opt_outs"], entry.body["plan"]) for entry in audit.page(tx, kind="reserved")]


def test_it_is_answered_under_the_exemption_and_the_digest_names_it(ward: Ward) -> None:
    exemption = ward.exempt()
    outcome = ward.ask().coming.result(30)
    assert isinstance(outcome, Released)
    [(regimes, plan)] = plans(ward)
    assert regimes == "type-1"
    parsed = ward.gateway.house.reader.parse(SQL, ward.gateway.house.catalogues["gp"], {}, "outbreak")
    named = optouts.restrict(parsed, "communicable-disease", ("type-1",), (exemption,))
    assert plan == named.digest != optouts.restrict(parsed, "communicable-disease", ("type-1",), ("another",)).digest


@pytest.mark.parametrize("how", HOW)
def test_over_before_it_is_asked_the_opt_outs_apply(how: str, ward: Ward) -> None:
    """Nothing was reserved before: the dataset's mode is that of all opt-outs."""
    ward.end(how, ward.exempt())
    ward.office.deliver_opt_outs(ward.office.host, Path("sample_data/opt_outs.csv").resolve(), None)
    ward.office.deliver_cleared(ward.office.host, Path("sample_data/cleared.txt").resolve())
    assert isinstance(ward.ask().coming.result(30), Released)
    assert plans(ward)[0][0] == ",".join(ALL)


@pytest.mark.parametrize("how", HOW)
def test_over_while_it_waits_it_is_refused_and_costs_nothing(how: str, ward: Ward) -> None:
    exemption = ward.exempt()
    ward.gates.set("answer", False)
    running = [ward.ask(sql=SQL + f" LIMIT {number}") for number in (1, 2)]  # both workers are busy
    while sum(entry is not None for entry in plans(ward)) < 2:
        ward.gates.reached()
    before, waiting = ward.spent("project:outbreak"), ward.ask(fresh=True)
    ward.end(how, exemption)
    ward.gates.set("answer", True)
    outcome = waiting.coming.result(30)
    assert isinstance(outcome, Refused) and outcome.reason in (Reason.APPROVAL_LAPSED, Reason.OPT_OUT_MODE)
    assert ward.spent("project:outbreak") == before
    assert [type(one.coming.result(30)) for one in running] == [Faulted, Faulted], "nor is what ran"


@pytest.mark.parametrize("how", HOW)
def test_over_while_it_runs_the_draw_is_discarded_unseen_and_the_charge_stays(how: str, ward: Ward) -> None:
    exemption = ward.exempt()
    ward.gates.set("answer", False)
    ticket = ward.ask()
    while not ward.gates.reached():
        pass
    ward.end(how, exemption)
    ward.gates.set("answer", True)
    assert isinstance(ticket.coming.result(30), Faulted)
    assert ward.spent("project:outbreak") > 0 and ward.spent("dataset:gp") > 0


@pytest.mark.parametrize("how", HOW)
def test_over_a_repeat_is_refused_too(how: str, ward: Ward) -> None:
    exemption = ward.exempt()
    assert isinstance(ward.ask().coming.result(30), Released)
    assert json.loads(ward.ask().coming.result(30).envelope)["charge"]["repeat"]
    ward.end(how, exemption)
    outcome = ward.ask().coming.result(30)
    assert isinstance(outcome, Refused) and outcome.reason is Reason.OPT_OUT_MODE


def test_a_sealed_release_is_not_published_by_a_start_after_it_ended(ward: Ward, furnished: Path) -> None:
    """What a crash left sealed is published on its reservation only if the exemption it stands on still counts."""
    from tre.gateway import recovering

    exemption = ward.exempt()
    ward.gates.set("answer", False)
    ticket = ward.ask()
    while not ward.gates.reached():
        pass
    house = ward.gateway.house
    with house.state.read() as tx:
        asked_at = audit.page(tx, kind="asked")[-1].at
    ward.end("revoked", exemption)
    with house.state.read() as tx:
        assert exemptions.ended(tx, "outbreak", datetime.fromisoformat(asked_at), house.clock())
    assert recovering.recover(house) == 1
    with house.state.read() as tx:
        assert audit.page(tx, question=ticket.question)[-1].kind == "fault"


def test_the_other_mode_is_refused_before_anything_is_charged(ward: Ward) -> None:
    assert isinstance(ward.ask("demo").coming.result(30), Released)
    ward.exempt()
    for _ in range(2):
        outcome = ward.ask().coming.result(30)
        assert isinstance(outcome, Refused) and outcome.reason is Reason.OPT_OUT_MODE
    assert ward.spent("project:outbreak") == 0
    with pytest.raises(Refusal) as refused:
        ward.gateway.preview(ward.person("researcher"), Request("outbreak", "gp", SQL))
    assert refused.value.reason is Reason.OPT_OUT_MODE, "and told by a preview, for nothing"


def test_of_two_modes_at_once_exactly_one_is_answered(ward: Ward) -> None:
    ward.exempt()
    with ThreadPoolExecutor(8) as pool:
        tickets = list(pool.map(lambda number: ward.ask(("demo", "outbreak")[number % 2], fresh=True), range(8)))
    outcomes = [ticket.coming.result(60) for ticket in tickets]
    modes = [[type(outcome) for outcome in outcomes[first::2]] for first in (0, 1)]
    assert sorted(({Released} == set(mode), {Refused} == set(mode)) for mode in modes) == [(False, True), (True, False)]
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Refused)} == {Reason.OPT_OUT_MODE}
    lost = "project:outbreak" if modes[0][0] is Released else "project:demo"
    assert ward.spent(lost) == 0
