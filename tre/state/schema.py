"""The shape of the database: the tables all rooms share one `metadata` for, and the step that brings a file up to this version.

Promises that a database at head starts without loading the migration library, and that a newer one is refused, not guessed at.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, MetaData, text

from tre.errors import Unfit

metadata = MetaData()

MIGRATIONS = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """All revisions this version knows, oldest first. A migration's file is named by its revision: none need be loaded."""
    return sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if not connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).first():
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def bring_to_head(connection: Connection) -> bool:
    """Migrate an older database, inside the caller's transaction; says whether there was anything to do."""
    known, found = revisions(), revision(connection)
    if found == known[-1]:
        return False
    if found is not None and found not in known:
        raise Unfit(f"the database was written by a newer version of tre (revision {found}); start that version")
    # Imported here: it costs half a second that a start at head need not pay.
    from tre.state.migrate import upgrade

    upgrade(connection, MIGRATIONS)
    return True
