"""What a larger budget would mean, told to whoever has to approve it; from the ledger, the log and arithmetic alone."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from tre import audit
from tre.audit import Logged
from tre.budget import CONCENTRATED, Balance, Stated
from tre.errors import Reason
from tre.loss import PrivacyLoss
from tre.state import Transaction

MOST = 10_000


def posteriors(now: Stated, then: Stated) -> dict[str, Any]:
    """The worst case under the budget as it is and as it would be."""
    return {
        "epsilon": f"{then.epsilon:f}",
        "delta": f"{then.delta:f}",
        "worst_case_posterior": worst_case_posterior(then.epsilon),
        "worst_case_posterior_now": worst_case_posterior(now.epsilon),
    }


def worst_case_posterior(epsilon: Decimal) -> float:
    """How sure somebody can become, from everything ever answered under the budget, that a person is in the records, who before
    thought it as likely as not: e^epsilon / (1 + e^epsilon), rounded up to four digits. At a delta above 0 this holds but for a
    probability of about delta. It assumes that they know everything of everybody else: the usual case is far better."""
    sure = 1 / (1 + (-epsilon).exp())
    return float(sure.quantize(Decimal("0.0001"), ROUND_CEILING))


def refusals_that_would_have_passed(tx: Transaction, project: str, then: Balance) -> int:
    """Of the questions that this project's own ceiling refused since it was last set, how many the new one would hold: in the
    order they were asked, each at the charge it was refused for, after all that is spent and reserved by now. A question sent
    again counts again; one asked before there was any budget had no charge and does not; other ceilings are not looked at.
    ``then``: the account as it would be."""
    concentrated, taken, passing = then.kind == CONCENTRATED, then.spent + then.reserved, 0
    for cost in _refused(tx, project):
        counted = cost.concentrated() if concentrated else cost
        if counted.pure != concentrated and (taken + counted).fits(then.ceiling):
            taken, passing = taken + counted, passing + 1
    return passing


def _refused(tx: Transaction, project: str) -> list[PrivacyLoss]:
    """What the refused would have cost, as the log has it."""
    last = audit.page(tx, project=project, kind="budget", limit=MOST)[-1:]
    since = datetime.fromisoformat(last[0].at) if last else None
    reason = str(Reason.BUDGET_EXHAUSTED)
    found = audit.page(tx, project=project, kind="refused", reason=reason, since=since, limit=MOST)
    return [_cost(entry) for entry in found if entry.body.get("ceiling") == "project"]


def _cost(entry: Logged) -> PrivacyLoss:
    rho, epsilon, delta = (Decimal(entry.body.get(part) or 0) for part in ("rho", "epsilon", "delta"))
    return PrivacyLoss(int(rho.scaleb(12)), int(epsilon.scaleb(12)), int(delta.scaleb(18)))
