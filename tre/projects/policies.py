"""The policies in force, kept whole, and who approved that others follow them.

Promises that what is kept is what its digest says. Compares nothing: it knows neither a field nor a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from tre.errors import Unfit
from tre.projects.tables import policies, policy_approvals
from tre.state import Transaction
from tre.terms import canonical, digest, timestamp

_LAST = select(policies.c.digest, policies.c.resolved).order_by(policies.c.number.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class InForce:
    """A whole set of policies as JSON, and the digest by which the log knows it."""

    digest: str
    resolved: Mapping[str, Any]


def in_force(tx: Transaction) -> InForce | None:
    """What was taken last; None in a home that never took any. `Unfit` when it is not what its digest says."""
    last = tx.execute(_LAST).one_or_none()
    if last is None:
        return None
    if digest(last.resolved.encode()) != last.digest:
        raise Unfit("the policy kept in the database is not the one that was taken; put back the backup of the database")
    return InForce(last.digest, json.loads(last.resolved))


def take(tx: Transaction, resolved: Mapping[str, Any], at: datetime) -> InForce:
    """From here on these are in force."""
    kept = canonical(resolved)
    tx.execute(insert(policies), {"digest": digest(kept), "resolved": kept.decode(), "at": timestamp(at)})
    return InForce(digest(kept), resolved)


def approve(tx: Transaction, wanted: str, follows: str, name: str, at: datetime) -> None:
    """One person's approval that the policies of one digest follow those of another."""
    tx.execute(insert(policy_approvals), {"digest": wanted, "follows": follows, "name": name, "at": timestamp(at)})


def approvers(tx: Transaction, wanted: str, follows: str) -> list[str]:
    """Who has approved that, in the order they did."""
    given = select(policy_approvals.c.name).where(policy_approvals.c.digest == wanted, policy_approvals.c.follows == follows)
    return list(tx.execute(given.order_by(policy_approvals.c.number)).scalars())
