"""Whether SQLite finds its own file whole: for whoever looks after the machine."""

from __future__ import annotations

from sqlalchemy import text

from tre.state.transaction import Transaction


def unsound(tx: Transaction) -> list[str]:
    """What PRAGMA integrity_check and foreign_key_check find, by kind; nothing of what a row holds."""
    found = [] if tx.execute(text("PRAGMA integrity_check(1)")).scalar() == "ok" else ["its pages or indexes do not agree"]
    missing = sorted({str(row[0]) for row in tx.execute(text("PRAGMA foreign_key_check"))})
    return found + [f"rows of {table} point at rows that are not there" for table in missing]
