"""The mode of a population: the regimes under which the datasets about it answer, one set of them for good.

The same statistic with and without the people who objected, one subtracted from the other, is a statistic of those people alone;
the accounting protects one person in it and not a group. Whether two questions overlap cannot be decided from their texts. So the
first reservation on a dataset fixes the regimes of every later one, whatever is asked, loaded or erased in between; and those of
every other dataset about the same people, for they may be the same records under another name.

``people`` here are the names that stand for the same people: of their population, and of each of its datasets. A mode is written
under every one of them and stays: a dataset that is said to be about other people later on keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from tre.errors import Reason, Refusal
from tre.optouts.tables import modes as table
from tre.state import Transaction
from tre.terms import timestamp

NONE = ""
_OF = select(table.c.people, table.c.regimes).where(table.c.people.in_(bindparam("of", expanding=True)))
_NO_MORE = (
    "Nothing was charged. Controllers can look whether these datasets are about the same people (`population` in the policy)."
)


def mode(tx: Transaction, people: tuple[str, ...]) -> tuple[str, ...] | None:
    """The regimes that a population's datasets answer under, sorted; None while nothing was ever reserved on any; none at all
    where they were reserved on under several before they were said to be about the same people."""
    found = set(_found(tx, people).values())
    if not found:
        return None
    return tuple(found.pop().split(",")) if len(found) == 1 and found != {NONE} else ()


def check_mode(tx: Transaction, people: tuple[str, ...], regimes: Iterable[str]) -> None:
    """OPT_OUT_MODE when the population's datasets answer under other regimes, or under none any more."""
    fixed = mode(tx, people)
    if fixed is None or (fixed and fixed == tuple(sorted(regimes))):
        return
    if not fixed:
        raise Refusal(
            Reason.OPT_OUT_MODE,
            "The datasets about these people have been answered under different opt-outs before they were named one population: "
            "one more answer would tell of the people between them.",
            _NO_MORE,
        )
    raise Refusal(
        Reason.OPT_OUT_MODE,
        f"This dataset answers under the opt-outs {', '.join(fixed)}, and the project asks under "
        f"{', '.join(sorted(regimes)) or 'none'}: both together would tell of the people between them.",
        "Nothing was charged. No project asks this dataset, or another about the same people, under other opt-outs.",
    )


def fix_mode(tx: Transaction, people: tuple[str, ...], regimes: Iterable[str], at: datetime) -> None:
    """In the transaction that reserves: the first fixes the mode, everyone else is of it or is refused."""
    wanted = tuple(sorted(regimes))
    check_mode(tx, people, wanted)
    missing = sorted(set(people) - _found(tx, people).keys())
    if missing:
        row = {"regimes": ",".join(wanted), "at": timestamp(at)}
        tx.execute(insert(table).on_conflict_do_nothing(), [{"people": one} | row for one in missing])


def close_mode(tx: Transaction, population: str, at: datetime) -> None:
    """A population of which several sets were answered under answers under none for good, whichever of its datasets goes."""
    row = {"people": population, "regimes": NONE, "at": timestamp(at)}
    tx.execute(insert(table).on_conflict_do_nothing(), row)


def _found(tx: Transaction, people: tuple[str, ...]) -> dict[str, str]:
    return {str(row.people): str(row.regimes) for row in tx.execute(_OF, {"of": sorted(people)})}
