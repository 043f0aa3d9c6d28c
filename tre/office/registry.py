"""What the log says of who uses the records and what for: read entry by entry, from the first to the last.

Promises that the same entries, with what they have sealed as far as that has not been erased, make the same registry, whatever
else has happened: nothing is read but the log. Holds no person's name and no question.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tre.audit import Logged
from tre.budget import Stated
from tre.loss import DELTA_UNIT, UNIT, PrivacyLoss

WORDS = ("title", "lay_summary", "purpose", "legal_basis", "organisation", "benefit", "ends_on", "state")
# How a question ended, as the register tells it. What is told of a fault is that there was one.
ENDED = {"released": "answered", "repeated": "answered", "refused": "refused", "fault": "faults", "cancelled": "cancelled"}
# What a stranger asks for a project is not that project's question.
STRANGERS = "not-found"


@dataclass(slots=True)
class Account:
    """A budget as it was stated last, and the loss taken from it, counted both ways: as rho and delta, and as epsilon."""

    stated: Stated | None = None
    rho: int = 0
    delta: int = 0
    epsilon: int = 0

    def take(self, rho: int, epsilon: int, delta: int) -> None:
        self.rho += PrivacyLoss(epsilon=epsilon).concentrated().rho if epsilon else rho
        self.delta += delta
        self.epsilon += epsilon

    @property
    def spent(self) -> PrivacyLoss:
        if self.stated is not None and not self.stated.delta:
            return PrivacyLoss(epsilon=self.epsilon)
        return PrivacyLoss(rho=self.rho, delta=self.delta)


@dataclass(slots=True)
class Lifted:
    """An exemption: what its entry says, and how far it has come."""

    fields: Mapping[str, Any]
    proposed_on: str | None = None
    granted_on: str | None = None
    ended_on: str | None = None


@dataclass(slots=True)
class Registered:
    """A project. ``months`` counts its questions by the month in which they were asked, and by how they ended."""

    id: str
    dataset: str
    made_on: str
    words: dict[str, str] = field(default_factory=dict)
    stands_on: list[dict[str, str]] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    exemptions: dict[str, Lifted] = field(default_factory=dict)
    decisions: list[dict[str, str]] = field(default_factory=list)
    months: dict[str, Counter[str]] = field(default_factory=dict)
    policies: list[str] = field(default_factory=list)
    first_asked_on: str | None = None


@dataclass(slots=True)
class Held:
    """A dataset: what the policy in force says of it, what is live, the opt-outs it answers under, and its account."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    policy: str | None = None
    snapshot: str | None = None
    loaded_on: str | None = None
    opt_outs: tuple[str, ...] | None = None
    account: Account = field(default_factory=Account)


