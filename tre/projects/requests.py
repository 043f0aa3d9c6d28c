"""A researcher's requests for more budget, each with its reason. A request changes nothing: an admin may propose what it asks."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import insert, select

from tre.projects.tables import budget_requests as table
from tre.state import Transaction
from tre.terms import digest, timestamp


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """Who asks which budget for a project, and why."""

    id: str
    project: str
    person: str
    epsilon: Decimal
    delta: Decimal
    why: str
    salt: str
    at: str

    @property
    def sealed(self) -> str:
        """The digest by which the log knows the reason; without the salt it says nothing."""
        return digest(bytes.fromhex(self.salt) + self.why.encode())


def request(
    tx: Transaction, project: str, person: str, epsilon: Decimal, delta: Decimal, why: str, at: datetime
) -> BudgetRequest:
    """Write a request down."""
    made = BudgetRequest(secrets.token_hex(16), project, person, epsilon, delta, why, secrets.token_hex(16), timestamp(at))
    fields = {name: getattr(made, name) for name in ("id", "project", "person", "why", "salt", "at")}
    tx.execute(insert(table), fields | {"epsilon": f"{epsilon:f}", "delta": f"{delta:f}"})
    return made


def requests(tx: Transaction, project: str | None = None, limit: int = 100) -> list[BudgetRequest]:
    """The requests of all projects, or of one, newest first."""
    wanted = select(table).order_by(table.c.number.desc()).limit(limit)
    rows = tx.execute(wanted if project is None else wanted.where(table.c.project == project))
    return [
        BudgetRequest(row.id, row.project, row.person, Decimal(row.epsilon), Decimal(row.delta), row.why, row.salt, row.at)
        for row in rows
    ]
