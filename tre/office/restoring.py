"""A backup brought back: its records into the home that made it, or, where that is lost, the whole into an empty one.

What happened after the backup is not known in an empty home, so everything is closed there: every list of opt-outs counts as
never delivered, every project that asked is held, every privacy budget takes no charge until it is set anew, what was proposed
has lapsed, and no records are live until the lists have come whole and the records are restored under them.
"""

from __future__ import annotations

import base64
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tre import audit, budget, optouts, projects, store
from tre.audit import checkpoint, verify_database
from tre.audit.notes import holds
from tre.errors import Unfit
from tre.keys import Keys
from tre.office.act import Act, Body
from tre.office.backing import Step, to_sign
from tre.office.office import Office
from tre.office.opening import FOUNDED, named_keys, only_one
from tre.office.publishing import ORIGIN
from tre.projects import approvals
from tre.projects.project import ACTIVE
from tre.settings import Settings, make_home
from tre.state import State, Transaction
from tre.state.soundness import unsound
from tre.store import backing
from tre.store.backing import Kept
from tre.terms import Person

# The entries of a home in which nothing has happened yet but that keys were put there.
NOTHING_YET = {FOUNDED, "keys-restored", "keys-backed-up"}
RESTORED = "A backup was restored: what was decided since it was made is not known."
RUNNING = "`tre serve` uses this home; stop it, restore, and start it again"


def restore(settings: Settings, place: Path, step: Step | None = None) -> dict[str, Any]:
    """Bring a backup back. `Unfit`, and nothing is changed, when it is damaged, or is not of the log of this home."""
    kept = backing.open_backup(place)
    make_home(settings)
    with only_one(settings, RUNNING):
        if not any(settings.keys.glob("*")):
            raise Unfit("this home has no keys; run `tre keys restore FILE` first: a backup holds none")
        with State.open(settings.database_url) as state, state.read() as tx:
            known = {one.id: one.digest for one in store.backups(tx)}
            empty = {one.kind for one in audit.page(tx, limit=100)} <= NOTHING_YET
            database = state.path
        if kept.id in known:
            return _restore_records(settings, kept, known[kept.id], step)
        if not empty:
            raise Unfit(
                f"the log of this home does not know the backup {kept.id}: it is of another log, or newer than this database; "
                "nothing was changed. Restore it into an empty home"
            )
        return _restore_home(settings, kept, database)


def _restore_records(settings: Settings, kept: Kept, whole: str | None, step: Step | None) -> dict[str, Any]:
    if kept.digest != whole:
        raise Unfit(f"{kept.place} is not as it was when it was made; take another backup: nothing was changed")
    with Office.open(settings, locked=True) as office:
        return office.restore_records(office.host, kept, step)


def _restore_home(settings: Settings, kept: Kept, database: Path) -> dict[str, Any]:
    """Database and log. Everything is closed in the copy before it is put in place."""
    keys = Keys.open(settings.keys)
    _demand_signed(kept, keys)
    copy = database.with_name(database.name + ".restored")
    _remove(copy)
    shutil.copyfile(kept.place / backing.DATABASE, copy)
    copy.chmod(0o600)
    try:
        _close_everything(copy, kept, keys)
        store.make_durable(copy)
        _replace_log(kept.place / backing.LOG, settings.log)
        _remove(database)
        copy.rename(database)
        store.make_durable(database.parent)
    finally:
        _remove(copy)
    return {
        "backup": kept.id,
        "restored": "database and log",
        "closed": "every list of opt-outs, every project, every privacy budget, all records",
        "next": "deliver every list of opt-outs whole (tre opt-outs apply --whole, tre opt-outs cleared), then run this command "
        "again for the records, then have two admins set each privacy budget anew; tre doctor tells what is closed still",
    }


def _demand_signed(kept: Kept, keys: Keys) -> None:
    try:
        signature = base64.b64decode(str(kept.listed["signature"]), validate=True)
        signed = holds(checkpoint.vkey(ORIGIN, keys.verify_key), to_sign(kept.signed), signature)
    except (ValueError, KeyError):
        signed = False
    if not signed:
        raise Unfit(f"{kept.place} was not signed with the keys of this home; restore the keys that were in use when it was made")


def _close_everything(copy: Path, kept: Kept, keys: Keys) -> None:
    """In the copied database: held, never delivered, not live, no budget open, with the entry that says so."""
    verdict = verify_database(copy)
    if not verdict.ok:
        raise Unfit(f"the log in {kept.place} does not hold; take another backup")
    with State.open(f"sqlite:///{copy}") as state:
        with state.read() as tx:
            if unsound(tx) or named_keys(tx) != keys.check:
                raise Unfit(f"the database in {kept.place} is damaged, or of other keys than this home's; nothing was changed")
        host = Person("host", keys.person_pseudonym("host"), frozenset({"controller"}))

        def write(tx: Transaction) -> None:
            at = datetime.now(UTC)
            optouts.forget_deliveries(tx, at)
            store.stand_down(tx)
            for project in projects.every(tx, ACTIVE):
                projects.hold(tx, project.id, at)
            budget.close_accounts(tx, at)
            for lapsed in approvals.lapse_all(tx, host.name, RESTORED, at):
                told: Body = {"approval": lapsed.id, "why": lapsed.sealed(RESTORED)}
                audit.append(tx, Act(lapsed.state, host, at, body=told).entry())
            store.note_whole(tx, kept.id, kept.digest)
            audit.append(tx, Act("restored", host, at, body={"backup": kept.id}).entry())

        state.write(write)


def _remove(database: Path) -> None:
    """A database with its companions."""
    for end in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + end).unlink(missing_ok=True)


def _replace_log(kept: Path, folder: Path) -> None:
    """The folder itself stays: at no moment can others read it."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(kept, folder, copy_function=_copy, dirs_exist_ok=True)


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o600)
