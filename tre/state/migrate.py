"""Runs the migrations kept in this package, without a configuration file. Only `schema` calls it, and only when there is work."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tre.state.schema import MIGRATIONS


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Every migration after the database's own, inside the transaction that the caller holds."""
    command.upgrade(_config(connection), "head")


def head() -> str | None:
    """The newest revision, as the migration library works it out."""
    return ScriptDirectory.from_config(_config()).get_current_head()
