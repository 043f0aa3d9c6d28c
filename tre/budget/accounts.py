"""Accounts: what each scope may take. A ceiling is tightened at once, below what is spent if need be; raised within a promise.

After a restore an account is closed: what was spent since the backup is not known, so that whatever remains may be spent already.
It takes no charge until its ceiling is set anew, which counts as a raise, whatever the number.

A lowered ceiling stops every later charge, in rho and in delta alike: whatever the budget states now held for all that was spent,
or nothing more is spent.

Once charged, a pure budget may become concentrated, and never the other way: every epsilon is some rho, but no rho is any
epsilon. A charge stays written as it was taken; an account counts each of them in its own kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from tre.budget.stated import CONCENTRATED, PURE, Stated, in_kind, loss_text, plain, scope_kind, tightens
from tre.budget.tables import PARTS, accounts, charges, reservations
from tre.errors import Reason, Refusal
from tre.loss import PrivacyLoss, epsilon_for
from tre.state import Transaction
from tre.terms import timestamp

_FIND = select(accounts).where(accounts.c.scope == bindparam("of"))
_EARLIER = select(reservations).where(reservations.c.project == bindparam("in"), reservations.c.person == bindparam("by"))
_CHARGED = (
    select(charges.c.rho, charges.c.epsilon, charges.c.delta, reservations.c.state)
    .join(reservations, reservations.c.id == charges.c.reservation)
    .where(charges.c.scope == bindparam("of"))
)
# By its bounds: an underscore of a name would stand for any letter to LIKE.
_MEMBERS = select(accounts.c.scope).where(
    accounts.c.scope > bindparam("first"), accounts.c.scope < bindparam("last"), accounts.c.kind == PURE
)


@dataclass(frozen=True, slots=True)
class Balance:
    """An account as it stands. ``remaining`` is never negative, also where the ceiling was lowered below what is spent."""

    scope: str
    kind: str
    stated: Stated
    ceiling: PrivacyLoss
    spent: PrivacyLoss
    reserved: PrivacyLoss
    version: int
    closed_at: str | None = None

    def tightened_by(self, stated: Stated) -> bool:
        """Whether one person may set this alone: of a closed account, nothing only."""
        return tightens(self.stated, stated) and (self.closed_at is None or stated.nothing)

    @property
    def remaining(self) -> PrivacyLoss:
        taken = self.spent + self.reserved
        return PrivacyLoss(*(max(0, getattr(self.ceiling, part) - getattr(taken, part)) for part in PARTS))

    def worth(self, amount: PrivacyLoss) -> Decimal:
        """An amount of this account as an epsilon at the stated delta: for people, not for the ledger."""
        if self.kind == PURE:
            return Decimal(amount.epsilon).scaleb(-12)
        return _epsilon(amount.rho, self.stated.conversion_delta()) if self.stated.delta else Decimal(0)

    def to_json(self) -> dict[str, Any]:
        """For the budget's page: decimals as text."""
        keys = self.stated.keys_delta
        return {
            "accounting": self.kind,
            "stated": {
                "epsilon": plain(self.stated.epsilon),
                "delta": plain(self.stated.delta),
                "keys_delta": None if keys is None else plain(keys),
            },
            **{name: loss_text(self.kind, getattr(self, name)) for name in ("ceiling", "spent", "reserved", "remaining")},
            **({} if self.closed_at is None else {"closed_at": self.closed_at}),
        }


@lru_cache(maxsize=1_024)
def _epsilon(rho: int, delta: Decimal) -> Decimal:
    """Kept, for it takes milliseconds and a refusal that tells it is made on the writer's thread."""
    return epsilon_for(rho, delta)


def balance(tx: Transaction, scope: str) -> Balance:
    """How an account stands; NOT_FOUND where there is none."""
    found = tx.execute(_FIND, {"of": scope}).one_or_none()
    if found is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such privacy budget.")
    return _balance(found)


def exists(tx: Transaction, scope: str) -> bool:
    return tx.execute(_FIND, {"of": scope}).one_or_none() is not None


