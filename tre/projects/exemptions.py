"""Exemptions: which opt-outs do not apply to a project, on whose approval, until when.

Promises that an exemption counts from the moment another person approved it to the end of its last day, that it ends at once when
it is revoked, and that without one that counts all regimes apply. It lifts only what the project's class of purposes lets be
lifted. Whoever names the regimes of a question reads them here, in the transaction that stands on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from tre.errors import Reason, Refusal
from tre.policy import REGIMES, Policies
from tre.projects.project import Project
from tre.projects.tables import exemptions as table
from tre.state import Transaction
from tre.terms import timestamp

LONGEST = timedelta(days=366)
LONGEST_WORDS = 500
_REFERENCE = re.compile(r"(?! )[ -~]{1,100}(?<! )")
_OF = select(table).where(table.c.project == bindparam("of"), table.c.revoked_at.is_(None)).order_by(table.c.number)


@dataclass(frozen=True, slots=True)
class Exemption:
    """``regimes`` are those that do not apply; ``expires_on`` is its last day, in UTC."""

    id: str
    project: str
    regimes: tuple[str, ...]
    legal_basis: str
    approval_reference: str
    expires_on: date
    granted_at: str
    revoked_at: str | None = None

    def __post_init__(self) -> None:
        if not self.regimes or list(self.regimes) != sorted(set(self.regimes)) or not set(self.regimes) <= set(REGIMES):
            raise _invalid("An exemption names the regimes that shall not apply.", f"Regimes are {', '.join(REGIMES)}.")
        if not self.legal_basis.strip() or len(self.legal_basis) > LONGEST_WORDS:
            raise _invalid("An exemption has a legal basis.", "Name the law or the permission that lifts the opt-outs.")
        if not _REFERENCE.fullmatch(self.approval_reference):
            raise _invalid("An exemption has the reference of its approval: 1 to 100 printable characters of ASCII.")

    def counts(self, at: datetime) -> bool:
        """Whether it was in force at a moment."""
        revoked = self.revoked_at is not None and self.revoked_at <= timestamp(at)
        return not revoked and self.granted_at <= timestamp(at) and at.astimezone(UTC).date() <= self.expires_on

    def over(self, at: datetime) -> bool:
        """Whether it has ended by now, ``at``: revoked, also a moment after ``at``, or its last day is over."""
        return self.revoked_at is not None or at.astimezone(UTC).date() > self.expires_on

    def to_json(self) -> dict[str, str]:
        """What the public is told of it, as an entry's body names it."""
        return {
            "exemption": self.id,
            "regimes": ",".join(self.regimes),
            "legal_basis": self.legal_basis,
            "approval_reference": self.approval_reference,
            "expires_on": self.expires_on.isoformat(),
        }


def wanted(id: str, project: str, fields: Mapping[str, Any], at: datetime) -> Exemption:
    """An exemption from JSON, as it would count from ``at`` on. INVALID_REQUEST when a field is missing, its last day is over, or
    it is more than a year ahead."""
    try:
        regimes, last = tuple(sorted(set(fields["regimes"]))), date.fromisoformat(fields["expires_on"])
        made = Exemption(id, project, regimes, fields["legal_basis"], fields["approval_reference"], last, timestamp(at))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _invalid("An exemption has regimes, a legal basis, the reference of an approval, and a last day.") from None
    today = at.astimezone(UTC).date()
    if not today <= made.expires_on <= today + LONGEST:
        raise _invalid(f"An exemption's last day is between today and {LONGEST.days} days from now.", "Have it renewed in time.")
    return made


def grant(tx: Transaction, exemption: Exemption, project: Project, policies: Policies) -> Exemption:
    """Write down an exemption that another person has approved; it counts from here on."""
    _liftable(exemption, project, policies)
    values = {name: getattr(exemption, name) for name in ("id", "project", "legal_basis", "approval_reference", "granted_at")}
    last, regimes = exemption.expires_on.isoformat(), ",".join(exemption.regimes)
    tx.execute(insert(table), values | {"regimes": regimes, "expires_on": last})
    return exemption


