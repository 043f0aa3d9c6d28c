"""The register, the opt-outs in plain facts, and the records of processing: what everyone is shown, from the log alone."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date
from pathlib import Path
from typing import Any, TypeVar

from tre import audit
from tre.errors import Reason, Refusal
from tre.office import registered
from tre.office.publishing import ORIGIN
from tre.office.registry import Registry
from tre.office.rooms import Rooms
from tre.policy import REGIMES, read_processing
from tre.state import State, Transaction

PAGE, MOST_KEPT = 2_000, 256
VERIFY = "docs/check-the-log.md: the log's files, its checkpoint and its proofs can be checked without this server"
T = TypeVar("T")


class Register:
    """The registry of a log that grows: each entry is read once. Read anew from the first where something sealed was erased."""

    def __init__(self, state: State) -> None:
        self._state, self._lock, self._registry = state, threading.Lock(), Registry()
        self._kept: dict[object, Any] = {}

    def show(self, name: object, tell: Callable[[Registry, bytes], T]) -> T:
        """What ``tell`` makes of the registry and the root of the log it was read from; kept under ``name`` while neither moves.
        One at a time: nobody sees it half read."""
        with self._lock, self._state.read() as tx:
            if self._moved(tx):
                self._kept.clear()
            if name not in self._kept:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[name] = tell(self._registry, audit.root(tx, self._registry.size))
            found: T = self._kept[name]
            return found

    def _moved(self, tx: Transaction) -> bool:
        """Bring it up to the log."""
        was, openings = (self._registry.size, self._registry.openings), audit.count_openings(tx)
        if audit.size(tx) == was[0] and openings == was[1]:
            return False
        self._read(tx)
        if self._registry.openings != openings:
            self._registry = Registry()
            self._read(tx)
        return True

    def _read(self, tx: Transaction) -> None:
        while found := audit.page(tx, after=self._registry.size - 1, limit=PAGE):
            self._registry.read(found)


class Showing(Rooms):
    """What needs no token."""

    register: Register

    def show_register(self) -> dict[str, Any]:
        """The register: datasets, lists of opt-outs, and a line for each project."""
        today = self._today()
        return self.register.show(("register", today), lambda registry, root: whole(registry, root, today))

    def show_project(self, project: str) -> dict[str, Any]:
        """One project of the register; NOT_FOUND when the log knows none of that id."""
        today = self._today()
        return self.register.show((project, today), lambda registry, root: one(registry, root, project, today))

    def register_rows(self) -> list[Mapping[str, str | None]]:
        """The register under HDR UK's column names."""
        today = self._today()
        return self.register.show(("rows", today), lambda registry, _: list(registered.as_rows(registry, today)))

    def show_opt_outs(self) -> dict[str, Any]:
        """Which opt-outs apply to what, and which exemptions are in force."""
        today = self._today()
        return self.register.show(("opt-outs", today), lambda registry, _: opt_outs(registry, today))

    def processing(self, folder: Path) -> dict[str, Any]:
        """The records of processing of each dataset (UK GDPR, Article 30): what the policies' folder says, and the projects."""
        given, found = read_processing(folder, tuple(self.policies.datasets)), self.show_register()
        return {
            "as_of": found["as_of"],
            "records": [
                {
                    "dataset": name,
                    **given[name].model_dump(mode="json"),
                    "purposes": [_purpose(line) for line in found["projects"] if line["dataset"] == name],
                }
                for name in self.policies.datasets
            ],
        }

    def _today(self) -> date:
        return self.clock().astimezone(UTC).date()


def whole(registry: Registry, root: bytes, today: date) -> dict[str, Any]:
    """The register as it is published."""
    return _headed(registry, root, today) | {
        "datasets": [registered.told_dataset(name, held) for name, held in sorted(registry.datasets.items())],
        "opt_outs": registered.told_lists(registry),
        "prohibited_purposes": list(registry.prohibited),
        "projects": registered.listed(registry, today),
    }


def one(registry: Registry, root: bytes, project: str, today: date) -> dict[str, Any]:
    """One project as it is published."""
    found = registry.projects.get(project)
    if found is None:
        raise Refusal(Reason.NOT_FOUND, "The register has no such project.", "GET /v1/register lists them.")
    held = registered.told_dataset(found.dataset, registry.dataset(found.dataset))
    lists = registered.told_lists(registry)
    return _headed(registry, root, today) | registered.told(registry, found, today) | {"dataset_facts": held, "opt_outs": lists}


def opt_outs(registry: Registry, today: date) -> dict[str, Any]:
    """The matrix of purposes and regimes, and the exemptions in force."""
    return {
        "as_of": today.isoformat(),
        "regimes": list(REGIMES),
        "purposes": [
            {"purpose": name, "applies": {regime: _applies(found, regime) for regime in REGIMES}}
            for name, found in sorted(registry.purposes.items())
        ],
        "prohibited": list(registry.prohibited),
        "exemptions": [
            {"project": project.id, "title": project.words.get("title"), **exemption}
            for project in registry.projects.values()
            for exemption in registered.in_force(project, today)
        ],
        **registered.told_lists(registry),
        "datasets": [registered.told_dataset(name, held) for name, held in sorted(registry.datasets.items())],
    }


def _applies(purpose: Mapping[str, Any], regime: str) -> str:
    return "always" if regime in purpose["regimes"] or not purpose.get("exemption_required") else "unless an exemption lifts it"


def _headed(registry: Registry, root: bytes, today: date) -> dict[str, Any]:
    made_from = {"origin": ORIGIN, "size": registry.size, "root": base64.b64encode(root).decode()}
    return {"as_of": today.isoformat(), "log": made_from | {"checkpoint": "/checkpoint", "tiles": "/tile/", "verify": VERIFY}}


def _purpose(line: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "title", "organisation", "purpose_class", "state", "ends_on", "address")
    return {name: line[name] for name in names}
