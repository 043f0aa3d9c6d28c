"""Opening a home: the keys, the log and the records must be of one another, or nothing is opened.

With other keys a new objection would match nobody, and an empty log beside old keys would forget every loss that was ever taken.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tre import audit
from tre.audit import Entry
from tre.errors import Unfit
from tre.keys import Keys
from tre.settings import Settings, make_home
from tre.state import State, Transaction

FOUNDED = "founded"


@contextmanager
def only_one(settings: Settings, otherwise: str = "") -> Iterator[None]:
    """Hold the home's lock: a second `tre serve` refuses to start, and so does what must not be done beside one (``otherwise``
    says why)."""
    make_home(settings)
    lock = os.open(settings.home / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Unfit(otherwise or f"another `tre serve` uses {settings.home}; stop it first, or set TRE_HOME") from None
    try:
        yield
    finally:
        os.close(lock)


def keys_of(settings: Settings, state: State, at: datetime) -> Keys:
    """This home's keys, made only for a home that has nothing yet; its first entry says which they are."""
    with state.read() as tx:
        first = audit.entry(tx, 0)
    records = any(settings.store.glob("*/*/manifest.json"))
    if not any(settings.keys.glob("*")) and (first is not None or records):
        raise Unfit(f"the keys in {settings.keys} are gone but the log or the records are not; put back the backup of the keys")
    keys = Keys.open(settings.keys)
    if first is None and records and not keys.fresh:
        raise Unfit("the database is gone but the keys and the records are not; put back its backup, it holds what was spent")
    if first is None:
        state.write(lambda tx: _found(tx, keys, at))
    elif first.kind != FOUNDED or first.body.get("keys") != keys.check:
        raise Unfit(f"the keys in {settings.keys} are not those of this log; put back the backup of its keys")
    return keys


def _found(tx: Transaction, keys: Keys, at: datetime) -> None:
    if audit.size(tx) == 0:
        audit.append(tx, Entry(kind=FOUNDED, at=at, body={"keys": keys.check}, outcome="done"))
