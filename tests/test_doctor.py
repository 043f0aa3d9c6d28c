"""`tre doctor`: what is wrong is told with its mend, what could be better is a hint; release times are measured on nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.audit.logs import tampering
from tests.policy.folders import edit, make_folder
from tests.serving import POLICIES, REGIONS, copy_home, office_of
from tre import audit, optouts, projects
from tre.commands import app
from tre.gateway import Gateway
from tre.gateway.calibrated import release_times
from tre.gateway.calibrating import measure
from tre.gateway.specimens import specimen
from tre.keys import files
from tre.office.doctor import Finding, check_policy, examine, keep_calibration
from tre.plan.calibration import RUNS, Calibration, machine
from tre.plan.classes import CLASSES, class_of
from tre.plan.kinds import KINDS
from tre.plan.offer import catalogue
from tre.plan.parse import parse
from tre.policy import read_policies
from tre.settings import Settings
from tre.terms import Request


def settings_of(home: Path, policies: Path = POLICIES) -> Settings:
    return Settings(home=home, policies=policies, _env_file=None)  # type: ignore[call-arg]


def found(settings: Settings) -> dict[str, Finding]:
    return {one.what: one for one in examine(settings)}


@pytest.fixture
def home(furnished: Path, tmp_path: Path) -> Settings:
    return settings_of(copy_home(furnished, tmp_path / "home"))


def test_a_home_in_order_has_one_hint(home: Settings) -> None:
    told = found(home)
    assert {what: one.told for what, one in told.items() if not one.ok} == {}
    assert [what for what, one in told.items() if one.hint] == ["release times"]
    assert "tre doctor --calibrate" in told["release times"].told
    assert told["policy"].told == "gp: sound, and in force"
    assert "those that the log names" in told["keys"].told


def test_where_there_is_no_home_none_is_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "none")
    wrong = {what for what, one in found(settings).items() if not one.ok}
    assert wrong >= {"home", "keys", "database", "log", "ledger"} and "policy" not in wrong
    assert set(check_policy(settings)) == {"policies", "digest"}
    assert not settings.home.exists()


def test_a_lost_database_is_told_and_not_made_anew(home: Settings) -> None:
    for path in home.home.glob("database.sqlite*"):
        path.unlink()
    told = found(home)
    assert not told["database"].ok and "no database" in told["keys"].told
    assert not list(home.home.glob("database.sqlite*"))


def test_other_keys_are_told(home: Settings) -> None:
    (home.keys / "people.key").write_bytes(b"x" * 32)
    assert not found(home)["keys"].ok and "put back the backup" in found(home)["keys"].told


def test_a_rotation_that_was_begun_is_a_hint(home: Settings) -> None:
    files.put_next(home.keys)
    told = found(home)["keys"]
    assert told.ok and told.hint and "rotation was begun" in told.told


@pytest.mark.parametrize(
    ("statement", "what", "words"),
    [
        ("UPDATE accounts SET spent_rho = spent_rho + 1 WHERE scope = 'project:demo'", "ledger", "project:demo"),
        ("UPDATE accounts SET reserved_delta = 7 WHERE scope = 'dataset:gp'", "ledger", "dataset:gp"),
        ("INSERT INTO members VALUES ('nowhere', 'admin')", "database", "rows of members"),
        ("UPDATE checkpoints SET note = replace(note, x'0a' || size || x'0a', x'0a' || '99' || x'0a')", "log", "audit verify"),
        ("UPDATE subtrees SET hash = zeroblob(32)", "log", "audit verify"),  # whichever of them a tree of this size stands on
    ],
)
def test_what_does_not_add_up_is_told(home: Settings, statement: str, what: str, words: str) -> None:
    with office_of(home.home) as office:
        office.publication.sign()
    assert found(home)[what].ok
    with tampering(home.home / "database.sqlite") as file:
        file.execute(statement)
    told = found(home)[what]
    assert not told.ok and words in told.told


def test_a_damaged_database_is_told(home: Settings) -> None:
    with tampering(home.home / "database.sqlite") as file:
        file.execute("PRAGMA writable_schema = ON")
        file.execute("UPDATE sqlite_master SET sql = replace(sql, 'kind', 'at') WHERE name = 'entries_by_kind'")
    assert not found(home)["database"].ok


def test_a_charged_ledger_adds_up(home: Settings) -> None:
    """Released, reserved and left open: by questions of a real gateway."""
    with (
        office_of(home.home) as office,
        Gateway.open(home, office.state, office.policies, office.keys, release_time=None) as gateway,
    ):
        person = next(one.person for one in office_people(office) if one.name == "researcher")
        for _ in range(2):
            gateway.ask(person, Request("demo", "gp", REGIONS, fresh=True)).coming.result(60)
    assert found(home)["ledger"].ok


def office_people(office):  # type: ignore[no-untyped-def]
    with office.state.read() as tx:
        return projects.identities(tx)


def test_the_policy_on_disk_beside_the_one_in_force(tmp_path: Path) -> None:
    policies = make_folder(tmp_path / "policies")
    settings = settings_of(tmp_path / "home", policies)
    with office_of(settings.home, policies):
        pass
    edit(policies, "datasets/small.yaml", "threshold: 10", "threshold: 11")
    told = found(settings)["policy"]
    assert told.hint and "the next start of tre serve" in told.told
    edit(policies, "datasets/small.yaml", "threshold: 11", "threshold: 9")
    told = found(settings)["policy"]
    assert not told.ok and "10 → 9" in told.told
    checked = check_policy(settings)
    assert (checked["effect"], checked["approvals"]) == ("looser", 0) and checked["needs"].startswith("two controllers")


def test_the_same_people_under_two_names_are_warned_of(tmp_path: Path) -> None:
    """Their lifetime caps add up; and where each was answered under other opt-outs before, neither is answered any more."""
    policies = make_folder(tmp_path / "policies")
    again = (policies / "datasets/small.yaml").read_text().replace("dataset: small", "dataset: again\npopulation: small")
    (policies / "datasets/again.yaml").write_text(again)
    settings = settings_of(tmp_path / "home", policies)
    (warning,) = check_policy(settings)["warnings"]
    assert "epsilon 100" in warning and not settings.home.exists()
    with office_of(settings.home, policies) as office:
        assert check_policy(settings)["warnings"] == [warning]
        for dataset, regimes in (("small", ("type-1",)), ("again", ("type-1", "local"))):
            office.state.write(lambda tx, of=(dataset,), are=regimes: optouts.fix_mode(tx, of, are, office.clock()))
    told = found(settings)["policy"]
    assert told.ok and told.hint and warning in told.told
    assert "again, small: one population (small), answered under different opt-outs before" in told.told
    assert len(check_policy(settings)["warnings"]) == 2
    printed = CliRunner().invoke(app, ["policy", "check"], env={"TRE_HOME": str(settings.home), "TRE_POLICIES": str(policies)})
    assert printed.exit_code == 0 and f"warning: {warning}" in printed.stdout.splitlines()


# ---------------------------------------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("wanted", CLASSES, ids=str)
def test_the_sample_policy_has_a_question_of_every_class(wanted) -> None:  # type: ignore[no-untyped-def]
    policies = read_policies(POLICIES)
    policy = policies.datasets["gp"]
    question = specimen(policy, wanted)
    assert question is not None
    plan = parse(question.request.sql, catalogue(policy), {**policies.codelists, **question.request.codelists})
    assert class_of(plan) == wanted and plan.cells == question.cells <= wanted.cells
    assert question.cells > wanted.cells / 2


def test_release_times_are_measured_kept_and_used(tmp_path: Path) -> None:
    """The whole way on a small dataset: made-up records, every class, the entry, and no trace of the records."""
    policies = make_folder(tmp_path / "policies")
    edit(policies, "datasets/small.yaml", "persons: 100_000", "persons: 400")
    settings = settings_of(tmp_path / "home", policies)
    tables = measure(settings, read_policies(policies), 3, lambda *_: None)
    small = tables["small"]
    assert (small.persons, small.runs, small.machine) == (400, 3, machine())
    # Its keys have 2 and 127 values: there is no question of 11 to 100 cells, nor of more than 1,000.
    assert set(small.slowest) == {str(one) for one in CLASSES if one.cells in (10, 1_000)}
    assert set(small.ratios) == set(KINDS) - {"many cells"} and all(ratio > 0 for ratio in small.ratios.values())
    assert not any(settings.work.iterdir()) and not any(settings.store.iterdir())
    keep_calibration(settings, tables)
    assert settings.calibration.stat().st_mode & 0o777 == 0o600
    assert "measured with 3 runs" in found(settings)["release times"].told


def kept(settings: Settings, seconds: float, runs: int = RUNS) -> None:
    table = Calibration("gp", 100_000, machine(), runs, {str(one): seconds for one in CLASSES})
    keep_calibration(settings, {"gp": table})


def steps_of(settings: Settings) -> float:
    with office_of(settings.home) as office:
        times = release_times(settings, office.state, office.policies)
        gp = office.policies.datasets["gp"]
        plan = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", catalogue(gp), {})
        return times(plan, gp.published_size.persons, gp.accounting.quantum_ms, 60.0)


def test_a_table_is_used_while_it_is_the_logs(home: Settings) -> None:
    shipped = steps_of(home)
    kept(home, 1.5)
    assert steps_of(home) == 8.0 != shipped
    assert found(home)["release times"] == Finding("release times", True, "measured on this machine for gp")
    kept(home, 0.9)
    assert steps_of(home) == 4.0
    text = home.calibration.read_text()
    home.calibration.write_text(text.replace("0.9", "0.1"))
    assert steps_of(home) == shipped
    told = found(home)["release times"]
    assert not told.ok and "not the one that the log names" in told.told
    home.calibration.unlink()
    assert steps_of(home) == shipped and not found(home)["release times"].ok


def test_a_table_from_elsewhere_is_not_used(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(home, 1.5)
    other = settings_of(tmp_path / "other")
    with office_of(other.home):
        pass
    shutil.copy(home.calibration, other.calibration)
    assert steps_of(other) < 8.0
    monkeypatch.setattr("tre.plan.calibration.machine", lambda *_: "another machine")
    assert steps_of(home) < 8.0
    assert found(home)["release times"].hint


def test_a_calibration_is_an_entry_and_what_a_gateway_answers_by(home: Settings) -> None:
    kept(home, 1.5)
    with office_of(home.home) as office:
        with office.state.read() as tx:
            entry = audit.last(tx, "calibrated")
        assert entry is not None and (entry.body["datasets"], entry.body["runs"]) == ("gp", RUNS)
        with Gateway.open(home, office.state, office.policies, office.keys) as gateway:
            person = next(one.person for one in office_people(office) if one.name == "researcher")
            assert gateway.preview(person, Request("demo", "gp", REGIONS))["release_time_s"] == 8.0
