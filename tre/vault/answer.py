"""Inside the worker: an order becomes what may be shown, by the one order of the steps.

Promises compile → count → check → noise → suppress for every order, connections kept for the present snapshot and exclusion of
a dataset, and for every failure one fixed word. Lets no exception's text out. Runs after the sandbox stands, since it imports the
engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tre.plan.nodes import tables_of
from tre.plan.order import Order, order_from_json
from tre.terms import Exclusion, Snapshot
from tre.vault.check import Alarm, check_contributions, check_plan, check_sums, check_tables, manifest_of
from tre.vault.compile import NotCompiled
from tre.vault.engines import EngineFailed
from tre.vault.engines.duckdb import Facts, Limits, Records
from tre.vault.noise import NotCovered, choose, perturb
from tre.vault.shown import Shown, shown_to_json
from tre.vault.suppress import suppress

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (Alarm, "alarm"),
    (NotCovered, "noise"),
    (NotCompiled, "order"),
    (MemoryError, "memory"),
    (OSError, "snapshot"),
    (KeyError, "order"),
    (ValueError, "order"),
    (TypeError, "order"),
)


class Vault:
    """The open records of this worker. ``noise`` and ``choice`` are the seams at which a test puts none; the worker never passes
    them."""

    def __init__(
        self, store: Path, limits: Limits, noise: Callable[..., Any] = perturb, choice: Callable[..., Any] = choose
    ) -> None:
        self._store, self._limits, self._noise, self._choice = store, limits, noise, choice
        self._open: dict[tuple[Snapshot, Exclusion], Records] = {}
        self._facts: dict[Snapshot, Facts] = {}

    def reply(self, message: Any) -> Mapping[str, Any]:
        """One message, one reply; a fault is a word."""
        try:
            if "prepare" in message:
                self.prepare(*_prepared(message["prepare"]))
                return {"prepared": True}
            return {"shown": shown_to_json(self.answer(order_from_json(message["order"])))}
        except EngineFailed as failed:
            return {"fault": failed.code}
        except Exception as error:  # noqa: BLE001 (whatever it is, its words stay here)
            return {"fault": next((word for kind, word in _WORDS if isinstance(error, kind)), "engine")}

    def answer(self, order: Order) -> Shown:
        """The one road from records to numbers; a bound that is open is chosen first, and then counted with."""
        records, chosen = self.prepare(order.snapshot, order.exclusion, tables_of(order.plan.relation)), None
        check_plan(records.manifest, records.counted, order.plan)
        if order.choice is not None:
            contributions = records.contributions(order.plan)
            check_contributions(contributions, order, records.counted)
            chosen = self._choice(contributions, order)
            order = order.at(chosen.k)
        exact, seen = records.count(order.plan)
        check_sums(exact, seen, order, records.counted)
        return suppress(self._noise(exact, order), order, chosen)

    def prepare(self, snapshot: Snapshot, exclusion: Exclusion, tables: Iterable[str] | None = None) -> Records:
        """Open records of this snapshot without these people, some tables or all of them ready; made so now if they are not."""
        records = self._open.get((snapshot, exclusion)) or self._opened(snapshot, exclusion)
        try:
            check_tables(records.manifest, records.ready(records.manifest["tables"] if tables is None else tables))
        except BaseException:
            self._open.pop((snapshot, exclusion)).close()
            raise
        return records

    def _opened(self, snapshot: Snapshot, exclusion: Exclusion) -> Records:
        self._forget(snapshot, exclusion)
        self._within_store(snapshot.folder, exclusion.file)
        facts = self._facts.setdefault(snapshot, {})
        records = self._open[snapshot, exclusion] = Records(snapshot, exclusion, manifest_of(snapshot), self._limits, facts)
        return records

    def _within_store(self, *paths: str) -> None:
        if any(not Path(path).resolve().is_relative_to(self._store) for path in paths):
            raise FileNotFoundError

    def _forget(self, snapshot: Snapshot, exclusion: Exclusion) -> None:
        """Closes what is superseded: another snapshot of the dataset, or another version of the same regimes.

        All of a dataset's connections are closed together: closing one file lets go of every lock that this process holds on that
        file, and an unlocked snapshot may be unlinked by the store while a connection still reads it.
        """
        kept = [pair for pair in self._open if pair[0].dataset == snapshot.dataset]
        if any(before.id != snapshot.id or other.regimes == exclusion.regimes for before, other in kept):
            for pair in kept:
                self._open.pop(pair).close()
        self._facts = {one: facts for one, facts in self._facts.items() if one == snapshot or one.dataset != snapshot.dataset}


def _prepared(body: Any) -> tuple[Snapshot, Exclusion, list[str] | None]:
    exclusion = body["exclusion"]
    return Snapshot(**body["snapshot"]), Exclusion(**exclusion | {"regimes": tuple(exclusion["regimes"])}), body["tables"]
