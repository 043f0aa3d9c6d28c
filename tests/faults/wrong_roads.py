"""Roads that are wrong in one place, each by a patch that a gateway's own process makes before it opens."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from tre.gateway import Released, asking, closing, recovering, reserving


def opt_outs_never_move() -> None:
    closing.unmoved = lambda *_: True


def footing_of_before() -> None:
    """What waited is permitted by what stood when it was asked."""
    ours = reserving.footing
    reserving.footing = lambda tx, house, person, request, at: ours(tx, house, person, request, at - timedelta(seconds=10))


def refund_after_a_stop() -> None:
    ours = recovering.budget.settle
    refunded = text(
        "UPDATE accounts SET spent_rho = spent_rho - (SELECT rho FROM reservations WHERE id = :id) WHERE scope = :scope"
    )

    def settle(tx: Any, id: str, outcome: str, at: datetime) -> None:
        ours(tx, id, outcome, at)
        if outcome == "fault":
            tx.execute(refunded, {"id": id, "scope": "project:demo"})

    recovering.budget.settle = settle  # type: ignore[assignment]


def never_the_same_twice() -> None:
    ours = asking.stored

    def stored(tx: Any, question: Any) -> Any:
        found = ours(tx, question)
        return replace(found, envelope=found.envelope + b" " * secrets.randbelow(99)) if isinstance(found, Released) else found

    asking.stored = stored


def no_outcome_after_a_stop() -> None:
    recovering.recover = lambda _: 0


MUTANTS = {
    made.__name__: made
    for made in (opt_outs_never_move, footing_of_before, refund_after_a_stop, never_the_same_twice, no_outcome_after_a_stop)
}
