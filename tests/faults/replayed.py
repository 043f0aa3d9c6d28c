"""The log read again by a bookkeeper of a few lines who shares no code with the ledger, and the database compared with what that
comes to. Each entry is judged by what stood in the log before it: whichever process wrote them, the log's order is the order in
which things became true.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tre.budget import Stated
from tre.loss import UNIT

PARTS = ("rho", "epsilon", "delta")
OUTCOMES = {"released": "released", "repeated": "released", "refused": "refused", "fault": "fault", "cancelled": "cancelled"}
Loss = dict[str, int]


def add(losses: Iterator[Loss]) -> Loss:
    found = list(losses)
    return {part: sum(one[part] for one in found) for part in PARTS}


# With what auditors are shown of a sealed entry.
ENTRIES = """SELECT e."index", e.leaf, o.details FROM entries e LEFT JOIN openings o USING ("index") WHERE e."index" > ?
    ORDER BY e."index" """


@dataclass
class Account:
    """A ceiling, and every charge ever taken from it, by reservation. Counted in its kind whenever it is looked at."""

    stated: Stated
    concentrated: bool
    open: dict[str, Loss] = field(default_factory=dict)
    closed: dict[str, Loss] = field(default_factory=dict)

    def restate(self, stated: Stated, dataset: bool) -> None:
        charged = bool(self.open or self.closed)
        if not (charged and stated.epsilon == 0):
            assert not (charged and self.concentrated and not stated.delta and not dataset), "rho became epsilon"
            self.concentrated = dataset or bool(stated.delta)
        self.stated = stated

    def counted(self, loss: Loss) -> Loss:
        if not self.concentrated:
            assert not loss["rho"], "rho in a pure account"
            return loss
        squared = loss["epsilon"] ** 2
        return {"rho": loss["rho"] + (squared + 2 * UNIT - 1) // (2 * UNIT), "epsilon": 0, "delta": loss["delta"]}

    def pot(self, name: str) -> Loss:
        return add(self.counted(loss) for loss in getattr(self, name).values())

    def take(self, reservation: str, loss: Loss) -> None:
        assert reservation not in self.open and reservation not in self.closed, "charged twice"
        self.open[reservation] = loss
        taken, ceiling = add(iter([self.pot("open"), self.pot("closed")])), self.stated.ceiling()
        assert all(taken[part] <= getattr(ceiling, part) for part in PARTS), f"over the ceiling: {taken} of {ceiling}"

    def settle(self, reservation: str) -> None:
        self.closed[reservation] = self.open.pop(reservation)


@dataclass
class Asked:
    """A question as the log tells it."""

    project: str
    reservation: str | None = None
    outcome: str | None = None


class Replayed:
    """The log up to where it has been read. ``own``: the researchers' ceilings that the coming entries of members set, in order,
    which an entry does not say."""

    def __init__(self, database: Path, names: dict[str, str]) -> None:
        self._database, self._names = database, names
        self.own: list[dict[str, Stated]] = []
        self.sound = True
        self.seen: Counter[str] = Counter()
        self.questions: dict[str, Asked] = {}
        with closing(self._open()) as books:
            self._read_to = books.execute('SELECT max("index") FROM entries').fetchone()[0]
            assert books.execute("SELECT count(*) FROM questions").fetchone()[0] == 0, "a fresh home"
            lists = "SELECT version FROM registers UNION ALL SELECT version FROM cleared_lists"
            self.version = books.execute(f"SELECT max(version) FROM ({lists})").fetchone()[0]
            rows = books.execute("SELECT scope, stated_epsilon, stated_delta, kind FROM accounts").fetchall()
            self.accounts = {row[0]: Account(Stated(Decimal(row[1]), Decimal(row[2])), row[3] == "concentrated") for row in rows}
            approvals = books.execute("SELECT id, approvals FROM projects").fetchall()
            self.ends = {id: [one["expires_at"] for one in json.loads(told)] for id, told in approvals}

    def _open(self) -> sqlite3.Connection:
        books = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, isolation_level=None)
        books.row_factory = sqlite3.Row
        return books

    def advance(self) -> None:
        """Read on, and compare: all within one transaction, so that nothing moves between the two."""
        with closing(self._open()) as books:
            books.execute("BEGIN")
            self.sound = False
            for row in books.execute(ENTRIES, (self._read_to,)).fetchall():
                self._read(dict(row) | json.loads(row["leaf"]) | json.loads(row["details"] or "{}"), books)
                self._read_to = row["index"]
            self._compare(books)
            self.sound = True

    def finish(self) -> None:
        """Nobody is at work: every question has had its one outcome, and nothing is reserved."""
        assert [id for id, asked in self.questions.items() if asked.outcome is None] == []
        assert all(account.open == {} for account in self.accounts.values())

    # ------------------------------------------------------------------------------------------------------------- entries
    def _read(self, entry: dict[str, Any], books: sqlite3.Connection) -> None:
        name = entry["outcome"] if entry["kind"] == "released" else entry["kind"]
        self.seen[f"refused: {entry['reason']}" if name == "refused" else name] += 1
        if entry["kind"] in OUTCOMES:
            self._close(entry, books)
        elif read := READING.get(entry["kind"]):
            read(self, entry)

    def _asked(self, entry: dict[str, Any]) -> None:
        assert entry["id"] not in self.questions
        self.questions[entry["id"]] = Asked(entry["project"])

    def _reserved(self, entry: dict[str, Any]) -> None:
        asked, project = self.questions[entry["id"]], entry["project"]
        assert asked.reservation is None and asked.outcome is None, "one debit for one question"
        self._stands(project, entry["at"])
        asked.reservation = entry["reservation"]
        loss = {part: int(Decimal(entry.get(part) or 0).scaleb(18 if part == "delta" else 12)) for part in PARTS}
        for scope in self._scopes(entry):
            self.accounts[scope].take(entry["reservation"], loss)

    def _scopes(self, entry: dict[str, Any]) -> list[str]:
        own = f"researcher:{entry['project']}/{self._names[entry['person_asking']]}"
        # What another project of the dataset paid for is given again: the dataset has it already.
        dataset = [] if "repeat_of" in entry else [f"dataset:{entry['dataset']}"]
        return [f"project:{entry['project']}", *dataset, *([own] if own in self.accounts else [])]

    def _stands(self, project: str, at: str) -> None:
        assert self.ends[project] and all(at < end for end in self.ends[project]), f"asked at {at}: {self.ends[project]}"

    def _close(self, entry: dict[str, Any], books: sqlite3.Connection) -> None:
        asked = self.questions[entry["id"]]
        assert asked.outcome is None, "a second outcome"
        asked.outcome = entry["outcome"]
        assert entry.get("reservation") == asked.reservation, "an outcome names the debit that it closes"
        if entry["outcome"] == "repeated":
            self._stands(entry["project"], entry["at"])
            assert asked.reservation is None
            earlier = self.questions[entry["repeat_of"]]
            assert (earlier.project, earlier.outcome) == (entry["project"], "released")
        if entry["outcome"] == "released":
            assert asked.reservation is not None, "no answer without a debit"
            version, sealed = books.execute(
                "SELECT version, sealed FROM releases WHERE reservation = ?", (asked.reservation,)
            ).fetchone()
            assert sealed == 0
            assert "repeat_of" in entry or version == self.version, "an answer on a list of opt-outs that had moved"
        if asked.reservation is not None:
            for account in self.accounts.values():
                if asked.reservation in account.open:
                    account.settle(asked.reservation)

    def _opt_outs(self, _: dict[str, Any]) -> None:
        self.version += 1

    def _project_changed(self, entry: dict[str, Any]) -> None:
        if "approvals" in entry:
            self.ends[entry["project"]] = re.findall(r" until (\S+Z)", entry["approvals"])

    def _budget(self, entry: dict[str, Any]) -> None:
        stated, project = Stated(Decimal(entry["epsilon"]), Decimal(entry["delta"])), entry.get("project")
        scope = f"dataset:{entry['dataset']}" if project is None else f"project:{project}"
        was = self.accounts[scope].concentrated
        self.accounts[scope].restate(stated, dataset=project is None)
        if project is not None and self.accounts[scope].concentrated and not was:
            self.seen["pure became concentrated"] += bool(self.accounts[scope].closed or self.accounts[scope].open)
            for name, own in self.accounts.items():
                if name.startswith(f"researcher:{project}/") and not own.concentrated:
                    own.stated, own.concentrated = Stated(own.stated.epsilon, stated.delta), True

    def _members(self, _: dict[str, Any]) -> None:
        for scope, stated in self.own.pop(0).items():
            self.accounts[scope].restate(stated, dataset=False)

    # ------------------------------------------------------------------------------------------------------------ database
    def _compare(self, books: sqlite3.Connection) -> None:
        for row in books.execute("SELECT * FROM accounts").fetchall():
            account = self.accounts[row["scope"]]
            assert (row["kind"] == "concentrated") is account.concentrated
            assert {part: row[f"spent_{part}"] for part in PARTS} == account.pot("closed"), row["scope"]
            assert {part: row[f"reserved_{part}"] for part in PARTS} == account.pot("open"), row["scope"]
        reserved = {asked.reservation: OUTCOMES.get(asked.outcome or "", "open") for asked in self.questions.values()}
        reserved.pop(None, None)
        assert reserved == dict(books.execute("SELECT id, state FROM reservations").fetchall())
        told = {id: OUTCOMES.get(asked.outcome or "") for id, asked in self.questions.items()}
        found = books.execute("SELECT id, CASE WHEN closed_at IS NULL THEN NULL ELSE state END FROM questions").fetchall()
        assert told == dict(found)


READING = {
    "asked": Replayed._asked,
    "reserved": Replayed._reserved,
    "opt-outs": Replayed._opt_outs,
    "opt-outs-cleared": Replayed._opt_outs,
    "project-changed": Replayed._project_changed,
    "budget": Replayed._budget,
    "members": Replayed._members,
}
