"""The keys of a home, kept: backed up under a passphrase, restored, and another one made to sign the log.

Promises that a crash at any moment leaves a home that opens with the keys that its log names. Never shows a key. The keys of
pseudonyms are never rotated: the registers of opt-outs, the records and the log's pseudonyms are made with them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tre import audit
from tre.audit import checkpoint
from tre.audit.checkpoint import Signer
from tre.errors import Unfit
from tre.keys import Keys, open_backup, seal_backup
from tre.office.act import Act, Body
from tre.office.office import Office
from tre.office.opening import ROTATED, named_keys, only_one
from tre.office.publishing import ORIGIN, Publication
from tre.settings import Settings, make_home
from tre.state import State, Transaction

FILE = "tre-keys.sealed"


def back_up_keys(settings: Settings, place: Path, passphrase: str) -> dict[str, Any]:
    """The keys of this home in a new file, or in one of that name in a folder; an entry of the log says that it was made."""
    file = place / FILE if place.is_dir() else place
    with Office.open(settings, governed=False) as office:
        seal_backup(settings.keys, file, passphrase)
        _say(office, "keys-backed-up", {"keys": office.keys.check})
        return {"file": str(file), "keys": office.keys.check}


def restore_keys(settings: Settings, file: Path, passphrase: str) -> dict[str, Any]:
    """Keys from a backup into a home that has none; `Unfit` when the log names others."""
    kept = open_backup(file, passphrase)
    make_home(settings)
    with only_one(settings):
        with State.open(settings.database_url) as state, state.read() as tx:
            empty, named = audit.size(tx) == 0, named_keys(tx)
        if not empty and named != Keys.of(kept).check:
            raise Unfit(f"the keys in {file} are not those that this log names now; restore the newest backup of its keys")
        if not Keys.restore(settings.keys, kept):
            raise Unfit(f"{settings.keys} holds keys already; nothing was restored")
        with Office.open(settings, locked=True, governed=False) as office:
            _say(office, "keys-restored", {"keys": office.keys.check})
            return {"folder": str(settings.keys), "keys": office.keys.check}


def rotate_keys(settings: Settings) -> dict[str, Any]:
    """A new key signs the log from here on. The old one signs the entry that names it, and once more a checkpoint, with the new;
    then it is gone."""
    with only_one(settings), Office.open(settings, locked=True, governed=False) as office:
        office.publication.sign()  # what is wrong with the log is told before anything is made
        old, new = office.keys, Keys.begin_rotation(settings.keys)
        signers = Signer(old.sign, old.verify_key), Signer(new.sign, new.verify_key)
        told = {
            "old": checkpoint.vkey(ORIGIN, old.verify_key),
            "new": checkpoint.vkey(ORIGIN, new.verify_key),
        }
        body: Body = {"keys": new.check, "was": old.check, "note": checkpoint.rotation(ORIGIN, *signers), **told}

        def write(tx: Transaction) -> None:
            at = datetime.now(UTC)
            audit.append(tx, Act(ROTATED, office.host, at, body=body).entry())
            checkpoint.publish(tx, new.sign, new.verify_key, ORIGIN, at, also=[signers[0]])

        office.state.write(write)
        Keys.take_rotation(settings.keys)
        Publication(office.state, new, settings.log, office.clock).publish()
        return told


def _say(office: Office, kind: str, body: Body) -> None:
    office.state.write(lambda tx: audit.append(tx, Act(kind, office.host, office.clock(), body=body).entry()))
