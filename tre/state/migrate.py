"""Runs the migrations kept in this package, without a configuration file. Only `schema` calls it, and only when there is work."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection, folder: Path) -> None:
    """Every migration of the folder after the database's own, inside the transaction that the caller holds."""
    config = _config(folder)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def head(folder: Path) -> str | None:
    """The newest revision, as the migration library works it out."""
    return ScriptDirectory.from_config(_config(folder)).get_current_head()


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
