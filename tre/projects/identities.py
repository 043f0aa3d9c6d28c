"""Identities: a name, roles and a token that is shown once. The database holds its SHA-256, which gives nothing back."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from tre.errors import Reason, Refusal
from tre.projects.names import valid_name
from tre.projects.tables import identities as table
from tre.state import Transaction
from tre.terms import Person, timestamp

ROLES = frozenset({"researcher", "admin", "auditor", "controller", "checker"})
# The prefix lets scanners of files and of repositories find a token that leaked.
_TOKEN = re.compile(r"tre_[A-Za-z0-9_-]{43}")
_BY_TOKEN = select(table).where(table.c.token == bindparam("digest"), table.c.revoked_at.is_(None))
_BY_NAME = select(table).where(table.c.name == bindparam("of"))


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity as an admin sees it: never its token."""

    name: str
    pseudonym: str
    roles: frozenset[str]
    made_at: str
    revoked_at: str | None

    @property
    def person(self) -> Person:
        return Person(self.name, self.pseudonym, self.roles)


def make_identity(tx: Transaction, name: str, roles: Iterable[str], pseudonym: str, at: datetime) -> str:
    """Make an identity; its token, this once. A name is never given to a second identity: the log knows it for ever."""
    token, digest = _new_token()
    values = {"name": valid_name(name), "pseudonym": pseudonym, "roles": _roles(roles), "token": digest, "made_at": timestamp(at)}
    try:
        tx.execute(insert(table), values)
    except IntegrityError:
        raise Refusal(Reason.INVALID_REQUEST, "This name has been given to an identity before.", "Choose another.") from None
    return token


def who(tx: Transaction, token: str) -> Person | None:
    """Whoever holds a token; None says nothing of why not. Looked up by digest, so that no comparison can be timed."""
    if not _TOKEN.fullmatch(token):
        return None
    found = tx.execute(_BY_TOKEN, {"digest": _digest(token)}).one_or_none()
    return None if found is None else _identity(found).person


def identity(tx: Transaction, name: str) -> Identity:
    """One identity; NOT_FOUND when there is none."""
    found = tx.execute(_BY_NAME, {"of": name}).one_or_none()
    if found is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such identity.")
    return _identity(found)


def identities(tx: Transaction) -> list[Identity]:
    """Every identity ever made, the revoked too, by name."""
    return [_identity(row) for row in tx.execute(select(table).order_by(table.c.name))]


def revoke(tx: Transaction, name: str, at: datetime) -> Identity:
    """End an identity: its token is nobody's from here on. A second time changes nothing."""
    unrevoked = update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    tx.execute(unrevoked.values(revoked_at=timestamp(at)))
    return identity(tx, name)


def renew(tx: Transaction, name: str) -> str:
    """A new token in place of the old one, which is nobody's from here on. A revoked identity stays revoked."""
    if identity(tx, name).revoked_at is not None:
        raise Refusal(Reason.INVALID_REQUEST, "This identity has been revoked.", "Make another under a new name.")
    token, digest = _new_token()
    tx.execute(update(table).where(table.c.name == name).values(token=digest))
    return token


def set_roles(tx: Transaction, name: str, roles: Iterable[str]) -> Identity:
    """Give an identity exactly these roles. The caller has the second person's approval for one that is added."""
    values = {"roles": _roles(roles)}
    identity(tx, name)
    tx.execute(update(table).where(table.c.name == name).values(values))
    return identity(tx, name)


def _new_token() -> tuple[str, bytes]:
    token = "tre_" + secrets.token_urlsafe(32)
    return token, _digest(token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _roles(roles: Iterable[str]) -> str:
    given = set(roles)
    if not given <= ROLES:
        raise Refusal(Reason.INVALID_REQUEST, "There is no such role.", f"Roles are {', '.join(sorted(ROLES))}.")
    return ",".join(sorted(given))


def _identity(row: Row[Any]) -> Identity:
    roles = frozenset(row.roles.split(",")) if row.roles else frozenset()
    return Identity(row.name, row.pseudonym, roles, row.made_at, row.revoked_at)
