"""The mode of a dataset: the regimes under which it answers, one set of them for good.

The same statistic with and without the people who objected, one subtracted from the other, is a statistic of those people alone;
the accounting protects one person in it and not a group. Whether two questions overlap cannot be decided from their texts. So the
first reservation on a dataset fixes the regimes of every later one, whatever is asked, loaded or erased in between.
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

_OF = select(table.c.regimes).where(table.c.dataset == bindparam("of"))


def mode(tx: Transaction, dataset: str) -> tuple[str, ...] | None:
    """The regimes that a dataset answers under, sorted; None while nothing was ever reserved on it."""
    found = tx.execute(_OF, {"of": dataset}).scalar()
    return None if found is None else tuple(str(found).split(","))


def check_mode(tx: Transaction, dataset: str, regimes: Iterable[str]) -> None:
    """OPT_OUT_MODE when the dataset answers under other regimes."""
    fixed = mode(tx, dataset)
    if fixed is not None and fixed != tuple(sorted(regimes)):
        raise Refusal(
            Reason.OPT_OUT_MODE,
            f"This dataset answers under the opt-outs {', '.join(fixed)}, and the project asks under "
            f"{', '.join(sorted(regimes)) or 'none'}: both together would tell of the people between them.",
            "Nothing was charged. No project asks this dataset under other opt-outs.",
        )


def fix_mode(tx: Transaction, dataset: str, regimes: Iterable[str], at: datetime) -> None:
    """In the transaction that reserves: the first fixes the mode, everyone else is of it or is refused."""
    wanted = ",".join(sorted(regimes))
    row = {"dataset": dataset, "regimes": wanted, "at": timestamp(at)}
    tx.execute(insert(table).values(row).on_conflict_do_nothing())
    check_mode(tx, dataset, wanted.split(","))
