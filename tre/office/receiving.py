"""Lists of opt-outs: received line by line, entered, acknowledged with a receipt for each line, and what was received told again.

An answer says that everything it counts is durable and in force: the next question computed leaves these people out.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tre import audit, optouts
from tre.errors import Error, Reason, Refusal, Unfit
from tre.office.act import Act, Body, demand
from tre.office.opening import ROTATED
from tre.office.publishing import ORIGIN, Publication
from tre.office.rooms import Rooms
from tre.optouts import Delivery, Step, untold
from tre.state import Transaction
from tre.terms import Person, timestamp

OPT_OUTS = "/v1/opt-outs"
LONGEST_LIST = 1_000
NOBODY = "Where nobody objected, name the register: --regime at the terminal, a JSON body with no numbers over HTTP."
# Of the time a list takes, the part that is over once it is read; the tree and the entering share the rest.
READ, GROWN = 0.5, 0.75


class Receiving(Rooms):
    """What controllers deliver, and what was made of it."""

    publication: Publication

    def deliver_opt_outs(
        self, person: Person, file: Path, regime: str | None, step: Step | None = None, *, whole: bool = False
    ) -> list[dict[str, Any]]:
        """A list from a file, in force for the next question computed. ``whole``: of each regime named it is everybody who
        objected, which opens what a restore closed."""
        demand(person, "controller")
        step = step or untold
        try:
            found = optouts.receive(optouts.read_file(file, regime, _part(step, 0, READ)), self.keys.pseudonym)
        except OSError as error:
            raise Unfit(f"{file} cannot be read ({error.strerror})") from None
        if whole and regime is not None:
            found = found or {regime: Delivery()}
        return self._take(person, found, file.name, _part(step, READ, 1), whole=whole)

    def receive_opt_outs(self, person: Person, regime: str, nhs_numbers: list[str]) -> dict[str, Any]:
        """A list that is here already."""
        demand(person, "controller")
        found = optouts.receive(optouts.lines_of(regime, nhs_numbers), self.keys.pseudonym)
        return {"batches": self._take(person, found, optouts.http_source(person.pseudonym))}

    def receive_opt_outs_body(self, person: Person, parts: Iterable[bytes], csv: bool, whole: bool = False) -> dict[str, Any]:
        """A list as it comes over HTTP, taken in part by part; nothing is entered before its last part is here."""
        demand(person, "controller")
        if csv:
            found = optouts.receive(optouts.read_csv_parts(parts), self.keys.pseudonym)
        else:
            found = optouts.receive_json(parts, self.keys.pseudonym, whole)
        return {"batches": self._take(person, found, optouts.http_source(person.pseudonym), whole=whole)}

    def opt_out_batches(self, person: Person) -> dict[str, Any]:
        """The newest batches; and those that were begun and not entered to their end, which are to be delivered again."""
        demand(person, "controller")
        with self.state.read() as tx:
            made, begun = optouts.finished(tx, LONGEST_LIST), optouts.unfinished(tx)
        return {
            "batches": [_counted(one) | {"source": one.source, "at": one.at} for one in made],
            "unfinished": [{name: row[name] for name in ("batch", "regime", "source", "at")} for row in begun],
        }

    def opt_out_lines(self, person: Person, batch: str) -> Iterator[bytes]:
        """What became of each line of a batch, as NDJSON in parts; NOT_FOUND before the first where there is no such batch."""
        demand(person, "controller")
        first = self._lines(batch, 0)
        return self._all_lines(batch, first)

    def opt_out_receipt(self, receipt: str) -> dict[str, Any]:
        """One receipt with its proof, for everyone; NOT_FOUND for any that was not given."""
        with self.state.read() as tx:
            return optouts.receipt(tx, receipt, self.keys.receipts)

    def settle_opt_outs(self) -> None:
        """Whom a batch had entered that came to no end counts from here on."""
        with self.state.read() as tx:
            waiting = optouts.unfinished(tx)
        if waiting:
            self.state.write(optouts.settle)

    # ------------------------------------------------------------------ a list enters its register
    def _take(
        self, person: Person, found: dict[str, Delivery], source: str, step: Step = untold, *, whole: bool = False
    ) -> list[dict[str, Any]]:
        """Each regime's part becomes a batch of its own."""
        if whole and not found:
            raise Refusal(Reason.INVALID_REQUEST, "A whole list without a line names no register.", NOBODY)
        told = []
        for number, (regime, delivery) in enumerate(found.items()):
            part = _part(step, number / len(found), (number + 1) / len(found))
            told.append(self._enter(person, regime, delivery, source, part, whole))
        return told

    def _enter(self, person: Person, regime: str, delivery: Delivery, source: str, step: Step, whole: bool) -> dict[str, Any]:
        """The tree first, which depends on no register; then the people, in pieces; then, in one transaction, all that makes it
        a batch. A short list is one transaction in all."""
        batch, at = secrets.token_hex(16), self.clock()
        leaves = optouts.Leaves(optouts.Places(batch, self.keys.receipts), regime, timestamp(at))
        grown = optouts.grow(leaves, delivery.states, lambda done: step("making receipts", done * GROWN))
        at_once = delivery.accepted <= optouts.PIECE
        if not at_once:
            try:
                self._enter_in_pieces(batch, regime, delivery, source, at, step)
            except Error:
                with suppress(Error):
                    self.settle_opt_outs()
                raise
            for part in optouts.tile_rows(batch, grown):
                self.state.write(partial(optouts.write_rows, part=part))

        def write(tx: Transaction) -> dict[str, Any]:
            if at_once:
                self._enter_at_once(tx, batch, regime, delivery)
                for part in optouts.tile_rows(batch, grown):
                    optouts.write_rows(tx, part)
            made = optouts.finish(tx, batch, regime, delivery, source, at, whole=whole)
            for part in optouts.line_rows(batch, delivery):
                optouts.write_rows(tx, part)
            body = {"batch": batch, "regime": regime} | ({"delivery": "whole"} if whole else {})
            self._sign(tx, person, body, delivery, grown.root, at)
            opened = {"open": regime not in optouts.closed(tx)} if whole else {}
            return _counted(made) | opened | {"rejected_lines": delivery.named}

        return self.state.write(write)

    def _enter_in_pieces(self, batch: str, regime: str, delivery: Delivery, source: str, at: datetime, step: Step) -> None:
        whole, entered = delivery.accepted, 0
        self.state.write(lambda tx: optouts.begin(tx, batch, regime, source, at))
        waiting: deque[tuple[list[bytes], Future[set[bytes]]]] = deque()
        for piece in chain(delivery.pieces(optouts.PIECE), [None]):
            if piece is not None:
                waiting.append((piece, self.state.submit(partial(optouts.enter, batch=batch, regime=regime, piece=piece))))
            while waiting and (piece is None or len(waiting) > 1):  # one is prepared while one is written
                done, new = waiting.popleft()
                delivery.mark(done, new.result())
                entered += len(done)
                step("entering", GROWN + (1 - GROWN) * entered / whole)

    def _enter_at_once(self, tx: Transaction, batch: str, regime: str, delivery: Delivery) -> None:
        for piece in delivery.pieces(optouts.PIECE):
            delivery.mark(piece, optouts.enter(tx, batch, regime, piece))

    def _sign(self, tx: Transaction, person: Person, told: Body, delivery: Delivery, root: bytes, at: datetime) -> None:
        """One signature and one entry for all receipts of a batch. The counts are the controller's: in the log they would tell
        who joined a list of which size."""
        rotated = audit.last(tx, ROTATED)
        if rotated is not None and rotated.body.get("keys") != self.keys.check:
            raise Unfit("the keys were rotated since this command began; run it again")
        batch, regime = str(told["batch"]), str(told["regime"])
        body = {**told, "root": "sha256:" + root.hex()}
        entry = audit.append(tx, Act("opt-outs", person, self.clock(), body=body).entry())
        signature = self.keys.sign(optouts.signed_text(ORIGIN, batch, regime, timestamp(at), optouts.SIZE, root).encode())
        optouts.write(tx, batch, delivery, root, signature, self.publication.vkey, entry.index)

    # ------------------------------------------------------------------ and is told again
    def _lines(self, batch: str, number: int) -> bytes | None:
        with self.state.read() as tx:
            return optouts.told_lines(tx, batch, self.keys.receipts, number)

    def _all_lines(self, batch: str, part: bytes | None) -> Iterator[bytes]:
        number = 0
        while part is not None:
            yield part
            number += 1
            part = self._lines(batch, number)


def _counted(made: optouts.Batch) -> dict[str, Any]:
    return {
        "batch": made.id,
        "address": f"{OPT_OUTS}/batches/{made.id}",
        "regime": made.regime,
        "received": made.received,
        "applied": made.applied,
        "already_known": made.already_known,
        "withdrawn": made.withdrawn,
        "rejected": dict(made.rejected),
    }


def _part(step: Step, first: float, last: float) -> Step:
    """A part of a whole that is longer."""
    return lambda what, done: step(what, first + done * (last - first))