def open_account(tx: Transaction, scope: str, stated: Stated, cap: Stated | None = None) -> Balance:
    """Open a scope's account once. A researcher's starts with what that researcher was already charged for in the project."""
    kind = _kind_within(tx, scope, scope_kind(scope, stated), stated)
    _within(scope, stated, cap)
    if exists(tx, scope):
        raise Refusal(Reason.INVALID_REQUEST, "This privacy budget exists already.", "Change it instead.")
    empty = {f"{pot}_{part}": 0 for pot in ("spent", "reserved") for part in PARTS}
    tx.execute(insert(accounts).values(scope=scope, kind=kind, version=1, **empty, **_promise(stated)))
    if scope.startswith("researcher:"):
        _charge_earlier(tx, scope, kind)
        _count_anew(tx, scope, kind)
    return balance(tx, scope)


def tighten(tx: Transaction, scope: str, stated: Stated, version: int | None = None) -> Balance:
    """Lower a ceiling, in force at once, also below what is spent: then nothing more fits."""
    now = _unchanged(tx, scope, version)
    if not now.tightened_by(stated):
        raise Refusal(
            Reason.INVALID_REQUEST,
            "This would loosen the privacy budget.",
            "Propose it as a raise: another person has to approve.",
        )
    return _set(tx, now, stated)


def lower(tx: Transaction, scope: str, stated: Stated) -> Balance:
    """The same where nobody has looked at what was spent, such as for a lower cap: an account that is closed stays closed."""
    now = balance(tx, scope)
    if not tightens(now.stated, stated):
        raise ValueError("a cap loosens no privacy budget")
    return _restate(tx, now, stated)


def raise_to(tx: Transaction, scope: str, stated: Stated, cap: Stated | None = None, version: int | None = None) -> Balance:
    """Set a ceiling anew. The caller has the second person's approval; a dataset's stays within its lifetime cap."""
    _within(scope, stated, cap)
    return _set(tx, _unchanged(tx, scope, version), stated)


def close_accounts(tx: Transaction, at: datetime) -> None:
    """All there are: a restore does not know what was spent. Whatever was proposed for one lapses with its version."""
    tx.execute(update(accounts).values(closed_at=timestamp(at), version=accounts.c.version + 1))


def closed_accounts(tx: Transaction) -> list[str]:
    """The scopes whose ceiling has to be set anew."""
    return list(
        tx.execute(select(accounts.c.scope).where(accounts.c.closed_at.is_not(None)).order_by(accounts.c.scope)).scalars()
    )


def _within(scope: str, stated: Stated, cap: Stated | None) -> None:
    if not scope.startswith("dataset:") or stated.nothing:
        return
    if cap is None:
        raise ValueError("a dataset's budget is opened within its lifetime cap")
    if stated.epsilon > cap.epsilon or stated.delta > cap.delta:
        raise Refusal(
            Reason.INVALID_REQUEST,
            f"The dataset's lifetime cap is {cap}.",
            "State an epsilon and a delta within the lifetime cap.",
        )


def _kind_within(tx: Transaction, scope: str, kind: str, stated: Stated) -> str:
    """A researcher's own ceiling counts what the project's questions cost: rho cannot be counted as epsilon."""
    project = "project:" + scope.removeprefix("researcher:").partition("/")[0]
    if not scope.startswith("researcher:") or not exists(tx, project) or balance(tx, project).kind == PURE:
        return kind
    if kind == PURE and not stated.nothing:
        raise Refusal(
            Reason.INVALID_REQUEST, "The project's privacy budget is concentrated.", "State a delta such as 1e-6 as well."
        )
    return CONCENTRATED


def _unchanged(tx: Transaction, scope: str, version: int | None) -> Balance:
    now = balance(tx, scope)
    if version is not None and version != now.version:
        raise Refusal(Reason.CHANGED_MEANWHILE, "This privacy budget was changed since you read it.", "Read it again.")
    return now


def _set(tx: Transaction, now: Balance, stated: Stated) -> Balance:
    """By people, who know by now what was spent: that opens it."""
    tx.execute(update(accounts).where(accounts.c.scope == now.scope).values(closed_at=None))
    return _restate(tx, now, stated)


