"""Withdrawals: whose objection does not count any more. The next question includes what the store holds of them, and nothing
else: what was erased, or left out at load, comes back only with records that are delivered anew."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, text

from tre.errors import Reason, Refusal
from tre.optouts.registers import move, newest_version, runs
from tre.optouts.tables import REGIMES, withdrawals
from tre.state import Transaction
from tre.terms import timestamp

_WITHDRAW = text(
    """INSERT INTO withdrawn (regime, pseudonym, version)
    WITH RECURSIVE place(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :count)
    SELECT DISTINCT o.regime, o.pseudonym, :version FROM place JOIN objections o
    ON o.regime = :regime AND o.pseudonym = substr(:run, number * 16 + 1, 16) WHERE true
    ON CONFLICT (regime, pseudonym) DO NOTHING"""
)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What became of one list: received = withdrawn + not known + rejected."""

    id: str
    regime: str
    received: int
    withdrawn: int
    not_known: int
    rejected: Mapping[str, int]
    source: str
    at: str
    version: int


def withdraw(
    tx: Transaction, regime: str, pseudonyms: Iterable[bytes], rejected: Mapping[str, int], source: str, at: datetime
) -> Withdrawal:
    """Their objections under this regime do not count from here on. The version moves if a line could be read, whether or not
    somebody had objected; a register becomes no younger. Who is not on the list of the check service stays left out: that list is
    not ours to change."""
    if regime not in REGIMES:
        raise Refusal(Reason.INVALID_REQUEST, "There is no such opt-out regime.", f"Regimes are {', '.join(REGIMES)}.")
    accepted, gone, version = 0, 0, newest_version(tx)
    for part in runs(pseudonyms):
        accepted += len(part)
        given = {"regime": regime, "run": b"".join(part), "count": len(part), "version": version + 1}
        gone += tx.execute(_WITHDRAW, given).rowcount
    if accepted:
        version += 1
        move(tx, regime, version, None)
    received = accepted + sum(rejected.values())
    made = Withdrawal(
        secrets.token_hex(16), regime, received, gone, accepted - gone, dict(rejected), source, timestamp(at), version
    )
    row = {name: getattr(made, name) for name in Withdrawal.__dataclass_fields__}
    tx.execute(insert(withdrawals), row | {"rejected": json.dumps(dict(rejected), sort_keys=True)})
    return made
