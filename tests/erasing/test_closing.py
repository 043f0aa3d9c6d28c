"""What was spent since a backup is not known to an empty home that it is restored into: no budget takes a charge there until two
people have set it anew, whatever its project was; and the doctor names whatever is closed, with its mend."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.erasing.test_backing import back_up, deliver_all, empty, settings
from tests.serving import REGIONS, SAMPLE, Served, office_of
from tre import audit, budget, optouts, projects, store
from tre.budget import Stated
from tre.errors import Reason, Refusal
from tre.office import Office
from tre.office.act import Proposed
from tre.office.doctor import Finding, examine
from tre.office.restoring import restore
from tre.policy import REGIMES
from tre.state import State, Transaction
from tre.terms import Person

__all__ = ["empty"]  # a fixture
CAP, DELTA = Decimal(50), Decimal("1e-6")
SCOPES = ["dataset:gp", "project:demo", "project:idle", "researcher:demo/researcher"]
IDLE = {
    "id": "idle",
    "title": "Idle",
    "dataset": "gp",
    "purpose": "research",
    "legal_basis": "article 6(1)(e)",
    "lay_summary": "Nothing yet.",
    "ends_on": (datetime.now(UTC) + timedelta(days=90)).date(),
}


def who(office: Office, name: str) -> Person:
    with office.state.read() as tx:
        return next(one.person for one in projects.identities(tx) if one.name == name)


def found(home: Path) -> dict[str, Finding]:
    return {one.what: one for one in examine(settings(home))}


@pytest.fixture
def restored(home: Path, empty: Path, tmp_path: Path) -> Iterator[Path]:
    """With a project that never asked, a ceiling of somebody's own, and a proposal that waited."""
    with office_of(home) as office:
        admin = who(office, "admin")
        office.make_project(admin, IDLE)

        def own(tx: Transaction) -> None:
            budget.open_account(tx, "researcher:demo/researcher", Stated(Decimal(5), DELTA))
            budget.raise_to(tx, "project:idle", Stated(Decimal(3), DELTA))

        office.state.write(own)
        assert isinstance(office.set_project_budget(admin, "demo", Decimal(40), DELTA, None, None), Proposed)
    back_up(home, tmp_path / "backup")
    restore(settings(empty), tmp_path / "backup")
    with office_of(empty) as office:
        deliver_all(office)
    restore(settings(empty), tmp_path / "backup")
    shutil.copy(home / "demo.json", empty)
    yield empty


def set_anew(served: Served, path: str, body: Any) -> None:
    """By an admin, and approved by another: one alone opens nothing."""
    with served.http("admin") as one, served.http("admin2") as other:
        proposed = one.put(path, json=body)
        assert proposed.status_code == 202, proposed.text
        assert other.post(proposed.json()["address"], json={"approve": True, "why": "counted"}).status_code == 200


def test_nothing_is_answered_until_every_budget_above_it_was_set_anew(restored: Path) -> None:
    asked = {"project": "demo", "dataset": "gp", "sql": REGIONS, "share": 0.01, "fresh": True}
    numbers = {"epsilon": 20, "delta": 1e-6}
    members = [{"name": "researcher", "epsilon": 5, "delta": 1e-6}, {"name": "researcher2"}]
    with Served(restored) as served, served.http() as http, served.http("admin") as admin:
        assert http.post("/v1/queries", json=asked).json()["reason"] == "project-held"
        assert admin.post("/v1/holds/demo", json={"release": True, "why": "looked"}).status_code == 200
        closed = {
            "the project's": ("/v1/projects/demo/budget", numbers),
            "your own": ("/v1/projects/demo/members", members),
            "the dataset's": ("/v1/datasets/gp/budget", numbers),
        }
        for whose, (path, body) in closed.items():
            refused = http.post("/v1/queries", json=asked)
            assert (refused.status_code, refused.json()["reason"]) == (503, "not-ready")
            assert whose in refused.json()["detail"] and "admin has set it anew" in refused.json()["suggestion"]
            set_anew(served, path, body)
        assert http.post("/v1/queries", json=asked).status_code == 200
    told = found(restored)["budgets"]
    assert not told.ok and "project idle (PUT /v1/projects/idle/budget)" in told.told and "demo" not in told.told


def test_every_account_is_closed_and_every_proposal_has_lapsed(restored: Path) -> None:
    with office_of(restored) as office, office.state.read() as tx:
        assert budget.closed_accounts(tx) == SCOPES
        assert {one["state"] for one in office.approvals(office.host)} == {"lapsed"}
        lapsed = [one.body["approval"] for one in audit.page(tx, kind="lapsed", limit=9)]
        assert sorted(lapsed) == sorted(one["approval"] for one in office.approvals(office.host)) and len(lapsed) == 2
        assert budget.balance(tx, "dataset:gp").to_json()["closed_at"]
    told = found(restored)["budgets"].told
    assert all(name in told for name in ("dataset gp (", "project demo (", "project idle (", "researcher's own in demo ("))