def _restate(tx: Transaction, now: Balance, stated: Stated) -> Balance:
    kind = _kind_within(tx, now.scope, _kind_after(now, stated), stated)
    values = _promise(stated) | {"kind": kind, "version": now.version + 1}
    tx.execute(update(accounts).where(accounts.c.scope == now.scope).values(values))
    if kind != now.kind:
        _count_anew(tx, now.scope, kind)
        _members_follow(tx, now.scope, stated, kind)
    return balance(tx, now.scope)


def _kind_after(now: Balance, stated: Stated) -> str:
    """Either kind while nothing is charged. From then on pure becomes concentrated at most: ACCOUNTING_KIND for the way back."""
    kind = scope_kind(now.scope, stated)
    if kind == now.kind or now.spent + now.reserved == PrivacyLoss():
        return kind
    if stated.nothing:
        return now.kind
    if kind == CONCENTRATED:
        return kind
    raise Refusal(
        Reason.ACCOUNTING_KIND,
        "This privacy budget has been charged in concentrated accounting and cannot become pure: no rho counts as an epsilon.",
        "State a delta above 0, or make a new project.",
    )


def _members_follow(tx: Transaction, scope: str, stated: Stated, kind: str) -> None:
    """A member's own pure ceiling cannot count what a concentrated project charges: it keeps its epsilon, and takes the project's
    delta. A member's concentrated one counts pure questions too, and stays as it is."""
    if kind != CONCENTRATED or not scope.startswith("project:"):
        return
    theirs = f"researcher:{scope.removeprefix('project:')}"
    for own in tx.execute(_MEMBERS, {"first": f"{theirs}/", "last": f"{theirs}0"}).scalars().all():  # 0 comes after /
        now = balance(tx, own)
        _restate(tx, now, Stated(now.stated.epsilon, stated.delta, stated.keys_delta))


def _promise(stated: Stated) -> dict[str, Any]:
    ceiling = stated.ceiling()
    return {
        "stated_epsilon": plain(stated.epsilon),
        "stated_delta": plain(stated.delta),
        "stated_keys_delta": None if stated.keys_delta is None else plain(stated.keys_delta),
        **{f"ceiling_{part}": getattr(ceiling, part) for part in PARTS},
    }


def _charge_earlier(tx: Transaction, scope: str, kind: str) -> None:
    """What a researcher was charged for in the project before their own account was opened."""
    project, _, person = scope.removeprefix("researcher:").partition("/")
    for row in tx.execute(_EARLIER, {"in": project, "by": person}).all():
        cost = in_kind(kind, PrivacyLoss(row.rho, row.epsilon, row.delta))
        tx.execute(insert(charges).values(reservation=row.id, scope=scope, **{part: getattr(cost, part) for part in PARTS}))


def _count_anew(tx: Transaction, scope: str, kind: str) -> None:
    """Spent and reserved from the charges themselves, each in the account's kind and rounded up by itself, as if it had been so
    from the first: a sum of epsilons says nothing of the sum of their squares."""
    total = {"spent": PrivacyLoss(), "reserved": PrivacyLoss()}
    for row in tx.execute(_CHARGED, {"of": scope}).all():
        pot = "reserved" if row.state == "open" else "spent"
        total[pot] += in_kind(kind, PrivacyLoss(row.rho, row.epsilon, row.delta))
    sums = {f"{pot}_{part}": getattr(amount, part) for pot, amount in total.items() for part in PARTS}
    tx.execute(update(accounts).where(accounts.c.scope == scope).values(sums))


def _balance(row: Row[Any]) -> Balance:
    keys = row.stated_keys_delta
    stated = Stated(Decimal(row.stated_epsilon), Decimal(row.stated_delta), None if keys is None else Decimal(keys))
    pots = {pot: PrivacyLoss(*(getattr(row, f"{pot}_{part}") for part in PARTS)) for pot in ("ceiling", "spent", "reserved")}
    return Balance(row.scope, row.kind, stated, **pots, version=row.version, closed_at=row.closed_at)
