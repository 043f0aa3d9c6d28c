"""The policy in force: remembered, compared at each opening, and a looser one taken only when two controllers approved it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.audit.logs import tampering
from tests.policy.folders import edit, make_folder
from tests.serving import office_of
from tre import audit, budget, optouts
from tre.errors import Refusal, Unfit
from tre.office import Office
from tre.office.opening import only_one
from tre.office.policing import MOST_BYTES
from tre.policy import read_policies
from tre.settings import Settings

SMALL = "datasets/small.yaml"
LOOSER = (SMALL, "threshold: 10", "threshold: 9")
TIGHTER = (SMALL, "threshold: 10", "threshold: 11")
NEUTRAL = (SMALL, "title: A small", "title: A very small")


class Home:
    """A home without records, its policies beside it, and two controllers."""

    def __init__(self, folder: Path) -> None:
        self.path, self.policies = folder / "home", make_folder(folder / "policies")
        self.tokens: dict[str, str] = {}
        with office_of(self.path, self.policies) as office:
            for name, role in (("carla", "controller"), ("colin", "controller"), ("ada", "admin"), ("alan", "admin")):
                self.tokens[name] = office.make_identity(office.host, name, (role,))["token"]

    def open(self) -> None:
        with office_of(self.path, self.policies):
            pass

    def refused(self) -> str:
        with pytest.raises(Unfit) as told:
            self.open()
        return str(told.value)

    def edit(self, name: str, old: str, new: str) -> None:
        edit(self.policies, name, old, new)

    @property
    def digest(self) -> str:
        return read_policies(self.policies).digest

    def ungoverned(self):  # type: ignore[no-untyped-def]
        return Office.open(Settings(home=self.path, policies=self.policies, _env_file=None), governed=False)  # type: ignore[call-arg]

    def approve(self, who: str, wanted: str | None = None) -> dict[str, Any]:
        with self.ungoverned() as office:
            return office.approve_policy(self.tokens[who], wanted or self.digest)

    def entries(self, *kinds: str) -> list[audit.Logged]:
        with self.ungoverned() as office, office.state.read() as tx:
            return [one for one in audit.page(tx, limit=1_000) if one.kind in kinds]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_first_opening_adopts_and_the_next_changes_nothing(home: Home) -> None:
    for _ in range(2):
        home.open()
        (adopted,) = home.entries("policy-adopted", "policy-changed")
        assert (adopted.kind, adopted.body["policies"]) == ("policy-adopted", home.digest)
        small = read_policies(home.policies).datasets["small"].digest
        assert json.loads(str(adopted.body["digests"])) == {"small": small}


@pytest.mark.parametrize(("change", "effect"), [(TIGHTER, "tighter"), (NEUTRAL, "neutral")])
def test_what_is_not_looser_is_in_force_at_the_next_opening(home: Home, change: tuple[str, str, str], effect: str) -> None:
    before = home.digest
    home.edit(*change)
    home.open()
    home.open()
    (changed,) = home.entries("policy-changed")
    assert (changed.body["follows"], changed.body["policies"]) == (before, home.digest)
    assert changed.body["effect"] == effect and "approved_by" not in changed.body
    (one,) = json.loads(str(changed.body["differences"]))
    assert (one["file"], one["effect"]) == (SMALL, effect)


def test_a_looser_policy_is_refused_with_file_field_values_and_command(home: Home) -> None:
    home.edit(*LOOSER)
    for _ in range(2):
        told = home.refused()
        assert "datasets/small.yaml: disclosure.threshold: 10 → 9" in told
        assert f"tre policy approve {home.digest} (0 of 2 so far)" in told and "\n" not in told
    assert not home.entries("policy-changed")
    with home.ungoverned() as office:
        assert office.compare_policy().needs.startswith("two controllers")
    home.edit(SMALL, "threshold: 9", "threshold: 10")
    home.open()
    assert not home.entries("policy-changed")


def test_two_controllers_approve_and_the_next_opening_takes_it(home: Home) -> None:
    home.edit(*LOOSER)
    assert home.approve("carla")["approvals"] == 1
    assert "(1 of 2 so far)" in home.refused()
    assert home.approve("colin")["needs"] == "the next start of tre serve"
    home.open()
    (changed,) = home.entries("policy-changed")
    approved = home.entries("policy-approved")
    assert str(changed.body["approved_by"]).split(",") == [one.person_asking for one in approved]
    assert len({one.person_asking for one in approved}) == 2
    assert {one.body["policies"] for one in approved} == {home.digest}
    home.open()
    assert len(home.entries("policy-changed")) == 1


def refusal(home: Home, who: str, wanted: str | None = None) -> str:
    with pytest.raises(Refusal) as told:
        home.approve(who, wanted)
    return str(told.value)


def test_who_may_not_approve(home: Home) -> None:
    home.edit(*LOOSER)
    home.approve("carla")
    assert "approved this policy already" in refusal(home, "carla")
    assert "role-not-allowed" in refusal(home, "ada")
    home.tokens["nobody"] = "tre_" + "x" * 43
    assert "not-signed-in" in refusal(home, "nobody")
    home.tokens["nobody"] = ""
    assert "not-signed-in" in refusal(home, "nobody")
    assert "another digest" in refusal(home, "colin", "sha256:" + "0" * 64)
    assert len(home.entries("policy-approved")) == 1
    assert "(1 of 2 so far)" in home.refused()


def made_by(home: Home, maker: str, name: str, other: str) -> None:
    """An identity that one admin made and another approved as a controller."""
    with home.ungoverned() as office:
        admin, second = office.sign_in(home.tokens[maker]), office.sign_in(home.tokens[other])
        made = office.make_identity(admin, name, ("controller",))
        home.tokens[name] = made["token"]
        office.decide(second, made["approvals"][0]["approval"], True, "known to us")


def test_two_identities_of_one_maker_are_not_two_people(home: Home) -> None:
    made_by(home, "ada", "cleo", "alan")
    made_by(home, "ada", "cyrus", "alan")
    home.edit(*LOOSER)
    home.approve("cleo")
    assert "do not count as two people" in refusal(home, "cyrus")
    home.refused()
    assert home.approve("colin")["needs"].startswith("the next start")
    home.open()


def test_an_approval_of_who_was_revoked_since_does_not_count(home: Home) -> None:
    home.edit(*LOOSER)
    home.approve("carla")
    home.approve("colin")
    with home.ungoverned() as office:
        office.revoke(office.host, "carla")
    assert "(1 of 2 so far)" in home.refused()


def test_an_approval_is_of_these_files_in_place_of_those_in_force(home: Home) -> None:
    home.edit(*LOOSER)
    home.approve("carla")
    home.approve("colin")
    home.edit(SMALL, "threshold: 9", "threshold: 8")
    assert "(0 of 2 so far)" in home.refused()
    home.edit(SMALL, "threshold: 8", "threshold: 20")
    home.open()
    home.edit(SMALL, "threshold: 20", "threshold: 9")
    assert "(0 of 2 so far)" in home.refused()


def test_nobody_approves_what_is_not_looser(home: Home) -> None:
    assert "invalid-request" in refusal(home, "carla")
    home.edit(*TIGHTER)
    assert "invalid-request" in refusal(home, "carla")


def test_objections_identities_and_the_log_do_not_wait_for_an_approval(home: Home, tmp_path: Path) -> None:
    home.edit(*LOOSER)
    (tmp_path / "list.csv").write_text("nhs_number\n9990000018\n")
    with home.ungoverned() as office:
        office.deliver_opt_outs(office.host, tmp_path / "list.csv", "national")
        office.make_identity(office.host, "cora", ("controller",))
        office.export_log(office.host, tmp_path / "out")


def test_beside_a_running_server_no_other_policy_comes_into_force(home: Home) -> None:
    with only_one(Settings(home=home.path, _env_file=None)):  # type: ignore[call-arg]
        home.open()
        home.edit(*TIGHTER)
        assert "start it anew" in home.refused()
        with home.ungoverned():
            pass
    home.open()


def grant(home: Home, epsilon: str) -> None:
    with home.ungoverned() as office:
        office.found_project(
            "p",
            dataset="small",
            title="A title",
            purpose="research",
            legal_basis="none needed",
            lay_summary="A summary.",
            ends_on=date(2027, 12, 31),
            members=(),
            stated=(Decimal(epsilon), Decimal("1e-6")),
        )


def test_a_lower_lifetime_cap_lowers_what_was_granted(home: Home) -> None:
    grant(home, "10")
    home.edit(SMALL, "lifetime_cap: {epsilon: 50, delta: 1e-6}", "lifetime_cap: {epsilon: 30, delta: 5e-7}")
    home.open()
    with home.ungoverned() as office, office.state.read() as tx:
        stated = budget.balance(tx, "dataset:small").stated
        assert (stated.epsilon, stated.delta) == (Decimal(30), Decimal("5e-7"))
    (entry,) = home.entries("budget")
    assert (entry.dataset, entry.body["epsilon"]) == ("small", "30")


def test_a_lower_lifetime_cap_after_a_restore_opens_no_budget_and_stops_no_start(home: Home) -> None:
    """What was spent is as unknown as before: it goes down, and two people have to set it anew."""
    grant(home, "10")
    with home.ungoverned() as office:
        office.state.write(lambda tx: budget.close_accounts(tx, office.clock()))
    home.edit(SMALL, "lifetime_cap: {epsilon: 50, delta: 1e-6}", "lifetime_cap: {epsilon: 30, delta: 5e-7}")
    home.open()
    with home.ungoverned() as office, office.state.read() as tx:
        assert budget.balance(tx, "dataset:small").stated.epsilon == Decimal(30)
        assert budget.closed_accounts(tx) == ["dataset:small", "project:p"]


def test_a_higher_lifetime_cap_is_a_new_promise_that_stands_out_and_opens_nothing(home: Home) -> None:
    grant(home, "10")
    home.edit(SMALL, "epsilon: 50", "epsilon: 60")
    home.edit(SMALL, "threshold: 10", "threshold: 9")
    home.approve("carla")
    home.approve("colin")
    home.open()
    (changed,) = home.entries("policy-changed")
    assert changed.body["new_promise"] == "datasets/small.yaml: lifetime_cap.epsilon: 50 → 60 (looser)"
    with home.ungoverned() as office, office.state.read() as tx:
        assert budget.balance(tx, "dataset:small").stated.epsilon == 50


@pytest.mark.parametrize("other", [None, ("type-1",)])
def test_a_population_keeps_what_a_dataset_of_it_answered_under_when_that_dataset_goes(
    other: tuple[str, ...] | None, home: Home
) -> None:
    """Also where nobody asked the others while all were there; that it goes is nothing that two look at."""
    text = (home.policies / SMALL).read_text()
    with home.ungoverned() as office:
        office.state.write(lambda tx: optouts.fix_mode(tx, ("small",), ("local", "type-1"), office.clock()))
        if other is not None:
            office.state.write(lambda tx: optouts.fix_mode(tx, ("again",), other, office.clock()))
    for name in ("small", "again", "third"):
        made = text.replace("dataset: small", f"dataset: {name}\npopulation: england")
        (home.policies / f"datasets/{name}.yaml").write_text(made)
    home.approve("carla")
    home.approve("colin")
    home.open()
    (home.policies / SMALL).unlink()
    home.open()
    with home.ungoverned() as office, office.state.read() as tx:
        for name in ("again", "third"):
            assert optouts.mode(tx, office.policies.same_people(name)) == (("local", "type-1") if other is None else ())
        with pytest.raises(Refusal):
            optouts.check_mode(tx, office.policies.same_people("third"), other or ("type-1",))


def test_another_dataset_is_a_new_promise_too(home: Home) -> None:
    text = (home.policies / SMALL).read_text()
    (home.policies / "datasets/again.yaml").write_text(text.replace("dataset: small", "dataset: again"))
    home.refused()
    home.approve("carla")
    home.approve("colin")
    home.open()
    (changed,) = home.entries("policy-changed")
    assert changed.body["new_promise"] == "datasets/again.yaml: the whole file: nothing → there (looser)"


def test_an_entry_of_many_differences_is_bounded_and_has_the_looser_ones(home: Home) -> None:
    columns = "".join(
        f"      c{n}:\n        {{type: code, keys: discovered, description: {chr(0x1F600) * 400}, source: '{chr(34) * 400}'}}\n"
        for n in range(60)
    )
    edit(home.policies, SMALL, "      practice:", columns + "      practice:")
    home.approve("carla")
    home.approve("colin")
    home.open()
    path = home.policies / SMALL
    path.write_text(path.read_text().replace(chr(34), chr(39) * 2))
    home.edit(*LOOSER)
    home.approve("carla")
    home.approve("colin")
    home.open()
    last = home.entries("policy-changed")[-1]
    assert MOST_BYTES < len(last.leaf) < 65_535
    told = json.loads(str(last.body["differences"]))
    assert told[0]["field"] == "disclosure.threshold"
    assert len(told) + int(last.body["not_told"] or 0) == 61
    assert str(last.body["all_differences"]).startswith("sha256:")


@pytest.mark.parametrize("tamper", ["the row", "a row more", "no row"])
def test_a_policy_that_is_not_the_logs_is_refused(home: Home, tamper: str) -> None:
    """Whoever writes the database to make a looser policy look like the one in force."""
    home.edit(*LOOSER)
    resolved = json.dumps(read_policies(home.policies).resolved, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    statement = {
        "the row": ("UPDATE policies SET resolved = ?", (resolved,)),
        "a row more": ("INSERT INTO policies (digest, resolved, at) VALUES (?, ?, '')", (home.digest, resolved)),
        "no row": ("DELETE FROM policies", ()),
    }
    with tampering(home.path / "database.sqlite") as file:
        file.execute(*statement[tamper])
    assert "put back the backup of the database" in home.refused()


def test_what_was_in_force_and_approved_stays(home: Home) -> None:
    home.edit(*LOOSER)
    home.approve("carla")
    with closing(sqlite3.connect(home.path / "database.sqlite")) as file:
        for statement in ("DELETE FROM policies", "UPDATE policies SET at = ''", "DELETE FROM policy_approvals"):
            with pytest.raises(sqlite3.IntegrityError, match="what was written stays"):
                file.execute(statement)