def revoke(tx: Transaction, id: str, at: datetime) -> Exemption:
    """End an exemption at once. NOT_FOUND for one that does not exist or has been revoked."""
    ended = update(table).where(table.c.id == id, table.c.revoked_at.is_(None)).values(revoked_at=timestamp(at))
    if tx.execute(ended).rowcount != 1:
        raise Refusal(Reason.NOT_FOUND, "There is no such exemption in force.", "GET /v1/register lists those in force.")
    return _exemption(tx.execute(select(table).where(table.c.id == id)).one())


def revoke_all(tx: Transaction, project: str, at: datetime) -> list[Exemption]:
    """End all exemptions of a project at once: they were for another purpose."""
    return [revoke(tx, one.id, at) for one in map(_exemption, tx.execute(_OF, {"of": project}).all())]


def in_force(tx: Transaction, project: str, at: datetime) -> tuple[Exemption, ...]:
    """Those that count at a moment, in the order they were granted."""
    return tuple(one for one in map(_exemption, tx.execute(_OF, {"of": project})) if one.counts(at))


def ended(tx: Transaction, project: str, since: datetime, at: datetime) -> bool:
    """Whether an exemption that counted at ``since``, or was revoked in that very moment, has ended by now, ``at``.
    For what was asked at ``since`` and does not say under which exemptions."""
    rows = tx.execute(select(table).where(table.c.project == project, table.c.granted_at <= timestamp(since)))
    stood = [one for one in map(_exemption, rows) if one.revoked_at is None or one.revoked_at >= timestamp(since)]
    return any(one.over(at) and since.astimezone(UTC).date() <= one.expires_on for one in stood)


def any_over(tx: Transaction, ids: Iterable[str], at: datetime) -> bool:
    """Whether one of these has ended by now, ``at``."""
    rows = tx.execute(select(table).where(table.c.id.in_(sorted(ids))))
    return any(one.over(at) for one in map(_exemption, rows))


def applying(purpose: str, exemptions: Iterable[Exemption], policies: Policies) -> tuple[str, ...]:
    """The regimes that apply to a project of a purpose, sorted: all of them but what an exemption lifts; and what the class of
    purposes says stays in force whatever an exemption says."""
    lifted = {regime for one in exemptions for regime in one.regimes}
    return tuple(sorted(set(REGIMES) - (lifted & _of_class(purpose, policies))))


def _of_class(purpose: str, policies: Policies) -> set[str]:
    """The regimes that may be lifted."""
    found = policies.purposes.get(purpose)
    if found is None or not found.exemption_required:
        return set()
    return {str(regime) for regime in REGIMES if regime not in found.regimes}


def _liftable(exemption: Exemption, project: Project, policies: Policies) -> None:
    may = _of_class(project.purpose, policies)
    if not may or project.purpose in policies.prohibited:
        raise Refusal(
            Reason.PURPOSE_NOT_PERMITTED,
            "The policy lets no opt-out be lifted for the purpose of this project.",
            "Ask under all opt-outs, or in a project of a purpose whose class has exemption_required.",
        )
    if not set(exemption.regimes) <= may:
        raise Refusal(
            Reason.PURPOSE_NOT_PERMITTED,
            f"For this purpose the policy lets only these be lifted: {', '.join(sorted(may))}.",
            "Name those, or fewer of them.",
        )


def _invalid(detail: str, suggestion: str = "") -> Refusal:
    return Refusal(Reason.INVALID_REQUEST, detail, suggestion)


def _exemption(row: Row[Any]) -> Exemption:
    fields = {name: value for name, value in row._mapping.items() if name != "number"}
    return Exemption(**fields | {"regimes": tuple(row.regimes.split(",")), "expires_on": date.fromisoformat(row.expires_on)})
