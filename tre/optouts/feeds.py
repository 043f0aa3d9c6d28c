"""Feeds that have died or broken: a source that delivered regularly and has stopped, and a delivery far smaller than its usual.

Each is noticed once, and stands until that feed delivers again. What is looked at are the counts of deliveries, never a person.

A source is a file's name at the terminal, and over HTTP whoever delivers (`http_source`): none hides another's silence. It is a
feed of a regime when it delivered on at least three different days of the last sixty. It is silent when nothing that could be
read came from it for more days than the policy says. A delivery is far smaller when it is under a fifth of the median of the ten
before it (three at least), where that median is at least 20. The check service's list is a feed from its first delivery on; how
much smaller it may be is said in `cleared`.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select

from tre.optouts.registers import BY_LIST, NATIONAL
from tre.optouts.tables import alarms, batches, cleared_lists
from tre.state import Transaction
from tre.terms import timestamp

SILENT, FAR_SMALLER = "silent", "far-smaller"
# The one source of all that once came over HTTP: its batches are no feed, and its alarms end with whatever comes over HTTP.
HTTP = "http"
REGULAR_DAYS, LOOKED_BACK = 3, timedelta(days=60)
BEFORE, FEWEST_BEFORE, USUAL, FAR = 10, 3, 20, 0.2

_READ = batches.c.applied + batches.c.already_known + batches.c.withdrawn
_FEEDS = (
    select(batches.c.regime, batches.c.source, func.max(batches.c.at).label("last"))
    .where(batches.c.at >= bindparam("since"), _READ > 0, batches.c.source != HTTP)
    .group_by(batches.c.regime, batches.c.source)
    .having(func.count(func.distinct(func.substr(batches.c.at, 1, 10))) >= REGULAR_DAYS)
)
_SIZES = (
    select(_READ.label("size"), batches.c.at)
    .where(batches.c.regime == bindparam("of"), batches.c.source == bindparam("by"), batches.c.at >= bindparam("since"))
    .order_by(batches.c.at.desc())
    .limit(BEFORE + 1)
)
_LAST_LIST = select(func.max(cleared_lists.c.at).label("last"))
_LAST_READ = select(func.max(batches.c.at).label("last")).where(
    batches.c.regime == bindparam("of"), batches.c.source == bindparam("by"), _READ > 0
)
_LAST_HTTP = select(func.max(batches.c.at).label("last")).where(
    batches.c.regime == bindparam("of"), batches.c.source.startswith(f"{HTTP} "), _READ > 0
)
_ALARMS = select(alarms.c.regime, alarms.c.source, alarms.c.why, func.max(alarms.c.at).label("at")).group_by(
    alarms.c.regime, alarms.c.source, alarms.c.why
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """``why``: silent or far-smaller; of the check service's list also empty, unreadable or smaller. ``at``: when raised."""

    regime: str
    source: str
    why: str
    at: str


def http_source(pseudonym: str) -> str:
    """The source of what somebody delivers over HTTP, by what the log calls them."""
    return f"{HTTP} {pseudonym}"


def raise_alarm(tx: Transaction, regime: str, source: str, why: str, at: datetime) -> Alarm:
    """Write it down. It stands until the feed delivers again."""
    made = Alarm(regime, source, why, timestamp(at))
    tx.execute(insert(alarms), {name: getattr(made, name) for name in Alarm.__dataclass_fields__})
    return made


def standing_alarms(tx: Transaction) -> list[Alarm]:
    """Those whose feed has not delivered since."""
    found = [Alarm(*row) for row in tx.execute(_ALARMS)]
    return sorted((one for one in found if _stands(tx, one)), key=lambda one: (one.regime, one.source, one.why))


def notice(tx: Transaction, now: datetime, days: int, national: bool) -> list[Alarm]:
    """What is wrong now and does not stand yet. ``days``: without a delivery; ``national``: some dataset needs the list of the
    check service."""
    known = {(one.regime, one.source, one.why) for one in standing_alarms(tx)}
    found = _wrong(tx, now, days, national)
    return [one for one in found if (one.regime, one.source, one.why) not in known]


def _wrong(tx: Transaction, now: datetime, days: int, national: bool) -> Iterator[Alarm]:
    limit, since = timestamp(now - timedelta(days=days)), timestamp(now - LOOKED_BACK)
    last = tx.execute(_LAST_LIST).scalar_one() if national else None
    if last is not None and last < limit:
        yield Alarm(NATIONAL, BY_LIST, SILENT, timestamp(now))
    for regime, source, heard in list(tx.execute(_FEEDS, {"since": since})):
        if heard < limit:
            yield Alarm(regime, source, SILENT, timestamp(now))
        sizes = [row.size for row in tx.execute(_SIZES, {"of": regime, "by": source, "since": since})]
        if _far_smaller(sizes):
            yield Alarm(regime, source, FAR_SMALLER, timestamp(now))


def _far_smaller(sizes: Iterable[int]) -> bool:
    """Of sizes, the newest first."""
    newest, *before = sizes
    if len(before) < FEWEST_BEFORE:
        return False
    usual = statistics.median(before)
    return usual >= USUAL and newest < usual * FAR


def _stands(tx: Transaction, alarm: Alarm) -> bool:
    if alarm.source == BY_LIST and alarm.regime == NATIONAL:
        last = tx.execute(_LAST_LIST).scalar_one()
    else:
        read = _LAST_HTTP if alarm.source == HTTP else _LAST_READ
        last = tx.execute(read, {"of": alarm.regime, "by": alarm.source}).scalar_one()
    return last is None or str(last) <= alarm.at
