"""A database from before it was kept which certificate names a snapshot: what was certified is not certified again."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from tre import store
from tre.state import State
from tre.state.schema import MIGRATIONS

BEFORE = "0013_closed_registers"
SNAPSHOT = """INSERT INTO snapshots (id, dataset, folder, schema, manifest, live_from, live, unlinked_at)
    VALUES (:id, 'gp', 'store', 's', 'm', :id, :live, :unlinked)"""
CERTIFICATE = """INSERT INTO certificates (id, dataset, statement, signature, vkey, entry)
    VALUES ('certificate', 'gp', :statement, 's', 'v', 1)"""


def test_what_was_certified_is_not_certified_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'database.sqlite'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for id, live, unlinked in (("1", 0, "then"), ("2", 0, "then"), ("3", 0, None), ("4", 1, None)):
            connection.execute(text(SNAPSHOT), {"id": id, "live": live, "unlinked": unlinked})
        connection.execute(text(CERTIFICATE), {"statement": json.dumps({"unlinked": ["1"]})})
    engine.dispose()
    with State.open(url) as state, state.read() as tx:
        assert store.uncertified(tx) == {"gp": ["2"]}
