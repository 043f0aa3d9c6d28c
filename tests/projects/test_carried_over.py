"""A database from before approvals were kept: what asked then goes on asking until its last day is over, and no longer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from tests.projects.test_permits import ALICE, POLICIES
from tre import optouts, projects
from tre.state import State
from tre.state.schema import MIGRATIONS

BEFORE = "0004_approvals"
PROJECT = """INSERT INTO projects (id, title, purpose, legal_basis, lay_summary, dataset, state, ends_on, faults, version)
    VALUES (:id, 'T', 'research', 'L', 'S', 'gp', :state, :ends_on, 0, 1)"""


@pytest.fixture
def older(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'database.sqlite'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for state, ends_on in (("active", "2026-12-31"), ("held", "9999-12-31"), ("inactive", "2026-12-31")):
            connection.execute(text(PROJECT), {"id": state, "state": state, "ends_on": ends_on})
    engine.dispose()
    return url


def test_what_was_active_stands_on_that(older: str) -> None:
    with State.open(older) as state:
        with state.read() as tx:
            [active, held, inactive] = [projects.get(tx, id) for id in ("active", "held", "inactive")]
        assert inactive.approvals == ()
        assert [one.kind for one in (*active.approvals, *held.approvals)] == ["carried-over"] * 2
        assert active.ends_on == date(2026, 12, 31) and active.approvals[0].expires_at == datetime(2027, 1, 1, tzinfo=UTC)
        assert held.approvals[0].expires_at == datetime.max.replace(tzinfo=UTC)
        state.write(
            lambda tx: projects.make_identity(tx, "alice", ALICE.roles, ALICE.pseudonym, datetime(2026, 1, 1, tzinfo=UTC))
        )
        state.write(lambda tx: projects.set_members(tx, "active", ["alice"]))
        with state.read() as tx:
            last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
            assert projects.permit(tx, ALICE, "active", "gp", last, POLICIES).project.id == "active"


RESERVATION = """INSERT INTO reservations (id, question, project, dataset, rho, epsilon, delta, state, at)
    VALUES (:id, :id, 'active', :dataset, 1, 0, 0, 'released', '2026-01-01T00:00:00.000000Z')"""


def test_a_dataset_that_was_answered_before_keeps_its_mode(older: str) -> None:
    """Whatever was reserved before there were exemptions was under all three opt-outs."""
    engine = create_engine(older)
    with engine.begin() as connection:
        for id, dataset in (("a", "gp"), ("b", "gp"), ("c", "hospital")):
            connection.execute(text(RESERVATION), {"id": id, "dataset": dataset})
    engine.dispose()
    with State.open(older) as state, state.read() as tx:
        assert optouts.mode(tx, ("gp",)) == optouts.mode(tx, ("hospital",)) == ("local", "national", "type-1")
        assert optouts.mode(tx, ("other",)) is None
