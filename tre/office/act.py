"""One act of governing: what it needs, and the entry it leaves. Without an entry there is no act."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from tre import audit
from tre.audit import SALT, Entry
from tre.errors import Reason, Refusal
from tre.state import State, Transaction
from tre.terms import Person

T = TypeVar("T")
Body = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Act:
    """``kind`` of the entry, who acts, and its labels; ``sealed`` is for auditors alone."""

    kind: str
    person: Person
    at: datetime
    project: str | None = None
    dataset: str | None = None
    body: Body = field(default_factory=dict)
    sealed: Body = field(default_factory=dict)

    def entry(self, more: Body | None = None) -> Entry:
        return Entry(
            kind=self.kind,
            at=self.at,
            body={**self.body, **(more or {})},
            project=self.project,
            person_asking=self.person.pseudonym,
            dataset=self.dataset,
            outcome="done",
            sealed=self.sealed,
            salt=secrets.token_bytes(SALT) if self.sealed else b"",
        )


@dataclass(frozen=True, slots=True)
class Proposed:
    """What waits for another person, instead of having been done."""

    approval: str
    simulation: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"/v1/approvals/{self.approval}"

    def to_json(self) -> dict[str, Any]:
        return {"approval": self.approval, "address": self.address, "simulation": dict(self.simulation)}


def carry_out(state: State, act: Act, change: Callable[[Transaction], tuple[T, Body]]) -> T:
    """The change and its entry in one transaction. ``change`` gives its value and what the entry says besides."""

    def write(tx: Transaction) -> T:
        value, told = change(tx)
        audit.append(tx, act.entry(told))
        return value

    return state.write(write)


def demand(person: Person, *roles: str) -> None:
    """ROLE_NOT_ALLOWED unless the person has one of the roles."""
    if not person.roles & set(roles):
        raise Refusal(Reason.ROLE_NOT_ALLOWED, f"This call is for: {', '.join(sorted(roles))}.")


def unchanged(version: int, if_match: str | None) -> None:
    """CHANGED_MEANWHILE when the ETag that was read is not the present one."""
    if if_match is not None and if_match.strip().strip('"') not in (str(version), "*"):
        raise Refusal(Reason.CHANGED_MEANWHILE)
