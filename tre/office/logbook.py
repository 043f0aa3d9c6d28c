"""Reading the log: for auditors; every reading is itself an entry."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tre import audit, releases
from tre.audit import Logged, tiles
from tre.audit.verify import Verdict, verify_database
from tre.errors import Reason, Refusal
from tre.state import State, Transaction

LONGEST_LABEL = 200


def told(logged: Logged) -> dict[str, Any]:
    """An entry as an auditor reads it: its labels, its body, and the leaf's exact bytes to hash. What everyone else reads as a
    digest is opened, with the exact bytes that have this digest, while it has not been erased."""
    found = {"index": logged.index, **json.loads(logged.leaf), "leaf": base64.b64encode(logged.leaf).decode()}
    if logged.opening is None:
        return found
    opened: dict[str, Any] = json.loads(logged.opening[audit.SALT :])
    return found | opened | {"opening": base64.b64encode(logged.opening).decode()}


def with_text(tx: Transaction, logged: Logged) -> dict[str, Any]:
    """The same, with the question's text and the salt of its digest while they have not been erased."""
    found = told(logged)
    text = releases.text_of(tx, logged.id) if logged.id else None
    return found if text is None else found | {"text": _text(text)}


def story(tx: Transaction, question: str) -> dict[str, Any]:
    """All entries of one question in order, and its text (null once erased). NOT_FOUND when there is none."""
    found = audit.page(tx, question=question, limit=audit.LONGEST_PAGE)
    if not found:
        raise Refusal(Reason.NOT_FOUND)
    text = releases.text_of(tx, question)
    return {"id": question, "text": _text(text), "entries": [told(entry) for entry in found]}


def _text(text: releases.Text | None) -> dict[str, Any] | None:
    return None if text is None else {"sql": text.sql, "salt": text.salt.hex(), "note": text.note}


def page(tx: Transaction, filters: dict[str, Any]) -> dict[str, Any]:
    """A page of entries and where the next begins."""
    found = audit.page(tx, **filters)
    more = len(found) == filters["limit"]
    return {"entries": [told(entry) for entry in found], "next": found[-1].index if more else None}


def one(tx: Transaction, index: int) -> Logged:
    found = audit.entry(tx, index) if 0 <= index < 2**63 else None
    if found is None:
        raise Refusal(Reason.NOT_FOUND)
    return found


def proof(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in hashes]


def searched(filters: dict[str, Any]) -> str:
    """What was looked for, for the entry that every reading leaves."""
    if any(isinstance(value, str) and len(value) > LONGEST_LABEL for value in filters.values()):
        raise Refusal(Reason.INVALID_REQUEST, f"No label is longer than {LONGEST_LABEL} characters.")
    return json.dumps({name: str(value) for name, value in filters.items() if value is not None}, sort_keys=True)


def inclusion(tx: Transaction, index: int) -> dict[str, Any]:
    """RFC 6962, section 2.1.1, against the size before this reading's own entry."""
    one(tx, index)
    size = audit.size(tx)
    return {
        "index": index,
        "size": size,
        "root": base64.b64encode(audit.root(tx, size)).decode(),
        "hashes": proof(audit.inclusion(tx, index, size)),
    }


def consistency(tx: Transaction, first: int, second: int) -> dict[str, Any]:
    """RFC 6962, section 2.1.2."""
    if not 0 <= first <= second <= audit.size(tx):
        raise Refusal(Reason.NOT_FOUND, "The log has no such sizes.", "from is at most to, and to at most the present size.")
    return {
        "from": first,
        "to": second,
        "roots": proof([audit.root(tx, first), audit.root(tx, second)]),
        "hashes": proof(audit.consistency(tx, first, second)),
    }


def verify(state: State, vkey: str) -> Verdict:
    """The checker's verdict on this database, by our own first key; it shares no code with the writer."""
    return verify_database(state.path, [vkey])


def export(tx: Transaction, folder: Path) -> dict[str, Any]:
    tiles.export(tx, folder)
    return {"folder": str(folder), "entries": audit.size(tx)}