@dataclass(slots=True)
class Registry:
    """All of it, as of so many entries. ``openings`` of them had something sealed that could be read."""

    size: int = 0
    openings: int = 0
    last_at: str = ""
    projects: dict[str, Registered] = field(default_factory=dict)
    datasets: dict[str, Held] = field(default_factory=dict)
    purposes: Mapping[str, Any] = field(default_factory=dict)
    prohibited: list[str] = field(default_factory=list)
    delivered: dict[str, str] = field(default_factory=dict)
    reconciled: dict[str, str] = field(default_factory=dict)
    _proposals: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, tuple[str, str]] = field(default_factory=dict)

    def read(self, entries: Iterable[Logged]) -> None:
        """The next entries, in order."""
        for entry in entries:
            self.size, self.last_at = entry.index + 1, entry.at
            self.openings += entry.opening is not None
            if read := _READERS.get(entry.kind):
                read(self, entry)

    def dataset(self, name: str) -> Held:
        return self.datasets.setdefault(name, Held())

    # ------------------------------------------------------------------ acts of governing
    def _made(self, entry: Logged) -> None:
        if entry.project is None or entry.dataset is None or entry.project in self.projects:
            return  # founded at the terminal once more: nothing of it was changed
        made = self.projects[entry.project] = Registered(entry.project, entry.dataset, _day(entry))
        made.words = {"state": "inactive"}
        self._changed(entry)
        if "epsilon" in entry.body:
            made.account.stated = _stated(entry.body)
        if "dataset_epsilon" in entry.body:
            prefix = "dataset_"
            body = {name.removeprefix(prefix): value for name, value in entry.body.items() if name.startswith(prefix)}
            self.dataset(entry.dataset).account.stated = _stated(body)

    def _changed(self, entry: Logged) -> None:
        if (project := self._project(entry)) is None:
            return
        if "purpose" in entry.body and entry.kind == "project-changed":
            for one in project.exemptions.values():
                one.ended_on = one.ended_on or _day(entry)
        project.words |= {name: str(entry.body[name]) for name in WORDS if name in entry.body}
        if "stands_on" in entry.body:
            project.stands_on = json.loads(str(entry.body["stands_on"]))

    def _budget(self, entry: Logged) -> None:
        if (project := self._project(entry)) is not None:
            project.account.stated = _stated(entry.body)
        elif entry.dataset is not None:
            self.dataset(entry.dataset).account.stated = _stated(entry.body)

    def _proposed(self, entry: Logged) -> None:
        self._proposals[str(entry.body.get("approval"))] = str(entry.body.get("proposes"))
        if (project := self._project(entry)) is not None and "exemption" in entry.body:
            project.exemptions[str(entry.body["exemption"])] = Lifted(entry.body, proposed_on=_day(entry))

    def _decided(self, entry: Logged) -> None:
        what = self._proposals.pop(str(entry.body.get("approval")), None)
        if (project := self._project(entry)) is None or what is None:
            return
        project.decisions.append({"on": _day(entry), "of": what, "decision": entry.kind})

    def _refused(self, entry: Logged) -> None:
        """What a proposal came to, or a question."""
        (self._decided if "approval" in entry.body else self._closed)(entry)

    def _exempted(self, entry: Logged) -> None:
        if (project := self._project(entry)) is not None:
            known = project.exemptions.setdefault(str(entry.body["exemption"]), Lifted(entry.body))
            known.granted_on = _day(entry)

    def _revoked(self, entry: Logged) -> None:
        if (project := self._project(entry)) is not None and (one := project.exemptions.get(str(entry.body["exemption"]))):
            one.ended_on = _day(entry)

    def _policy(self, entry: Logged) -> None:
        for name, policy in _json(entry, "digests").items():
            self.dataset(name).policy = policy
        for name, facts in _json(entry, "datasets").items():
            self.dataset(name).facts = facts
        self.purposes = _json(entry, "purposes") or self.purposes
        self.prohibited = str(entry.body["prohibited"]).split(",") if "prohibited" in entry.body else self.prohibited

    def _live(self, entry: Logged) -> None:
        if entry.dataset is not None and "snapshot" in entry.body:
            held = self.dataset(entry.dataset)
            held.snapshot, held.loaded_on = str(entry.body["snapshot"]), _day(entry)

    def _delivered(self, entry: Logged) -> None:
        if "regime" in entry.body:
            self.delivered[str(entry.body["regime"])] = _day(entry)

    def _reconciled(self, entry: Logged) -> None:
        """The check service's list: whoever is not on it has objected, so that it is a delivery and a reconciliation in one."""
        if "regime" in entry.body:
            self.delivered[str(entry.body["regime"])] = self.reconciled[str(entry.body["regime"])] = _day(entry)

    # ------------------------------------------------------------------ questions
    def _question(self, entry: Logged) -> None:
        if (project := self._project(entry)) is None or entry.id is None:
            return
        month, policy = entry.at[:7], str(entry.body.get("policy"))
        project.months.setdefault(month, Counter())["asked"] += 1
        project.first_asked_on = project.first_asked_on or _day(entry)
        if policy not in project.policies:
            project.policies.append(policy)
        self._asked[entry.id] = project.id, month

    def _reserved(self, entry: Logged) -> None:
        loss = _loss(entry.body)
        if (project := self._project(entry)) is not None:
            project.account.take(*loss)
        if entry.dataset is None:
            return
        held = self.dataset(entry.dataset)
        if entry.body.get("repeat_of") is None:  # nothing was drawn for a release that the dataset has paid for
            held.account.take(*loss)
        if held.opt_outs is None:
            held.opt_outs = tuple(str(entry.body.get("opt_outs", "local,national,type-1")).split(","))

    def _closed(self, entry: Logged) -> None:
        project, month = self._asked.pop(entry.id or "", (None, ""))
        if project is None:
            return
        counted = self.projects[project].months[month]
        if entry.reason == STRANGERS:
            counted["asked"] -= 1
        elif (ended := ENDED.get(entry.outcome or "")) is not None:
            counted[ended] += 1

    def _project(self, entry: Logged) -> Registered | None:
        return self.projects.get(entry.project or "")


_READERS: Mapping[str, Callable[[Registry, Logged], None]] = {
    "project-made": Registry._made,
    "project-changed": Registry._changed,
    "budget": Registry._budget,
    "proposed": Registry._proposed,
    **dict.fromkeys(("approved", "withdrawn", "lapsed"), Registry._decided),
    "refused": Registry._refused,
    "exemption": Registry._exempted,
    "exemption-revoked": Registry._revoked,
    "policy-adopted": Registry._policy,
    "policy-changed": Registry._policy,
    **dict.fromkeys(("loaded", "erased", "restored"), Registry._live),
    "opt-outs": Registry._delivered,
    "opt-outs-cleared": Registry._reconciled,
    "asked": Registry._question,
    "reserved": Registry._reserved,
    **dict.fromkeys(("released", "fault", "cancelled", "closed"), Registry._closed),
}


def _day(entry: Logged) -> str:
    return entry.at[:10]  # RFC 3339 in UTC


def _json(entry: Logged, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(str(entry.body.get(name) or "{}"))
    return found


def _stated(body: Mapping[str, Any]) -> Stated:
    keys = body.get("keys_delta")
    return Stated(Decimal(str(body["epsilon"])), Decimal(str(body["delta"])), None if keys is None else Decimal(str(keys)))


def _loss(body: Mapping[str, Any]) -> tuple[int, int, int]:
    """rho and epsilon in 10^-12, delta in 10^-18, as the ledger counts them."""
    return _amount(body, "rho", UNIT), _amount(body, "epsilon", UNIT), _amount(body, "delta", DELTA_UNIT)


def _amount(body: Mapping[str, Any], part: str, unit: int) -> int:
    return int(Decimal(body[part]) * unit) if part in body else 0
