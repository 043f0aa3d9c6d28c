"""How an exhausted budget is told: which ceiling, what was asked and what remains, and what would fit; and a closed one.

Of the dataset's ceiling it says only that it is reached: how near it is tells what other projects have spent.
"""

from __future__ import annotations

from tre.budget.accounts import Balance, balance, exists
from tre.budget.stated import CONCENTRATED, plain
from tre.errors import Reason, Refusal
from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss, decimal_text
from tre.state import Transaction

ASK_ADMIN = "an admin can propose a larger privacy budget."
REPEAT = "A question that was answered before in this project is given again at no charge"


class Exhausted(Refusal):
    """BUDGET_EXHAUSTED, with the ceiling that did not hold the question and what it would have been charged."""

    def __init__(self, scope: str, cost: PrivacyLoss, detail: str, suggestion: str) -> None:
        super().__init__(Reason.BUDGET_EXHAUSTED, detail, suggestion)
        self.ceiling, self.cost = scope.partition(":")[0], cost


def not_taken(tx: Transaction, scope: str, cost: PrivacyLoss) -> Refusal:
    """Why one account did not take a charge: a restore has closed it, or its ceiling does not hold it."""
    if balance(tx, scope).closed_at is None:
        return exhausted(tx, scope, cost)
    whose = {"dataset": "the dataset's", "project": "the project's"}.get(scope.partition(":")[0], "your own")
    return Refusal(
        Reason.NOT_READY,
        f"After a restore it is not known what was spent of {whose} privacy budget.",
        "Nothing was charged. Questions are answered again once an admin has set it anew, and another has approved.",
    )


def exhausted(tx: Transaction, scope: str, cost: PrivacyLoss) -> Exhausted:
    """BUDGET_EXHAUSTED for one ceiling."""
    return Exhausted(scope, cost, *_words(tx, scope, cost))


def _words(tx: Transaction, scope: str, cost: PrivacyLoss) -> tuple[str, str]:
    """What happened, and what to do about it."""
    if scope.startswith("dataset:"):
        detail = "The dataset's privacy budget, the ceiling over all projects, is reached."
        return detail, f"{REPEAT}; {ASK_ADMIN}"
    whose = "The project's" if scope.startswith("project:") else "Your own"
    if not exists(tx, scope):
        return f"{whose} privacy budget has not been opened.", ASK_ADMIN.capitalize()
    return _told(whose, balance(tx, scope), cost)


def _told(whose: str, account: Balance, cost: PrivacyLoss) -> tuple[str, str]:
    detail = (
        f"{whose} privacy budget does not hold this question: it asks {_amount(account, cost)}; "
        f"{_amount(account, account.remaining)} remains of the stated {account.stated}."
    )
    return detail, _mend(account, cost)


def _mend(account: Balance, cost: PrivacyLoss) -> str:
    left = account.remaining
    name, most = ("rho", left.rho) if account.kind == CONCENTRATED else ("epsilon", left.epsilon)
    taken = account.spent + account.reserved
    if most and taken.fits(account.ceiling) and cost.delta <= left.delta:
        return f"Ask with {name} {decimal_text(most, UNIT)} or less (a wider margin); or {ASK_ADMIN}"
    if most and taken.fits(account.ceiling):
        return f"Group by public keys: discovered keys cost delta; or {ASK_ADMIN}"
    return f"{REPEAT}; {ASK_ADMIN}"


def _amount(account: Balance, amount: PrivacyLoss) -> str:
    delta = f" and delta {decimal_text(amount.delta, DELTA_UNIT)} for keys" if amount.delta else ""
    if account.kind != CONCENTRATED:
        return f"epsilon {decimal_text(amount.epsilon, UNIT)}"
    return f"rho {decimal_text(amount.rho, UNIT)} (epsilon {plain(account.worth(amount))}){delta}"
