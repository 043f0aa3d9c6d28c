"""Where the migration library meets our connection: one transaction, begun and ended by `State`. Opens no database."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
