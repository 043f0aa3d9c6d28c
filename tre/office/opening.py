"""Opening a home: the keys, the log and the records must be of one another, or nothing is opened.

With other keys a new objection would match nobody, and an empty log beside old keys would forget every loss that was ever taken.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from tre import audit
from tre.audit import Entry
from tre.errors import Unfit
from tre.keys import Keys
from tre.settings import Settings, make_home
from tre.state import State, Transaction

FOUNDED, ROTATED = "founded", "keys-rotated"
ROTATING = "the keys are being rotated just now; try again in a moment"


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


def keys_of(settings: Settings, state: State, at: datetime, alone: AbstractContextManager[None]) -> Keys:
    """This home's keys, made only for a home that has nothing yet; its first entry says which they are, and each rotation which
    they are from there on. ``alone``: nobody else settles a rotation that a crash cut short."""
    with state.read() as tx:
        first, named = audit.entry(tx, 0), named_keys(tx)
    records = any(settings.store.glob("*/*/manifest.json"))
    if not any(settings.keys.glob("*")) and (first is not None or records):
        raise Unfit(f"the keys in {settings.keys} are gone but the log or the records are not; put back the backup of the keys")
    keys = Keys.open(settings.keys)
    if first is None and records and not keys.fresh:
        raise Unfit("the database is gone but the keys and the records are not; put back its backup, it holds what was spent")
    if first is None:
        state.write(lambda tx: _found(tx, keys, at))
        return keys
    if Keys.begun(settings.keys) is not None:
        with alone:
            keys = _settled(settings, state)
    elif keys.check != named:
        raise _others(settings)
    return keys


def named_keys(tx: Transaction) -> str | None:
    """The check of the keys that the log names now: the founding ones, or those that a chain of rotations ends with; None where
    it names none, or the chain does not hold."""
    first = audit.entry(tx, 0)
    named = str(first.body.get("keys")) if first is not None and first.kind == FOUNDED else None
    for entry in audit.page(tx, kind=ROTATED, limit=audit.LONGEST_PAGE):
        if entry.body.get("was") != named:
            return None
        named = str(entry.body.get("keys"))
    return named


def _settled(settings: Settings, state: State) -> Keys:
    """A rotation that was begun is finished where the log names its key, and undone where it names the one in use."""
    with state.read() as tx:
        named = named_keys(tx)
    begun, keys = Keys.begun(settings.keys), Keys.open(settings.keys)
    if begun is not None and begun.check == named:
        Keys.take_rotation(settings.keys)
        return begun
    if keys.check != named:
        raise _others(settings)
    if begun is not None:
        Keys.drop_rotation(settings.keys)
    return keys


def _others(settings: Settings) -> Unfit:
    return Unfit(f"the keys in {settings.keys} are not those of this log; put back the backup of its keys")


def _found(tx: Transaction, keys: Keys, at: datetime) -> None:
    if audit.size(tx) == 0:
        audit.append(tx, Entry(kind=FOUNDED, at=at, body={"keys": keys.check}, outcome="done"))
