"""The registers as the office keeps them: the check service's list of cleared people, withdrawals, and the watch over feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from tre import audit, optouts, store
from tre.errors import Fault, Refusal, Unfit
from tre.office.act import Act, demand
from tre.office.rooms import Rooms
from tre.optouts import BY_LIST, NATIONAL, Alarm
from tre.policy import REGIMES, Policies
from tre.state import Transaction
from tre.store import OPENED_WITHIN_S, Listed
from tre.terms import Person, Snapshot

WHY = {
    "silent": "nothing has come for days",
    "far-smaller": "far fewer than usual",
    "smaller": "a list that cleared far fewer people was refused",
    "empty": "an empty list was refused",
    "unreadable": "a reply that is no list was refused",
}
ALARM, CLEARED, WITHDRAWN = "opt-outs-alarm", "opt-outs-cleared", "opt-outs-withdrawn"


class Registering(Rooms):
    """Who is cleared, who withdrew, and which feeds have stopped."""

    store: Path
    registers: Path

    # ------------------------------------------------------------------ the list of cleared people
    def deliver_cleared(self, person: Person, file: Path, smaller: bool = False) -> dict[str, Any]:
        """The check service's reply, whole, in force for the next question computed. Refused, with an alarm, when it is no list,
        when it is empty, or when it clears far fewer people than the former one and nobody says that this is right."""
        demand(person, "controller")
        if not file.is_file():
            raise Unfit(f"{file} cannot be read (no such file)")
        with store.delivering(self.registers):
            return self._clear(person, file, smaller, file.name)

    @contextmanager
    def receiving_cleared(self, person: Person) -> Iterator[BinaryIO]:
        """A file for the list as it comes in over HTTP; gone afterwards, for it holds identifiers."""
        demand(person, "controller")
        with store.workshop(self.registers) as begun, (begun / "received").open("xb+") as file:
            yield file

    def received_cleared(self, person: Person, file: BinaryIO, smaller: bool) -> dict[str, Any]:
        """What came in, as `deliver_cleared` takes it."""
        file.flush()
        with store.delivering(self.registers):
            return self._clear(person, Path(file.name), smaller, optouts.http_source(person.pseudonym))

    def _clear(self, person: Person, file: Path, smaller: bool, source: str) -> dict[str, Any]:
        try:
            listed = store.enlist(file, self.registers, self.keys.pseudonym)
        except Fault:  # the engine could not even make lines of it
            self._alarmed(person, optouts.NO_LIST)
            raise optouts.Doubtful(optouts.NO_LIST) from None
        try:
            self._look_at(listed, smaller)
            self._compare(store.place_of(self.registers, listed.name))
            made, former = self.state.write(lambda tx: self._put_in_force(tx, person, listed, smaller, source))
        except optouts.Doubtful as doubtful:
            self._alarmed(person, doubtful.why)
            self._drop(listed)
            raise
        return {
            "list": BY_LIST,
            "received": made.received,
            "cleared": made.people,
            "repeated": made.repeated,
            "rejected": dict(made.rejected),
            "changed": former is None or former.list != made.list,
        }

    def _look_at(self, listed: Listed, smaller: bool) -> None:
        """Before anything is made of it: whether it would be refused."""
        with self.state.read() as tx:
            optouts.check_list(optouts.cleared(tx), listed.people, listed.repeated, listed.rejected, smaller)

    def _compare(self, file: Path) -> None:
        """Who of the live records is not on it is found before it is in force, so that no question waits for that."""
        for snapshot in self._records_to_clear():
            store.uncleared(snapshot, file)

    def _records_to_clear(self) -> list[Snapshot]:
        """The live snapshots whose persons the check service knows."""
        wanted = [name for name, policy in self.policies.datasets.items() if policy.opt_outs.national == BY_LIST]
        with self.state.read() as tx:
            return [snapshot for name in wanted if (snapshot := store.live(tx, name)) is not None]

    def _put_in_force(
        self, tx: Transaction, person: Person, listed: Listed, smaller: bool, source: str
    ) -> tuple[optouts.ClearedList, optouts.ClearedList | None]:
        """One small transaction: the row, its entry, and an alarm where the list is smaller and was said to be right."""
        at, former = self.clock(), optouts.cleared(tx)
        made = optouts.clear(
            tx,
            listed.name,
            people=listed.people,
            repeated=listed.repeated,
            rejected=listed.rejected,
            source=source,
            at=at,
            smaller=smaller,
        )
        # The counts are the controller's: in the log they would tell how many people have not objected.
        audit.append(tx, Act(CLEARED, person, at, body={"regime": NATIONAL, "smaller": "said" if smaller else "no"}).entry())
        if optouts.doubt(former, made.people, made.received, sum(made.rejected.values())) is not None:
            audit.append(tx, _alarm_entry(person, Alarm(NATIONAL, BY_LIST, optouts.MUCH_SMALLER, made.at), at))
        return made, former

    def _alarmed(self, person: Person, why: str) -> None:
        """What was not put in force is in the log, and stands until a list is."""

        def write(tx: Transaction) -> None:
            at = self.clock()
            alarm = optouts.raise_alarm(tx, NATIONAL, BY_LIST, why, at)
            audit.append(tx, _alarm_entry(person, alarm, at))

        self.state.write(write)

    def _drop(self, listed: Listed) -> None:
        """The file of a list that was refused, unless it is that of the one in force."""
        with self.state.read() as tx:
            former = optouts.cleared(tx)
        if former is None or former.list != listed.name:
            listed.file.unlink(missing_ok=True)

    def ready_for_cleared(self, snapshot: Snapshot) -> None:
        """Before records become live: who of them is not on the list in force."""
        if self._policy(snapshot.dataset).opt_outs.national != BY_LIST:
            return
        with self.state.read() as tx:
            found = optouts.cleared(tx)
        file = store.place_of(self.registers, found.list) if found is not None else None
        if file is not None and file.is_file():
            store.uncleared(snapshot, file)

    # ------------------------------------------------------------------ withdrawals
    def withdraw_opt_outs(self, person: Person, regime: str, nhs_numbers: Iterable[str]) -> dict[str, Any]:
        """A list from a body: their objections under this regime do not count from the next question computed on."""
        return self._withdraw(person, regime, optouts.lines_of(regime, nhs_numbers), optouts.http_source(person.pseudonym))

    def withdraw_opt_outs_file(self, person: Person, file: Path, regime: str) -> dict[str, Any]:
        """A list from a CSV file with the header nhs_number."""
        try:
            return self._withdraw(person, regime, optouts.read_file(file, regime), file.name)
        except OSError as error:
            raise Unfit(f"{file} cannot be read ({error.strerror})") from None

    def _withdraw(self, person: Person, regime: str, lines: Iterable[optouts.Line], source: str) -> dict[str, Any]:
        demand(person, "controller")
        delivery = optouts.receive(lines, self.keys.pseudonym).get(regime) or optouts.Delivery()

        def write(tx: Transaction) -> optouts.Withdrawal:
            at = self.clock()
            made = optouts.withdraw(tx, regime, delivery.pseudonyms, delivery.rejected, source, at)
            audit.append(tx, Act(WITHDRAWN, person, at, body={"withdrawal": made.id, "regime": regime}).entry())
            return made

        made = self.state.write(write)
        return {
            "withdrawal": made.id,
            "regime": regime,
            "received": made.received,
            "withdrawn": made.withdrawn,
            "not_known": made.not_known,
            "rejected": dict(made.rejected),
            "rejected_lines": delivery.named,
        }

    # ------------------------------------------------------------------ the watch
    def check_opt_outs(self, now: datetime) -> list[Alarm]:
        """Feeds that have stopped, and deliveries far smaller than usual: each new one is an entry of the log, once. For whoever
        looks from time to time; nothing is written where nothing is new."""
        watching = watched(self.policies)
        with self.state.read() as tx:
            if not optouts.notice(tx, now, *watching):
                return []

        def write(tx: Transaction) -> list[Alarm]:
            found = optouts.notice(tx, now, *watching)
            for alarm in found:
                optouts.raise_alarm(tx, alarm.regime, alarm.source, alarm.why, now)
                audit.append(tx, _alarm_entry(self.host, alarm, now))
            return found

        return self.state.write(write)

    def watch_opt_outs(self) -> None:
        """The same, as of now."""
        self.check_opt_outs(self.clock())

    def sweep_opt_outs(self, older_than_s: float = OPENED_WITHIN_S) -> list[Path]:
        """Unlink the files of exclusions and of lists that no question needs any more; nothing while a list is delivered, which
        will be needed. For whoever tidies from time to time."""
        with store.nobody_delivers(self.registers) as free:
            return self._swept(older_than_s) if free else []

    def _swept(self, older_than_s: float) -> list[Path]:
        kept: list[Path] = []
        with self.state.read() as tx:
            found = optouts.cleared(tx)
            for name, policy in self.policies.datasets.items():
                snapshot, national = store.live(tx, name), policy.opt_outs.national
                if snapshot is not None:
                    kept += self._in_force(tx, snapshot, national, found)
        gone = store.sweep_exclusions(self.store, kept, older_than_s)
        return gone + store.sweep_lists(self.registers, found.list if found is not None else None, older_than_s)

    def _in_force(
        self, tx: Transaction, snapshot: Snapshot, national: optouts.National, found: optouts.ClearedList | None
    ) -> Iterator[Path]:
        """The files a question may need now."""
        cleared = store.place_of(self.registers, found.list) if found is not None and national == BY_LIST else None
        if cleared is not None:
            yield store.uncleared_file(snapshot, cleared)
        chosen = {tuple(sorted(purpose.regimes)) for purpose in self.policies.purposes.values()}
        for regimes in chosen | {optouts.mode(tx, self.policies.same_people(snapshot.dataset)) or REGIMES}:
            with suppress(Refusal):  # a list is missing: no question of this purpose is answered
                version = optouts.standing(tx, regimes, national).version
                yield store.exclusion_file(snapshot, version, regimes, cleared if NATIONAL in regimes else None)


def watched(policies: Policies) -> tuple[int, bool]:
    """After how many days of silence somebody is told, and whether the check service's list is needed: the registers are of all
    datasets, so that the strictest of them decides."""
    needs = [policy.opt_outs for policy in policies.datasets.values()]
    return min(one.alarm_after_days for one in needs), any(one.national == BY_LIST for one in needs)


def _alarm_entry(person: Person, alarm: Alarm, at: datetime) -> audit.Entry:
    """No counts; which source it is, is for auditors alone: a file's name is whatever somebody called it."""
    return Act(ALARM, person, at, body={"regime": alarm.regime, "why": alarm.why}, sealed={"source": alarm.source}).entry()