def test_one_admin_alone_sets_nothing_but_nothing(restored: Path) -> None:
    with office_of(restored) as office:
        admin = who(office, "admin")
        for epsilon in (CAP, Decimal(1)):
            assert isinstance(office.set_dataset_budget(admin, "gp", epsilon, DELTA, None, None), Proposed)
            assert isinstance(office.set_project_budget(admin, "idle", epsilon / 25, DELTA, None, None), Proposed)
        member = {"name": "researcher", "epsilon": Decimal(1), "delta": DELTA}
        assert isinstance(office.set_members(admin, "demo", [member], None), Proposed)
        with office.state.read() as tx:
            assert budget.closed_accounts(tx) == SCOPES
        assert not isinstance(office.set_dataset_budget(admin, "gp", Decimal(0), Decimal(0), None, None), Proposed)
        assert isinstance(office.set_dataset_budget(admin, "gp", Decimal(1), DELTA, None, None), Proposed)


def test_a_closed_project_is_nobodys_work(restored: Path) -> None:
    with office_of(restored) as office:
        office.change_project(who(office, "admin"), "idle", {"state": "closed"}, None)
    assert "idle" not in found(restored)["budgets"].told


def test_records_into_the_home_that_made_them_close_no_budget(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup")
    restore(settings(home), tmp_path / "backup")
    told = found(home)
    assert told["budgets"].ok and told["registers"].ok


# -------------------------------------------------------------------------------------------------------------- the registers


def test_the_doctor_names_each_list_that_a_restore_closed(home: Path) -> None:
    def closed(office: Office) -> None:
        office.state.write(lambda tx: optouts.forget_deliveries(tx, office.clock()))

    with office_of(home) as office:
        closed(office)
    told = found(home)["registers"]
    assert (
        not told.ok
        and "gp: the list check-service has not come whole since a restore (run: tre opt-outs cleared FILE)" in told.told
    )
    for regime in REGIMES:
        assert (
            f"gp: the list {regime} has not come whole since a restore (run: tre opt-outs apply FILE --regime {regime} --whole)"
            in told.told
        )
    with office_of(home) as office:
        deliver_all(office)
    assert found(home)["registers"].ok


def test_the_doctor_names_no_list_that_the_dataset_does_not_answer_under(home: Path) -> None:
    """What it has answered under is known by then: a register that was lifted stops no question of it."""
    with office_of(home) as office:
        at = office.clock()
        office.state.write(lambda tx: optouts.fix_mode(tx, ("gp",), ("local", "type-1"), at))
        office.state.write(lambda tx: optouts.forget_deliveries(tx, at))
    told = found(home)["registers"].told
    assert "the list local" in told and "the list type-1" in told
    assert "national" not in told and "check-service" not in told


def test_the_doctor_names_lists_that_are_missing_too_old_or_lost(home: Path) -> None:
    with office_of(home) as office:
        now = datetime.now(UTC)
        office.clock = lambda: now - timedelta(days=8)  # type: ignore[method-assign]
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
        told = found(home)["registers"]
        assert not told.ok and "the list local is older than the 7 days" in told.told and "tre opt-outs cleared FILE" in told.told
        office.clock = lambda: now  # type: ignore[method-assign]
        office.deliver_cleared(office.host, SAMPLE / "cleared.txt")
        office.deliver_opt_outs(office.host, SAMPLE / "opt_outs.csv", None)
        with office.state.read() as tx:
            cleared = optouts.cleared(tx)
        assert cleared is not None
    store.place_of(home / "registers", cleared.list).unlink()
    told = found(home)["registers"]
    assert told.told == (
        "questions are refused, for gp: the list check-service is not where it should be: its file is gone "
        "(run: tre opt-outs cleared FILE)"
    )


def test_the_doctor_names_what_was_never_delivered(tmp_path: Path) -> None:
    with office_of(tmp_path / "home"):
        pass
    told = found(tmp_path / "home")["registers"]
    assert told.ok and told.hint, "it has no records yet"
    assert all(f"gp: the list {one} was never delivered" in told.told for one in ("type-1", "local", "check-service"))
    assert "national" not in told.told
    with office_of(tmp_path / "home") as office:
        office.load(office.host, "gp", SAMPLE)
    assert not found(tmp_path / "home")["registers"].ok


@pytest.mark.parametrize("national", ["check-service", "objections"])
@pytest.mark.parametrize("days", [0, 8, -1])
def test_what_is_wanting_is_what_questions_are_refused_for(national: Any, days: int, home: Path) -> None:
    now = datetime.now(UTC) + timedelta(days=days)

    def refused(tx: Transaction, regime: str) -> bool:
        try:
            optouts.check_age(tx, [regime], now, 7, national)
        except Refusal as refusal:
            assert refusal.reason is Reason.OPT_OUTS_STALE
            return True
        return False

    with State.open(settings(home).database_url) as state:
        for step in ("delivered", "closed"):
            with state.read() as tx:
                for regime in REGIMES:
                    wanting = optouts.wanting(tx, [regime], now, 7, national)
                    assert bool(wanting) is refused(tx, regime) is (step == "closed" or days != 0), (step, regime, wanting)
            state.write(lambda tx: optouts.forget_deliveries(tx, now))
