"""Approvals from outside that a project stands on: an ethics committee's, an access board's; each with an end of its own.

The lapse of any one of them stops the project's questions. Only an end that comes sooner, or none of them at all, asks less of
whoever decides: a new approval, a later end, and one that is left out all wait for a second person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tre.errors import Reason, Refusal
from tre.projects.names import valid_name
from tre.terms import timestamp

MOST = 20
_REFERENCE = re.compile(r"(?! )[ -~]{1,100}(?<! )")


@dataclass(frozen=True, slots=True)
class OutsideApproval:
    """``kind`` is a name such as ``ethics``; from ``expires_at`` on it has lapsed."""

    kind: str
    reference: str
    expires_at: datetime

    def __post_init__(self) -> None:
        valid_name(self.kind)
        if not _REFERENCE.fullmatch(self.reference):
            raise Refusal(Reason.INVALID_REQUEST, "An approval's reference has 1 to 100 printable characters of ASCII.")
        timestamp(self.expires_at)

    def lapsed(self, at: datetime) -> bool:
        return at >= self.expires_at

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "reference": self.reference, "expires_at": timestamp(self.expires_at)}

    def __str__(self) -> str:
        return f"{self.kind} ({self.reference}) until {timestamp(self.expires_at)}"


def approvals_of(given: Iterable[Mapping[str, Any]]) -> tuple[OutsideApproval, ...]:
    """From JSON, in the order of kind and reference; INVALID_REQUEST when one is named twice or there are too many."""
    made = [OutsideApproval(one["kind"], one["reference"], _instant(one["expires_at"])) for one in given]
    ends = _ends(made)
    if len(ends) < len(made):
        raise Refusal(Reason.INVALID_REQUEST, "An approval is named twice.", "Name each kind and reference once.")
    if len(made) > MOST:
        raise Refusal(Reason.INVALID_REQUEST, f"A project has at most {MOST} approvals.")
    return tuple(sorted(made, key=lambda one: (one.kind, one.reference)))


def extends(now: Iterable[OutsideApproval], then: Iterable[OutsideApproval]) -> bool:
    """Whether a project could stand on ``then`` longer, or on something else. Without any it stands on nothing."""
    before, after = _ends(now), _ends(then)
    return bool(after) and (after.keys() != before.keys() or any(end > before[one] for one, end in after.items()))


def check_lapse(approvals: Iterable[OutsideApproval], at: datetime) -> None:
    """APPROVAL_LAPSED names each approval that has lapsed, and when; or says that there is none."""
    given = list(approvals)
    if not given:
        raise Refusal(Reason.APPROVAL_LAPSED, "The project has no approval to stand on.", "Ask an admin to record one.")
    ended = [f"{one.kind} ({one.reference}) on {timestamp(one.expires_at)}" for one in given if one.lapsed(at)]
    if ended:
        raise Refusal(Reason.APPROVAL_LAPSED, f"Lapsed: the approval {', '.join(ended)}.", "Ask an admin to have it renewed.")


def _ends(approvals: Iterable[OutsideApproval]) -> dict[tuple[str, str], datetime]:
    return {(one.kind, one.reference): one.expires_at for one in approvals}


def _instant(given: str | datetime) -> datetime:
    return (datetime.fromisoformat(given) if isinstance(given, str) else given).astimezone(UTC)
