"""The check service's list of people without a national opt-out. Each delivery is whole and replaces the former.

Whoever is not on it is left out: unknown, mistyped and missing numbers too. A reply that is no list, an empty one, and one that
has suddenly become much smaller are not put in force by mistake: they are how a broken feed looks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from tre.errors import Reason, Refusal
from tre.optouts.registers import BY_LIST, UNREADABLE, newest_version, reopen
from tre.optouts.tables import cleared_lists
from tre.state import Transaction
from tre.terms import timestamp

# Below this share of the former list's people, somebody has to say that it is right.
SMALLER = 0.90
EMPTY, NO_LIST, MUCH_SMALLER = "empty", "unreadable", "smaller"
_NEWEST = select(cleared_lists).order_by(cleared_lists.c.id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class ClearedList:
    """One delivery: received = people + repeated + rejected. ``list`` names its file; equal lists have equal names."""

    list: str
    people: int
    received: int
    repeated: int
    rejected: Mapping[str, int]
    source: str
    at: str
    version: int


class Doubtful(Refusal):
    """A list that was not put in force. ``why``: empty, unreadable or smaller."""

    def __init__(self, why: str) -> None:
        super().__init__(Reason.INVALID_REQUEST, *_TOLD[why])
        self.why = why


_TOLD = {
    EMPTY: ("The list is empty; the former one stays in force.", "Ask the check service again."),
    NO_LIST: (
        "More than one line in a hundred is no NHS number, as when the check service answers with an error; the former list "
        "stays in force.",
        "Look at the reply. One NHS number a line is read, with or without a comma after it.",
    ),
    MUCH_SMALLER: (
        "The list clears less than 90 % of the people that the former one clears; the former one stays in force.",
        "If it is right, deliver it again and say so: --smaller at the terminal, smaller=true over HTTP.",
    ),
}


def cleared(tx: Transaction) -> ClearedList | None:
    """The list in force."""
    found = tx.execute(_NEWEST).first()
    if found is None:
        return None
    fields: dict[str, Any] = {name: getattr(found, name) for name in ClearedList.__dataclass_fields__}
    return ClearedList(**fields | {"rejected": json.loads(found.rejected)})


def doubt(former: ClearedList | None, people: int, received: int, rejected: int) -> str | None:
    """Why a list should not be put in force; None where nothing speaks against it."""
    if rejected > received * UNREADABLE:
        return NO_LIST
    if people == 0:
        return EMPTY
    return MUCH_SMALLER if former is not None and people < former.people * SMALLER else None


def check_list(
    former: ClearedList | None, people: int, repeated: int, rejected: Mapping[str, int], smaller: bool = False
) -> None:
    """`Doubtful` when a list is not to be put in force; ``smaller``: the controller says that it is right that it is."""
    wrong = sum(rejected.values())
    why = doubt(former, people, people + repeated + wrong, wrong)
    if why is not None and not (smaller and why == MUCH_SMALLER):
        raise Doubtful(why)


def clear(
    tx: Transaction,
    list: str,
    *,
    people: int,
    repeated: int,
    rejected: Mapping[str, int],
    source: str,
    at: datetime,
    smaller: bool = False,
) -> ClearedList:
    """Put a list in force, whose file is there already; `Doubtful` as `check_list` says. The version moves, also where it is the
    same as the former. Each is whole, so that it opens what a restore closed."""
    former = cleared(tx)
    check_list(former, people, repeated, rejected, smaller)
    received = people + repeated + sum(rejected.values())
    made = ClearedList(list, people, received, repeated, dict(rejected), source, timestamp(at), newest_version(tx) + 1)
    row = {name: getattr(made, name) for name in ClearedList.__dataclass_fields__}
    reopen(tx, BY_LIST)
    tx.execute(insert(cleared_lists), row | {"rejected": json.dumps(dict(rejected), sort_keys=True)})
    return made
